//! Commits at work (docs/protocol.md §3.8): who copied a state is shut out, and nobody else is.

mod following;
mod reopening;
mod theft;

use crate::db::DbError;
use crate::messages::{EngineError, Incoming, Outcome, Source, receive, seal};
use crate::mls::tests::epoch_of;
use crate::mls::{Commit, Message, Session};
use crate::outbox::PutResult;
use crate::testing::{Party, TestClock, acquainted, settle};
use sotto_wire::conversation::ConversationId;
use sotto_wire::frame::{self, Frame, SealKey};
use std::collections::HashSet;

const DAY: u64 = 24 * 60 * 60 * 1000;

/// Says something, has everything delivered both ways, and gives what was delivered to the other
/// side on the way.
fn exchange(from: &mut Party, to: &mut Party, text: &str) -> Vec<Incoming> {
    from.say(to, text);
    let mut captured = Vec::new();
    for _ in 0..16 {
        let moved = from.send(to) + to.send(from);
        captured.extend(to.queue.iter().cloned());
        from.receive();
        to.receive();
        if moved == 0 {
            return captured;
        }
    }
    panic!("the two never come to rest");
}

/// A send group as its owner or a reader has it.
fn group_of(party: &Party, table: &'static str) -> Vec<u8> {
    party.read(move |tx| {
        let sql = format!("SELECT group_id FROM {table} ORDER BY id DESC LIMIT 1");
        Ok(tx.query_row(&sql, [], |row| row.get(0))?)
    })
}

fn own_epoch(party: &Party) -> (u64, Vec<u8>) {
    let group = group_of(party, "send_group");
    party.write(move |tx| Ok::<_, DbError>(epoch_of(tx, &group)))
}

fn read_epoch(party: &Party) -> (u64, Vec<u8>) {
    let group = group_of(party, "read_group");
    party.write(move |tx| Ok::<_, DbError>(epoch_of(tx, &group)))
}

fn reads(thief: &Party, frames: &[Incoming]) -> bool {
    frames.iter().any(|it| {
        matches!(
            thief.receive_batch(vec![it.clone()])[0],
            Outcome::Message(_)
        )
    })
}

/// What is inside a frame for this party.
fn opened(by: &Party, incoming: &Incoming) -> Frame {
    let Source::Grant(address) = incoming.source.clone() else {
        panic!("not by a grant")
    };
    let seal: [u8; 32] = by.read(move |tx| {
        let sql = "SELECT seal FROM issued_grant WHERE address = ?1";
        Ok(tx.query_row(sql, [address.as_str()], |row| row.get(0))?)
    });
    frame::open(&incoming.bytes, &SealKey::from_bytes(seal)).unwrap()
}

/// The same frame with something else inside.
fn sealed_anew(by: &Party, incoming: &Incoming, change: impl FnOnce(&mut Frame)) -> Incoming {
    let Source::Grant(address) = incoming.source.clone() else {
        panic!("not by a grant")
    };
    let mut frame = opened(by, incoming);
    change(&mut frame);
    let seal: [u8; 32] = by.read(move |tx| {
        let sql = "SELECT seal FROM issued_grant WHERE address = ?1";
        Ok(tx.query_row(sql, [address.as_str()], |row| row.get(0))?)
    });
    let mut changed = incoming.clone();
    changed.bytes = frame::seal(
        &frame,
        &SealKey::from_bytes(seal),
        &sotto_wire::random::OsRandom,
    )
    .unwrap();
    changed
}

fn code(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Quarantined(code) => code,
        other => panic!("{other:?}"),
    }
}

/// Says something and gives the frame without delivering it.
fn said(from: &Party, to: &Party, text: &str) -> Incoming {
    from.say(to, text);
    let mut puts = from.seal(to);
    let put = puts.remove(0);
    assert!(puts.is_empty());
    from.settle(&put, PutResult::Accepted);
    from.delivery(&put)
}

/// Alice, Bob and a copy of Bob's disk, after Alice spoke.
fn with_a_thief() -> (Party, Party, Party) {
    let (mut alice, mut bob) = acquainted();
    exchange(&mut bob, &mut alice, "how are you");
    exchange(&mut alice, &mut bob, "fine");
    let thief = bob.copy();
    (alice, bob, thief)
}
