//! Pool, adjudication, discard window, reservation (§4.5).

use reqwest::{Method, StatusCode};
use sotto_wire::cbor;
use sotto_wire::did::Did;
use sotto_wire::relay_api::{Ack, Acks, Adjudication, Pool, paths};

use super::people::{Device, Person};
use super::world::World;

async fn pool(world: &World, device: &Device) -> Vec<Did> {
    world
        .owner(device, Method::GET, paths::POOL, None)
        .await
        .decode::<Pool>()
        .dids
}

async fn judge(world: &World, device: &Device, provision: &[&Did], discard: &[&Did]) {
    let list = |dids: &[&Did]| dids.iter().map(|did| (*did).clone()).collect();
    let body = cbor::encode(&Adjudication {
        provision: list(provision),
        discard: list(discard),
        ..Adjudication::default()
    });
    let answer = world
        .owner(device, Method::POST, paths::ADJUDICATION, Some(body))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
}

/// Alice is registered; Bob is published and has a device.
pub(super) struct Case {
    pub(super) world: World,
    pub(super) alice: Person,
    pub(super) alices: Device,
    pub(super) bob: Person,
    pub(super) bobs: Device,
}

impl Case {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(adjust: fn(&mut crate::Config)) -> Self {
        let world = World::with(adjust).await;
        let (alice, alices) = world.registered("alice").await;
        let bob = world.person("bob");
        let bobs = bob.device(world.now());
        Self {
            world,
            alice,
            alices,
            bob,
            bobs,
        }
    }

    /// Bob writes to Alice.
    pub(super) async fn write(&self, text: &str) -> StatusCode {
        let envelope = self.bob.envelope(&self.bobs, &self.alice.did, text);
        let answer = self.world.contact(&self.alice.did, envelope).await;
        assert!(answer.body.is_empty());
        answer.status
    }

    pub(super) async fn pool(&self) -> Vec<Did> {
        pool(&self.world, &self.alices).await
    }

    pub(super) async fn judge(&self, provision: &[&Did], discard: &[&Did]) {
        judge(&self.world, &self.alices, provision, discard).await;
    }

    pub(super) async fn waiting(&self) -> usize {
        self.world.queue(&self.alices).await.messages.len()
    }
}

#[tokio::test]
async fn pool_then_adjudication_then_delivery() {
    let case = Case::new().await;
    let envelope = case.bob.envelope(&case.bobs, &case.alice.did, "hello");
    let answer = case.world.contact(&case.alice.did, envelope.clone()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(case.pool().await, std::slice::from_ref(&case.bob.did));
    assert_eq!(
        case.waiting().await,
        0,
        "nothing is delivered before the judgement"
    );
    case.judge(&[&case.bob.did], &[]).await;
    assert!(case.pool().await.is_empty());
    let delivery = case.world.queue(&case.alices).await.messages.remove(0);
    assert_eq!(delivery.m, envelope);
    assert_eq!(delivery.k.as_str(), case.alice.did.as_str());
    assert_eq!(delivery.sd, Some(case.bob.did.clone()));
    assert_eq!(delivery.kt, Some(case.bob.delegate.public().thumbprint()));
    // A provisioned sender goes straight to the queue.
    assert_eq!(case.write("again").await, StatusCode::ACCEPTED);
    assert_eq!(case.waiting().await, 2);
}

#[tokio::test]
async fn a_released_sender_stays_unknown() {
    let case = Case::with(|config| config.limits.reservation = 1).await;
    for round in 1..=3 {
        // Never told that anything is full: it cannot tell a release from nobody at home.
        assert_eq!(case.write(&round.to_string()).await, StatusCode::ACCEPTED);
        assert_eq!(case.pool().await, std::slice::from_ref(&case.bob.did));
        let body = cbor::encode(&Adjudication {
            release: vec![case.bob.did.clone()],
            ..Adjudication::default()
        });
        let answer = case
            .world
            .owner(&case.alices, Method::POST, paths::ADJUDICATION, Some(body))
            .await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(case.waiting().await, round);
        assert!(case.pool().await.is_empty());
    }
    // Once provisioned, it is held to its reservation.
    case.judge(&[&case.bob.did], &[]).await;
    assert_eq!(case.write("four").await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn provisioned_mail_goes_to_every_device() {
    let case = Case::new().await;
    let second = case.alice.device(case.world.now());
    let roster = case.alice.roster(2, &[&case.alices, &second]);
    let body = case.alice.registration(&second, roster);
    case.world
        .owner(&second, Method::POST, paths::REGISTRATIONS, Some(body))
        .await;
    case.write("one").await;
    case.judge(&[&case.bob.did], &[]).await;
    case.write("two").await;
    let delivery = case.world.queue(&second).await.messages.remove(0);
    let body = cbor::encode(&Acks {
        acks: vec![Ack {
            k: delivery.k,
            id: delivery.id,
        }],
    });
    case.world
        .owner(&second, Method::POST, paths::ACKS, Some(body))
        .await;
    assert_eq!(case.world.queue(&second).await.messages.len(), 1);
    assert_eq!(
        case.waiting().await,
        2,
        "one device's acknowledgement is its own"
    );
}

#[tokio::test]
async fn discarded_senders_are_dropped_for_an_hour_and_get_202() {
    let case = Case::new().await;
    case.write("one").await;
    case.judge(&[], &[&case.bob.did]).await;
    assert!(case.pool().await.is_empty());
    assert_eq!(case.write("two").await, StatusCode::ACCEPTED);
    assert!(case.pool().await.is_empty());
    case.world.clock.forward(3600);
    assert_eq!(case.write("three").await, StatusCode::ACCEPTED);
    assert_eq!(case.pool().await, std::slice::from_ref(&case.bob.did));
    case.judge(&[&case.bob.did], &[]).await;
    assert_eq!(case.waiting().await, 1);
}

#[tokio::test]
async fn the_pool_is_shallow_and_silent() {
    let case = Case::with(|config| config.limits.pool_depth = 3).await;
    for i in 0..5 {
        assert_eq!(case.write(&i.to_string()).await, StatusCode::ACCEPTED);
    }
    case.judge(&[&case.bob.did], &[]).await;
    assert_eq!(case.waiting().await, 3);
}

#[tokio::test]
async fn a_pool_short_of_bytes_gives_up_depth_before_width() {
    let case = Case::with(|config| config.limits.pool_max_bytes = 100_000).await;
    let long = "x".repeat(30_000);
    for i in 0..4 {
        case.write(&format!("{long}{i}")).await;
    }
    let carol = case.world.person("carol");
    let envelope = carol.envelope(&carol.device(case.world.now()), &case.alice.did, &long);
    case.world.contact(&case.alice.did, envelope).await;
    assert_eq!(case.pool().await, [case.bob.did.clone(), carol.did.clone()]);
    case.judge(&[&case.bob.did, &carol.did], &[]).await;
    assert_eq!(case.waiting().await, 3, "two deep, then one each");
}

#[tokio::test]
async fn a_full_reservation_is_told_to_its_sender_only() {
    let case = Case::with(|config| config.limits.reservation = 2).await;
    case.judge(&[&case.bob.did], &[]).await;
    assert_eq!(case.write("one").await, StatusCode::ACCEPTED);
    assert_eq!(case.write("two").await, StatusCode::ACCEPTED);
    let third = case.bob.envelope(&case.bobs, &case.alice.did, "three");
    let answer = case.world.contact(&case.alice.did, third.clone()).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.retry_after().is_some());
    let carol = case.world.person("carol");
    let other = carol.envelope(&carol.device(case.world.now()), &case.alice.did, "hello");
    assert_eq!(
        case.world.contact(&case.alice.did, other).await.status,
        StatusCode::ACCEPTED
    );
    // With room again, the very same envelope is accepted: its nonce was not used up.
    let delivery = case.world.queue(&case.alices).await.messages.remove(0);
    let body = cbor::encode(&Acks {
        acks: vec![Ack {
            k: delivery.k,
            id: delivery.id,
        }],
    });
    case.world
        .owner(&case.alices, Method::POST, paths::ACKS, Some(body))
        .await;
    assert_eq!(
        case.world.contact(&case.alice.did, third).await.status,
        StatusCode::ACCEPTED
    );
    assert_eq!(case.waiting().await, 2);
}
