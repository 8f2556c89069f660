//! What commits cost that nobody acknowledges (docs/protocol.md §3.8): every frame carries them, and
//! there are at most four.

use crate::testing::{Party, acquainted, settle};
use crate::{best, compose, is_message};
use sotto_core::messages::Incoming;
use sotto_core::messages::seal;
use sotto_core::outbox::Put;
use sotto_wire::conversation::ConversationId;
use std::time::{Duration, Instant};

/// Messages of one epoch: a commit comes before the next one.
const EPOCH: usize = 100;
const EPOCHS: usize = 5;

/// Of a message of each epoch of a backlog: the nth carries n commits.
#[derive(Default)]
pub(crate) struct Staples(Vec<Epoch>);

#[derive(Default, Clone)]
struct Epoch {
    seal: Vec<Duration>,
    open: Vec<Duration>,
    bytes: usize,
}

impl Staples {
    pub(crate) fn measure(&mut self) {
        let (mut alice, mut bob) = acquainted();
        // Both groups are mixed in: the next commit comes when the epoch is used up.
        compose(&alice, &bob, 1);
        settle(&mut alice, &mut bob);
        compose(&alice, &bob, EPOCH * EPOCHS);
        self.0.resize(EPOCHS, Epoch::default());
        let each = |time: Instant| time.elapsed() / u32::try_from(EPOCH).unwrap();
        let mut backlog = Vec::new();
        for epoch in &mut self.0 {
            let start = Instant::now();
            let puts = seal_one_epoch(&alice, &bob);
            epoch.seal.push(each(start));
            // The last one already belongs to the next epoch.
            epoch.bytes = puts.first().unwrap().bytes.len();
            backlog.push(puts);
        }
        for (epoch, puts) in self.0.iter_mut().zip(backlog) {
            let incoming: Vec<Incoming> = puts.iter().map(|put| alice.delivery(put)).collect();
            let start = Instant::now();
            let outcomes = bob.receive_batch(incoming);
            epoch.open.push(each(start));
            assert!(outcomes.len() == EPOCH && outcomes.iter().all(is_message));
        }
    }

    pub(crate) fn print(&self) {
        let Some(first) = self.0.first() else { return };
        for (what, of) in [
            ("seal", (|it| best(&it.seal)) as fn(&Epoch) -> _),
            ("open", |it| best(&it.open)),
        ] {
            for (n, epoch) in self.0.iter().enumerate() {
                let name = format!("one of a backlog with {n} commits, {what}");
                crate::line(&name, of(epoch), of(first));
            }
        }
        for (n, epoch) in self.0.iter().enumerate() {
            let kib = epoch.bytes as f64 / 1024.0;
            let ratio = first.bytes as f64 / epoch.bytes as f64;
            println!("one of a backlog with {n} commits, frame\t{kib:.1}\tKiB\t{ratio:.2}");
        }
    }
}

fn seal_one_epoch(alice: &Party, bob: &Party) -> Vec<Put> {
    let id = ConversationId::of(&alice.own.did, &bob.own.did);
    alice.write(move |tx| seal::next(tx, &id, EPOCH))
}
