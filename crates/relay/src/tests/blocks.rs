//! Blocked senders (§4.5).

use reqwest::{Method, StatusCode};
use sotto_wire::did::Did;
use sotto_wire::relay_api::{Blocks, paths};

use super::answer::Answer;
use super::people::{Device, Person};
use super::pool::Case;
use super::queue::acknowledge_all;
use super::world::World;
use crate::store::sql::params;

async fn listed(world: &World, device: &Device) -> Vec<Did> {
    world
        .owner(device, Method::GET, paths::BLOCKS, None)
        .await
        .decode::<Blocks>()
        .dids
}

async fn change(world: &World, device: &Device, method: Method, did: &Did) -> StatusCode {
    world
        .owner(device, method, &paths::block(did), None)
        .await
        .status
}

impl Case {
    async fn block(&self) {
        let status = change(&self.world, &self.alices, Method::PUT, &self.bob.did).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
    }

    async fn unblock(&self) {
        let status = change(&self.world, &self.alices, Method::DELETE, &self.bob.did).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
    }

    /// Nobody seems to come by for a long time.
    async fn made_up_absence(&self) {
        let state = self.world.relay.state();
        let until = state.later(86_400);
        let away = state.store.write(move |sql| {
            sql.execute(
                "UPDATE blocked SET present = 0, waiting = 0, until = ?1",
                params![until],
            )
        });
        assert_eq!(away.await.expect("written"), 1);
    }

    async fn rows(&self) -> i64 {
        let count = self.world.relay.state().store.read(|sql| {
            sql.one(
                "SELECT (SELECT count(*) FROM bodies) + (SELECT count(*) FROM messages)
                     + (SELECT count(*) FROM queue)",
                params![],
                |row| row.get(0),
            )
        });
        count.await.expect("counted")
    }

    async fn contact(&self, envelope: &[u8]) -> Answer {
        self.world.contact(&self.alice.did, envelope.to_vec()).await
    }
}

#[tokio::test]
async fn blocks_are_the_accounts_own_and_repeatable() {
    let world = World::with(|config| config.limits.blocks_max = 2).await;
    let (_, alice) = world.registered("alice").await;
    let (_, other) = world.registered("other").await;
    let [bob, carol, dave] = ["bob", "carol", "dave"].map(|name| Person::new(name).did);
    for did in [&carol, &bob, &bob] {
        let status = change(&world, &alice, Method::PUT, did).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
    }
    let refused = world
        .owner(&alice, Method::PUT, &paths::block(&dave), None)
        .await;
    assert_eq!(
        (refused.status, refused.error().as_deref()),
        (StatusCode::CONFLICT, Some("too-many-blocks"))
    );
    assert_eq!(listed(&world, &alice).await, [bob.clone(), carol.clone()]);
    assert!(listed(&world, &other).await.is_empty());
    for _ in 0..2 {
        let status = change(&world, &alice, Method::DELETE, &bob).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
    }
    assert_eq!(listed(&world, &alice).await, [carol]);
    let path = format!("{}/nobody", paths::BLOCKS);
    let malformed = world.owner(&alice, Method::PUT, &path, None).await;
    assert_eq!(malformed.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn nothing_of_a_blocked_sender_is_kept_and_all_of_it_may_be_put_again() {
    let case = Case::new().await;
    case.judge(&[&case.bob.did], &[]).await;
    assert_eq!(case.write("before").await, StatusCode::ACCEPTED);
    case.block().await;
    let rows = case.rows().await;
    let envelope = case.bob.envelope(&case.bobs, &case.alice.did, "meanwhile");
    for _ in 0..2 {
        let answer = case.contact(&envelope).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
    }
    assert_eq!(case.rows().await, rows);
    assert_eq!(case.waiting().await, 1, "what was accepted before stays");
    assert!(case.pool().await.is_empty());
    case.unblock().await;
    case.contact(&envelope).await;
    assert_eq!(case.waiting().await, 2, "provisioned as before");
}

#[tokio::test]
async fn a_blocked_sender_leaves_the_pool_and_does_not_come_back() {
    let case = Case::new().await;
    case.write("hello").await;
    case.block().await;
    assert!(case.pool().await.is_empty());
    for i in 0..3 {
        assert_eq!(case.write(&i.to_string()).await, StatusCode::ACCEPTED);
    }
    assert!(case.pool().await.is_empty());
    // A judgement does not undo the block.
    case.judge(&[&case.bob.did], &[]).await;
    case.write("provisioned").await;
    assert_eq!(case.waiting().await, 0);
    case.unblock().await;
    case.write("unblocked").await;
    assert_eq!(case.waiting().await, 1);
}

#[tokio::test]
async fn a_blocked_sender_finds_a_reservation_full_as_every_other_does() {
    let case = Case::with(|config| config.limits.reservation = 3).await;
    case.judge(&[&case.bob.did], &[]).await;
    let [seen, a, b, c, d] = ["seen", "a", "b", "c", "d"]
        .map(|text| case.bob.envelope(&case.bobs, &case.alice.did, text));
    // Full, really.
    let mut really = Vec::new();
    for envelope in [&seen, &a, &a, &b, &c] {
        really.push(case.contact(envelope).await);
    }
    acknowledge_all(&case.world, &case.alices).await;
    case.block().await;
    case.made_up_absence().await;
    // What came before the block is as little new as on the real way, and what is repeated counts once.
    let [e, f, g] =
        ["e", "f", "g"].map(|text| case.bob.envelope(&case.bobs, &case.alice.did, text));
    let mut made_up = Vec::new();
    for envelope in [&seen, &e, &e, &f, &f, &g, &d] {
        made_up.push(case.contact(envelope).await);
    }
    let statuses = |answers: &[Answer]| {
        answers
            .iter()
            .map(|it| it.status.as_u16())
            .collect::<Vec<_>>()
    };
    assert_eq!(statuses(&really), [202, 202, 202, 202, 429]);
    assert_eq!(statuses(&made_up), [202, 202, 202, 202, 202, 202, 429]);
    let (real, made_up) = (really.last().unwrap(), made_up.last().unwrap());
    let without_date = |answer: &Answer| {
        let mut headers = answer.headers.clone();
        headers.remove("date");
        headers
    };
    assert_eq!(without_date(real), without_date(made_up));
    assert_eq!(real.body, made_up.body);
    // What was refused is not remembered: with room again, the same bytes are taken.
    case.made_up_absence().await;
    assert_eq!(case.contact(&d).await.status, StatusCode::ACCEPTED);
    for envelope in [&e, &f, &g] {
        assert_eq!(case.contact(envelope).await.status, StatusCode::ACCEPTED);
    }
    let [h, i, j] =
        ["h", "i", "j"].map(|text| case.bob.envelope(&case.bobs, &case.alice.did, text));
    for (envelope, status) in [(&h, 202), (&i, 202), (&j, 429)] {
        assert_eq!(case.contact(envelope).await.status, status, "d was one");
    }
}

#[tokio::test]
async fn what_a_blocked_sender_is_answered_does_not_follow_the_recipient() {
    let case = Case::with(|config| config.limits.reservation = 1).await;
    case.judge(&[&case.bob.did], &[]).await;
    assert_eq!(case.write("waits").await, StatusCode::ACCEPTED);
    assert_eq!(case.write("full").await, StatusCode::TOO_MANY_REQUESTS);
    case.block().await;
    case.made_up_absence().await;
    assert_eq!(case.write("one").await, StatusCode::ACCEPTED);
    assert_eq!(case.write("two").await, StatusCode::TOO_MANY_REQUESTS);
    acknowledge_all(&case.world, &case.alices).await;
    case.judge(&[&case.bob.did], &[]).await;
    // Blocking again does not begin anew.
    case.block().await;
    assert_eq!(case.write("three").await, StatusCode::TOO_MANY_REQUESTS);
}
