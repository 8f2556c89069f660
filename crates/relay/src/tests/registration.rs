//! Registration (§4.3).

use reqwest::{Method, StatusCode};
use sotto_wire::domain::Domain;
use sotto_wire::relay_api::{KeyPackagesPut, KeyPackagesState, RegistrationStatus, paths};

use super::answer::Answer;
use super::people::{Device, Person};
use super::world::World;
use crate::accounts::{Account, Unverified};
use crate::store::sql::params;

async fn register(world: &World, device: &Device, body: Vec<u8>) -> Answer {
    world
        .owner(device, Method::POST, paths::REGISTRATIONS, Some(body))
        .await
}

fn refused(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!(
        (answer.status, answer.error().as_deref()),
        (status, Some(code))
    );
}

#[tokio::test]
async fn registers_once_and_repeats() {
    let world = World::new().await;
    let person = world.person("alice");
    let device = person.device(world.now());
    let body = person.registration(&device, person.roster(1, &[&device]));
    assert_eq!(
        register(&world, &device, body.clone()).await.status,
        StatusCode::CREATED
    );
    let again = register(&world, &device, body).await;
    assert_eq!(again.status, StatusCode::OK);
    let status: RegistrationStatus = world
        .owner(&device, Method::GET, paths::REGISTRATION, None)
        .await
        .decode();
    assert_eq!(
        (status.did, status.device_id, status.roster_seq),
        (person.did, device.id, 1)
    );
}

#[tokio::test]
async fn only_for_an_account_that_delegates_to_this_relay() {
    let world = World::new().await;
    let person = Person::new("alice");
    let device = person.device(world.now());
    let body = person.registration(&device, person.roster(1, &[&device]));
    let outcome = |key, domain: &str| {
        Ok(Account {
            key,
            domain: Domain::parse(domain).unwrap(),
            predecessors: Vec::new(),
            rev: String::new(),
        })
    };

    refused(
        &register(&world, &device, body.clone()).await,
        StatusCode::FORBIDDEN,
        "not-delegated",
    );
    world
        .published
        .set(&person.did, Err(Unverified::Unreachable));
    refused(
        &register(&world, &device, body.clone()).await,
        StatusCode::BAD_GATEWAY,
        "unresolvable",
    );
    world.published.set(
        &person.did,
        outcome(person.delegate.public(), "other.example"),
    );
    refused(
        &register(&world, &device, body.clone()).await,
        StatusCode::FORBIDDEN,
        "wrong-domain",
    );
    let other = Person::new("mallory").delegate.public();
    world
        .published
        .set(&person.did, outcome(other, world.relay.domain().as_str()));
    refused(
        &register(&world, &device, body.clone()).await,
        StatusCode::FORBIDDEN,
        "not-delegated",
    );
    world.publish(&person);
    assert_eq!(
        register(&world, &device, body).await.status,
        StatusCode::CREATED
    );
}

#[tokio::test]
async fn an_account_that_is_about_to_move_here_is_registered_ahead_of_its_record() {
    let world = World::new().await;
    let person = Person::new("alice");
    let device = person.device(world.now());
    let roster = person.roster(1, &[&device]);
    let elsewhere = Domain::parse("other.example").unwrap();
    let here = world.relay.domain().clone();
    world.published.set(
        &person.did,
        Ok(Account {
            key: person.delegate.public(),
            domain: elsewhere.clone(),
            predecessors: Vec::new(),
            rev: String::new(),
        }),
    );
    let impostor = Person {
        did: person.did.clone(),
        ..Person::new("mallory")
    };
    let now = world.now();
    for (claimed, refusal) in [
        ((&elsewhere, now), "wrong-domain"),
        ((&here, now - 3601), "wrong-domain"),
        ((&here, now + 3601), "wrong-domain"),
    ] {
        let body = person.registration_ahead(&device, roster.clone(), claimed);
        refused(
            &register(&world, &device, body).await,
            StatusCode::FORBIDDEN,
            refusal,
        );
    }
    let body = impostor.registration_ahead(&device, roster.clone(), (&here, now));
    refused(
        &register(&world, &device, body).await,
        StatusCode::FORBIDDEN,
        "not-delegated",
    );
    let body = person.registration_ahead(&device, roster, (&here, now - 3500));
    assert_eq!(
        register(&world, &device, body).await.status,
        StatusCode::CREATED
    );
}

#[tokio::test]
async fn the_signing_device_is_the_certified_one_and_listed() {
    let world = World::new().await;
    let person = world.person("alice");
    let (one, two) = (person.device(world.now()), person.device(world.now()));
    let others_cert = person.registration(&two, person.roster(1, &[&one, &two]));
    refused(
        &register(&world, &one, others_cert).await,
        StatusCode::UNAUTHORIZED,
        "bad-signature",
    );
    let unlisted = person.registration(&one, person.roster(1, &[&two]));
    refused(
        &register(&world, &one, unlisted).await,
        StatusCode::FORBIDDEN,
        "not-in-roster",
    );
    let foreign = Person {
        did: person.did.clone(),
        ..Person::new("x")
    };
    let forged = foreign.device(world.now());
    let body = person.registration(&forged, person.roster(1, &[&one]));
    refused(
        &register(&world, &forged, body).await,
        StatusCode::FORBIDDEN,
        "not-delegated",
    );
    let forged_roster = person.registration(&one, foreign.roster(1, &[&one]));
    refused(
        &register(&world, &one, forged_roster).await,
        StatusCode::FORBIDDEN,
        "not-delegated",
    );
    let expired = person.device_until(world.now() - 100, world.now() - 1);
    let body = person.registration(&expired, person.roster(1, &[&expired]));
    refused(
        &register(&world, &expired, body).await,
        StatusCode::FORBIDDEN,
        "not-delegated",
    );
}

#[tokio::test]
async fn a_newer_roster_removes_a_device_and_an_older_is_refused() {
    let world = World::new().await;
    let (person, one) = world.registered("alice").await;
    let two = person.device(world.now());
    let both = person.registration(&two, person.roster(2, &[&one, &two]));
    assert_eq!(
        register(&world, &two, both).await.status,
        StatusCode::CREATED
    );
    let stale = person.registration(&one, person.roster(1, &[&one]));
    refused(
        &register(&world, &one, stale).await,
        StatusCode::CONFLICT,
        "stale-roster",
    );
    let same = person.registration(&one, person.roster(2, &[&one]));
    refused(
        &register(&world, &one, same).await,
        StatusCode::CONFLICT,
        "stale-roster",
    );

    let grant = world.grants(&one, 1).await.remove(0);
    world.put(&grant, b"for the device that goes").await;
    world.queued(&one, 1).await;
    let without = person.registration(&two, person.roster(3, &[&two]));
    assert_eq!(register(&world, &two, without).await.status, StatusCode::OK);
    let gone = world
        .owner(&one, Method::GET, paths::REGISTRATION, None)
        .await;
    refused(&gone, StatusCode::UNAUTHORIZED, "not-registered");
    let left = world
        .relay
        .state()
        .store
        .read(|sql| {
            sql.one("SELECT count(*) FROM bodies", params![], |row| {
                row.get::<i64>(0)
            })
        })
        .await
        .unwrap();
    assert_eq!(left, 0, "its queue is gone with its bodies");
    assert_eq!(
        world
            .owner(&two, Method::GET, paths::REGISTRATION, None)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_deleted_registration_leaves_nothing() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    world.grants(&device, 3).await;
    let deleted = world
        .owner(&device, Method::DELETE, paths::REGISTRATION, None)
        .await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    let again = world
        .owner(&device, Method::DELETE, paths::REGISTRATION, None)
        .await;
    refused(&again, StatusCode::UNAUTHORIZED, "not-registered");
    let store = &world.relay.state().store;
    for count in [
        "SELECT count(*) FROM accounts",
        "SELECT count(*) FROM devices",
        "SELECT count(*) FROM grants",
        "SELECT count(*) FROM messages",
        "SELECT count(*) FROM queue",
    ] {
        let rows: i64 = store
            .read(move |sql| sql.one(count, params![], |row| row.get(0)))
            .await
            .unwrap();
        assert_eq!(rows, 0, "{count}");
    }
}

/// The same device under another delegate key, with a roster that lists it.
fn under_another_key(person: &Person, device: &Device, seq: u64) -> (Person, Device, Vec<u8>) {
    let person = Person {
        did: person.did.clone(),
        ..Person::new("other")
    };
    let device = person.certified_again(device);
    let body = person.registration(&device, person.roster(seq, &[&device]));
    (person, device, body)
}

#[tokio::test]
async fn a_rotated_key_keeps_the_device_and_forgets_its_key_packages() {
    let world = World::new().await;
    let (person, device) = world.registered("alice").await;
    let put = KeyPackagesPut {
        remove: Vec::new(),
        single_use: vec![b"under the old key".to_vec()],
        last_resort: Some(b"the last one under it".to_vec()),
    };
    let put = sotto_wire::cbor::encode(&put);
    world
        .owner(&device, Method::PUT, paths::KEY_PACKAGES, Some(put))
        .await;
    let grant = world.grants(&device, 1).await.remove(0);
    world.put(&grant, b"waiting").await;
    world.queued(&device, 1).await;

    let (rotated, device, body) = under_another_key(&person, &device, 2);
    // Not before the record names the new key.
    refused(
        &register(&world, &device, body.clone()).await,
        StatusCode::FORBIDDEN,
        "not-delegated",
    );
    world.publish_after(&rotated, &[&person]);
    assert_eq!(register(&world, &device, body).await.status, StatusCode::OK);
    let state: KeyPackagesState = world
        .owner(&device, Method::GET, paths::KEY_PACKAGES, None)
        .await
        .decode();
    assert_eq!(state, KeyPackagesState::default());
    // What waits and what is given away goes on.
    assert_eq!(world.queued(&device, 1).await, [b"waiting".to_vec()]);
    world.put(&grant, b"and more").await;
    world.queued(&device, 2).await;
    // The key of before registers nothing any more, with however new a roster.
    let old = person.certified_again(&device);
    let body = person.registration(&old, person.roster(9, &[&old]));
    refused(
        &register(&world, &old, body).await,
        StatusCode::FORBIDDEN,
        "not-delegated",
    );
}
