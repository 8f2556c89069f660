//! Verification of first contacts, and what their answers do not tell (§4.5).

use std::sync::atomic::Ordering;

use reqwest::StatusCode;

use super::people::{Device, Person};
use super::pool::Case;
use crate::accounts::Unverified;

#[tokio::test]
async fn repeated_envelopes_and_nonces_are_dropped() {
    let case = Case::new().await;
    case.judge(&[&case.bob.did], &[]).await;
    let to = &case.alice.did;
    let one = case.bob.envelope_with_nonce(&case.bobs, to, "one", [1; 16]);
    let same_nonce = case.bob.envelope_with_nonce(&case.bobs, to, "two", [1; 16]);
    let same_payload = case.bob.envelope_with_nonce(&case.bobs, to, "one", [2; 16]);
    for envelope in [&one, &one, &same_nonce, &same_payload] {
        let answer = case.world.contact(to, envelope.clone()).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
    }
    assert_eq!(case.waiting().await, 1);
}

#[tokio::test]
async fn what_does_not_verify_is_answered_202_and_dropped() {
    let case = Case::new().await;
    let (world, to) = (&case.world, &case.alice.did);
    let nobody = Person::new("nobody");
    let unresolvable = nobody.envelope(&nobody.device(world.now()), to, "x");
    let impostor = Person {
        did: case.bob.did.clone(),
        ..Person::new("x")
    };
    let forged = impostor.envelope(&impostor.device(world.now()), to, "x");
    let stolen = Device {
        key: impostor.device(world.now()).key,
        ..case.bobs.clone()
    };
    let wrong_key = case.bob.envelope(&stolen, to, "x");
    let ended = case.bob.device_until(world.now() - 100, world.now());
    let expired = case.bob.envelope(&ended, to, "x");
    let to_carol = case
        .bob
        .envelope(&case.bobs, &Person::new("carol").did, "x");
    for envelope in [unresolvable, forged, wrong_key, expired, to_carol] {
        let answer = world.contact(to, envelope).await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (StatusCode::ACCEPTED, 0)
        );
    }
    assert!(case.pool().await.is_empty());
}

#[tokio::test]
async fn an_unknown_recipient_gets_the_same_answer_after_the_same_verification() {
    let case = Case::new().await;
    let carol = Person::new("carol").did;
    let to_alice = case.bob.envelope(&case.bobs, &case.alice.did, "x");
    let to_carol = case.bob.envelope(&case.bobs, &carol, "x");
    let known = case.world.contact(&case.alice.did, to_alice).await;
    let asked = case.world.published.asked.load(Ordering::SeqCst);
    case.world.clock.forward(601);
    let unknown = case.world.contact(&carol, to_carol).await;
    assert_eq!(case.world.published.asked.load(Ordering::SeqCst), asked + 1);
    assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
    let names = |answer: &super::answer::Answer| {
        answer
            .headers
            .keys()
            .map(|name| name.as_str().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&known), names(&unknown));
}

#[tokio::test]
async fn malformed_and_oversized_envelopes_are_refused_on_their_bytes() {
    let case = Case::new().await;
    let mut trailing = case.bob.envelope(&case.bobs, &case.alice.did, "x");
    trailing.push(0);
    let large = case
        .bob
        .envelope(&case.bobs, &case.alice.did, &"x".repeat(98_304));
    let larger = case
        .bob
        .envelope(&case.bobs, &case.alice.did, &"x".repeat(110_000));
    for recipient in [&case.alice.did, &Person::new("carol").did] {
        for (body, status) in [
            (b"x".to_vec(), 400),
            (trailing.clone(), 400),
            (large.clone(), 413),
            (larger.clone(), 413),
        ] {
            let answer = case.world.contact(recipient, body).await;
            assert_eq!((answer.status.as_u16(), answer.body.len()), (status, 0));
        }
    }
}

#[tokio::test]
async fn accounts_are_remembered_for_a_while() {
    let case = Case::new().await;
    let asked = || case.world.published.asked.load(Ordering::SeqCst);
    let before = asked();
    case.write("one").await;
    case.write("two").await;
    assert_eq!(asked(), before + 1);
    case.world.clock.forward(600);
    case.write("three").await;
    assert_eq!(asked(), before + 2);
    // A failure is remembered for half a minute.
    case.world.clock.forward(600);
    case.world
        .published
        .set(&case.bob.did, Err(Unverified::Unreachable));
    case.write("four").await;
    case.world.publish(&case.bob);
    case.write("five").await;
    assert_eq!(asked(), before + 3);
    case.world.clock.forward(30);
    case.write("six").await;
    assert_eq!(asked(), before + 4);
    case.judge(&[&case.bob.did], &[]).await;
    assert_eq!(case.waiting().await, 4);
}

#[tokio::test]
async fn a_rotated_key_is_noticed_before_the_memory_ends() {
    let case = Case::new().await;
    case.write("old key").await;
    let rotated = Person {
        did: case.bob.did.clone(),
        ..Person::new("x")
    };
    case.world.publish(&rotated);
    case.world.clock.forward(60);
    let envelope = rotated.envelope(
        &rotated.device(case.world.now()),
        &case.alice.did,
        "new key",
    );
    case.world.contact(&case.alice.did, envelope).await;
    case.judge(&[&case.bob.did], &[]).await;
    assert_eq!(case.waiting().await, 2);
}

#[tokio::test]
async fn puts_are_rate_limited_by_address() {
    let case = Case::with(|config| config.limits.lookups_per_minute = 2).await;
    let mut statuses = Vec::new();
    for i in 0..3 {
        statuses.push(case.write(&i.to_string()).await.as_u16());
    }
    assert_eq!(statuses, [202, 202, 429]);
}
