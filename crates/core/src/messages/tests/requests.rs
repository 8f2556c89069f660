//! First contacts that are not let straight in (docs/protocol.md §3.5).

use crate::db::{DbError, incoming};
use crate::messages::requests::{self, Arrival, Request, Standing, Verdict};
use crate::messages::{Incoming, MessageState, compose};
use crate::testing::{Party, TestClock, acquainted, settle};
use sotto_wire::claim::Incoming as Policy;
use sotto_wire::conversation::ConversationId;

const DAY: u64 = 24 * 60 * 60 * 1000;

fn strangers(policy: Policy) -> (Party, Party) {
    let clock = TestClock::new();
    let (alice, bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    choose(&bob, policy);
    (alice, bob)
}

fn choose(party: &Party, policy: Policy) {
    party.write(move |tx| incoming::choose(tx, policy));
}

/// Everything due of `from`, as it arrives at someone who follows the sender or not.
fn arrives(from: &Party, at: &mut Party, followed: bool) {
    from.send(at);
    let arrived = std::mem::take(&mut at.queue);
    let arrival = |incoming: Incoming| Arrival { incoming, followed };
    let arrivals = arrived.into_iter().map(arrival).collect();
    at.write(move |tx| requests::arrive(tx, arrivals));
}

fn list(of: &Party) -> Vec<Request> {
    of.read(requests::list)
}

fn id(one: &Party, other: &Party) -> ConversationId {
    ConversationId::of(&one.own.did, &other.own.did)
}

fn accept(party: &Party, other: &Party) {
    let id = id(party, other);
    let sender = party.write(move |tx| requests::accept(tx, &id));
    assert_eq!(sender.as_ref(), Some(&other.own.did));
}

fn decline(party: &Party, other: &Party) {
    let id = id(party, other);
    let sender = party.write(move |tx| requests::decline(tx, &id));
    assert_eq!(sender.as_ref(), Some(&other.own.did));
}

/// Nothing that the sender could ever notice, and nothing in the list of conversations.
fn shows_nothing(bob: &Party, alice: &Party) {
    assert!(bob.seal(alice).is_empty() && bob.due().is_empty());
    assert_eq!(bob.read(crate::outbox::waiting), []);
    for sql in [
        "SELECT count(*) FROM conversation",
        "SELECT count(*) FROM message",
        "SELECT count(*) FROM outbox",
        "SELECT count(*) FROM put",
        "SELECT count(*) FROM send_group",
        "SELECT count(*) FROM read_group",
        "SELECT count(*) FROM held_grant",
        "SELECT count(*) FROM peer_device",
        "SELECT count(*) FROM seen_frame",
        "SELECT count(*) FROM seen_nonce",
        "SELECT count(*) FROM issued_grant WHERE peer_device IS NOT NULL",
        "SELECT count(*) FROM quarantine",
    ] {
        assert_eq!(
            bob.read(move |tx| Ok(tx.query_row(sql, [], |row| row.get::<_, i64>(0))?)),
            0,
            "{sql}"
        );
    }
}

fn texts(request: &Request) -> Vec<Option<&str>> {
    let texts = request.messages.iter();
    texts.map(|(text, _)| text.as_deref()).collect()
}

#[test]
fn a_stranger_waits_and_nothing_is_revealed() {
    for policy in [Policy::Following, Policy::None] {
        let (mut alice, mut bob) = strangers(policy);
        let packages = "SELECT count(*) FROM key_package";
        let mls = "SELECT (SELECT count(*) FROM openmls_key_packages)
                     + (SELECT count(*) FROM openmls_group_data)";
        alice.say(&bob, "hello");
        alice.seal(&bob);
        let before = (bob.count(packages), bob.count(mls));
        arrives(&alice, &mut bob, false);
        alice.say(&bob, "are you there?");
        arrives(&alice, &mut bob, false);
        let waiting = list(&bob);
        assert_eq!(waiting.len(), 1);
        assert_eq!(waiting[0].peer.pin.did, alice.own.did);
        assert_eq!(waiting[0].id, id(&bob, &alice));
        assert_eq!(texts(&waiting[0]), [Some("hello"), Some("are you there?")]);
        shows_nothing(&bob, &alice);
        let after = (bob.count(packages), bob.count(mls));
        assert_eq!(before, after, "no key package is used, no group is joined");
        bob.send(&mut alice);
        assert!(alice.queue.is_empty());
        let states = alice.messages(&bob).into_iter().map(|it| it.state);
        assert_eq!(states.collect::<Vec<_>>(), [MessageState::Sent; 2]);
    }
}

#[test]
fn the_policy_says_who_comes_straight_in() {
    for (policy, followed, straight) in [
        (Policy::Everyone, false, true),
        (Policy::Following, true, true),
        (Policy::Following, false, false),
        (Policy::None, true, false),
        (Policy::None, false, false),
    ] {
        let (alice, mut bob) = strangers(policy);
        let did = alice.own.did.clone();
        let verdict = bob.read(move |tx| requests::verdict(tx, &did));
        let expected = match policy {
            Policy::Everyone => Verdict::Provision,
            _ => Verdict::Release,
        };
        assert_eq!(verdict, expected);
        alice.say(&bob, "hello");
        arrives(&alice, &mut bob, followed);
        assert_eq!(list(&bob).is_empty(), straight, "{policy:?} {followed}");
        assert_eq!(bob.texts(&alice).len(), usize::from(straight));
    }
}

#[test]
fn whom_one_knows_comes_straight_in_whatever_the_policy() {
    let (mut alice, mut bob) = acquainted();
    choose(&bob, Policy::None);
    alice.say(&bob, "again");
    settle(&mut alice, &mut bob);
    // By the mailbox too, as after the grants have expired.
    alice.clock.advance_ms(95 * DAY);
    alice.say(&bob, "much later");
    arrives(&alice, &mut bob, false);
    assert_eq!(bob.texts(&alice), ["hello", "again", "much later"]);
    assert!(list(&bob).is_empty());
    let did = alice.own.did.clone();
    let verdict = bob.read(move |tx| requests::verdict(tx, &did));
    assert_eq!(verdict, Verdict::Provision);
}

#[test]
fn accepted_after_a_restart_it_is_delivered_and_answered() {
    let (mut alice, mut bob) = strangers(Policy::Following);
    for text in ["one", "two", "three"] {
        alice.say(&bob, text);
    }
    arrives(&alice, &mut bob, false);
    bob.reopen();
    assert_eq!(list(&bob).len(), 1);
    accept(&bob, &alice);
    assert!(list(&bob).is_empty());
    assert_eq!(bob.texts(&alice), ["one", "two", "three"]);
    assert_eq!(bob.count("SELECT unread FROM conversation"), 3);
    settle(&mut alice, &mut bob);
    let delivered = |it: &crate::messages::Message| it.state == MessageState::Delivered;
    assert!(alice.messages(&bob).iter().all(delivered));
    bob.say(&alice, "hello alice");
    settle(&mut alice, &mut bob);
    assert_eq!(alice.texts(&bob), ["one", "two", "three", "hello alice"]);
    assert_eq!(bob.count("SELECT count(*) FROM quarantine"), 0);
}

#[test]
fn writing_to_someone_who_waits_accepts() {
    let (mut alice, mut bob) = strangers(Policy::None);
    alice.say(&bob, "hello");
    arrives(&alice, &mut bob, false);
    // Opening the conversation is no answer yet.
    bob.start(&alice);
    assert_eq!(list(&bob).len(), 1);
    alice.say(&bob, "still here");
    arrives(&alice, &mut bob, false);
    assert!(bob.seal(&alice).is_empty(), "not even now");
    bob.say(&alice, "so am I");
    assert_eq!(bob.texts(&alice), ["hello", "still here", "so am I"]);
    assert!(list(&bob).is_empty());
    settle(&mut alice, &mut bob);
    assert_eq!(alice.texts(&bob), ["hello", "still here", "so am I"]);
    for (one, other) in [(&alice, &bob), (&bob, &alice)] {
        let mut mine = one.messages(other).into_iter().filter(|it| it.mine());
        assert!(mine.all(|it| it.state == MessageState::Delivered));
    }
}

#[test]
fn declined_it_leaves_nothing_and_a_later_message_asks_anew() {
    let (mut alice, mut bob) = strangers(Policy::Following);
    alice.say(&bob, "one");
    arrives(&alice, &mut bob, false);
    decline(&bob, &alice);
    assert!(list(&bob).is_empty());
    shows_nothing(&bob, &alice);
    let held = "SELECT (SELECT count(*) FROM held_envelope) + (SELECT count(*) FROM peer)";
    assert_eq!(bob.count(held), 0, "nor is the sender remembered");
    alice.say(&bob, "two");
    arrives(&alice, &mut bob, false);
    assert_eq!(texts(&list(&bob)[0]), [Some("two")]);
    accept(&bob, &alice);
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["two"]);
    // What was declined is no gap behind which nothing can be acknowledged.
    let delivered = |it: &crate::messages::Message| it.state == MessageState::Delivered;
    assert!(alice.messages(&bob).iter().all(delivered));
    assert_eq!(bob.count("SELECT count(*) FROM declined_frame"), 0);
}

#[test]
fn a_conversation_that_was_only_opened_goes_with_the_request() {
    let (alice, mut bob) = strangers(Policy::None);
    alice.say(&bob, "one");
    arrives(&alice, &mut bob, false);
    bob.start(&alice);
    decline(&bob, &alice);
    shows_nothing(&bob, &alice);
    alice.say(&bob, "two");
    arrives(&alice, &mut bob, false);
    assert_eq!(texts(&list(&bob)[0]), [Some("two")]);
    assert_eq!(bob.count("SELECT count(*) FROM conversation"), 0);
}

#[test]
fn declined_and_let_in_by_a_new_policy_it_is_acknowledged_too() {
    let (mut alice, mut bob) = strangers(Policy::None);
    alice.say(&bob, "one");
    arrives(&alice, &mut bob, false);
    decline(&bob, &alice);
    choose(&bob, Policy::Everyone);
    alice.say(&bob, "two");
    arrives(&alice, &mut bob, false);
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["two"]);
    let delivered = |it: &crate::messages::Message| it.state == MessageState::Delivered;
    assert!(alice.messages(&bob).iter().all(delivered));
}

#[test]
fn repeated_envelopes_are_held_once_and_broken_ones_not_at_all() {
    let (alice, mut bob) = strangers(Policy::Following);
    alice.say(&bob, "hello");
    let put = alice.seal(&bob).remove(0);
    let good = alice.delivery(&put);
    let mut stolen = good.clone();
    if let crate::messages::Source::DidMailbox { sender, .. } = &mut stolen.source {
        // Another key than the one that signed it.
        sender.key = bob.own.delegate_key.public();
    }
    bob.queue = vec![stolen, good.clone(), good];
    let nobody = Party::new("nobody", &bob.clock.clone());
    arrives(&nobody, &mut bob, false);
    assert_eq!(texts(&list(&bob)[0]), [Some("hello")]);
    assert_eq!(bob.count("SELECT count(*) FROM quarantine"), 1);
    assert_eq!(bob.count("SELECT count(*) FROM conversation"), 0);
}

#[test]
fn one_sender_cannot_fill_everything() {
    let (alice, mut bob) = strangers(Policy::Following);
    for _ in 0..3 {
        for n in 0..16 {
            alice.say(&bob, &n.to_string());
        }
        arrives(&alice, &mut bob, false);
        // As a sender that does not keep to what may be outstanding.
        alice.write(|tx| Ok::<_, DbError>(tx.execute("DELETE FROM put", [])?));
    }
    assert_eq!(list(&bob)[0].messages.len(), 32);
    let did = alice.own.did.clone();
    let (standing, verdict) =
        bob.read(move |tx| Ok((requests::standing(tx, &did)?, requests::verdict(tx, &did)?)));
    assert_eq!(standing, Standing::Pending { full: true });
    assert_eq!(verdict, Verdict::Discard);
}

#[test]
fn the_oldest_goes_where_there_is_no_room_and_is_counted() {
    let (alice, mut bob) = strangers(Policy::None);
    alice.say(&bob, "the first");
    arrives(&alice, &mut bob, false);
    // As many as fit, by copying what is held: making them all takes too long.
    bob.write(|tx| {
        for n in 0..199 {
            let did = format!("did:web:p{n}.example");
            tx.execute(
                "INSERT INTO peer (did, pin, verified_at) SELECT ?1, replace(pin, 'did:web:alice.example', ?1), 0 FROM peer WHERE did = 'did:web:alice.example'",
                [&did],
            )?;
            tx.execute(
                "INSERT INTO held_envelope (peer, digest, bytes, welcome_digest, seq, brings_message, text, at)
                 SELECT last_insert_rowid(), randomblob(32), bytes, randomblob(32), seq, 1, text, at FROM held_envelope LIMIT 1",
                [],
            )?;
        }
        Ok::<_, DbError>(())
    });
    let carol = Party::new("carol", &bob.clock.clone());
    carol.say(&bob, "the last");
    arrives(&carol, &mut bob, false);
    let waiting = list(&bob);
    assert_eq!(waiting.len(), 200);
    assert_eq!(texts(&waiting[0]), [Some("the last")]);
    assert!(waiting.iter().all(|it| it.peer.pin.did != alice.own.did));
    assert_eq!(bob.read(|tx| incoming::dropped(tx)), 1);
}

#[test]
fn after_thirty_days_it_goes() {
    let (alice, mut bob) = strangers(Policy::Following);
    alice.say(&bob, "hello");
    arrives(&alice, &mut bob, false);
    bob.clock.advance_ms(30 * DAY - 1000);
    bob.write(crate::messages::housekeep);
    assert_eq!(list(&bob).len(), 1);
    bob.clock.advance_ms(2000);
    bob.write(crate::messages::housekeep);
    assert!(list(&bob).is_empty());
    bob.clock.advance_ms(41 * DAY);
    bob.write(crate::messages::housekeep);
    assert_eq!(bob.count("SELECT count(*) FROM declined_frame"), 0);
}

#[test]
fn nobody_waits_where_nobody_asked() {
    let (alice, bob) = acquainted();
    let id = id(&alice, &bob);
    assert_eq!(bob.write(move |tx| requests::accept(tx, &id)), None);
    assert_eq!(bob.write(move |tx| requests::decline(tx, &id)), None);
    // Nor is anything accepted by writing.
    let text = bob.write(move |tx| compose::text(tx, &id, "hello"));
    assert!(text > 0);
}

#[test]
fn the_policy_is_everyone_until_it_is_chosen_and_published_once_seen() {
    let clock = TestClock::new();
    let mut bob = Party::new("bob", &clock);
    let policy = |bob: &Party| {
        let policy = bob.read(|tx| incoming::policy(tx));
        (policy.incoming, policy.published)
    };
    assert_eq!(policy(&bob), (Policy::Everyone, true));
    choose(&bob, Policy::None);
    bob.reopen();
    assert_eq!(policy(&bob), (Policy::None, false));
    assert!(!bob.write(|tx| incoming::published(tx, Policy::Following)));
    assert_eq!(policy(&bob), (Policy::None, false), "changed meanwhile");
    assert!(bob.write(|tx| incoming::published(tx, Policy::None)));
    assert_eq!(policy(&bob), (Policy::None, true));
}

#[test]
fn a_first_contact_in_other_bytes_is_no_second_request_nor_one_that_was_declined() {
    let (alice, mut bob) = strangers(Policy::Following);
    alice.say(&bob, "hello");
    arrives(&alice, &mut bob, false);
    let first = alice.count("SELECT sum(length(bytes)) FROM put");
    let next = |bob: &mut Party| {
        alice.clock.advance_ms(DAY);
        arrives(&alice, bob, false);
    };
    for _ in 0..5 {
        next(&mut bob);
    }
    assert_eq!(alice.count("SELECT sum(length(bytes)) FROM put"), first);
    assert_eq!(alice.count("SELECT min(accepted) FROM put"), 6);
    assert_eq!(texts(&list(&bob)[0]), [Some("hello")]);
    decline(&bob, &alice);
    next(&mut bob);
    assert!(list(&bob).is_empty());
    shows_nothing(&bob, &alice);
}
