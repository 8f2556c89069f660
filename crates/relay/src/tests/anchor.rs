//! The anchor realm (§4.2): accounts whose delegate key signs by itself, as the PMR draft has it, and
//! what the two realms say to each other's requests.

use reqwest::{Method, StatusCode};
use sotto_wire::cbor;
use sotto_wire::challenge::{NEXT_CHALLENGE, NextChallenge, Realm};
use sotto_wire::relay_api::{
    Adjudication, AnchorStatus, GrantsRequest, GrantsResponse, KeyPackagesPut, MessagesPage, Pool,
    RegistrationPatch, RegistrationRequest, paths,
};

use super::answer::Answer;
use super::people::Person;
use super::world::World;

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        (answer.status.as_u16(), answer.error().as_deref()),
        (status, Some(code))
    );
}

async fn register(world: &World, person: &Person) -> Answer {
    let body = person.registration_alone();
    world
        .anchor(person, Method::POST, paths::REGISTRATIONS, Some(body))
        .await
}

async fn registered(world: &World, name: &str) -> Person {
    let person = world.person(name);
    let answer = register(world, &person).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.error());
    person
}

async fn queue(world: &World, person: &Person) -> Vec<Vec<u8>> {
    let answer = world.anchor(person, Method::GET, paths::MESSAGES, None);
    let page: MessagesPage = answer.await.decode();
    page.messages.into_iter().map(|it| it.m).collect()
}

#[tokio::test]
async fn a_delegate_key_alone_registers_reads_and_leaves() {
    let world = World::new().await;
    let alice = registered(&world, "alice").await;
    assert_eq!(register(&world, &alice).await.status, StatusCode::OK);
    let status: AnchorStatus = world
        .anchor(&alice, Method::GET, paths::REGISTRATION, None)
        .await
        .decode();
    assert_eq!(
        (status.did, status.key, status.paused),
        (alice.did.clone(), alice.delegate.public(), None)
    );
    let answer = world
        .anchor(&alice, Method::DELETE, paths::REGISTRATION, None)
        .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let gone = world
        .anchor(&alice, Method::GET, paths::REGISTRATION, None)
        .await;
    refused(&gone, 401, "not-registered");
    assert_eq!(register(&world, &alice).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn only_the_declared_key_is_registered() {
    let world = World::new().await;
    let alice = world.person("alice");
    let impostor = alice.with_another_key();
    refused(&register(&world, &impostor).await, 403, "not-delegated");
    // Another one's key in the body, under one's own signature.
    let body = alice.registration_alone();
    let forged = world
        .anchor(&impostor, Method::POST, paths::REGISTRATIONS, Some(body))
        .await;
    refused(&forged, 401, "bad-signature");
}

#[tokio::test]
async fn a_challenge_may_be_bound_to_the_account_or_to_its_key() {
    let world = World::new().await;
    let alice = registered(&world, "alice").await;
    let keyid = alice.delegate.public().thumbprint().text();
    let get = async |challenge: &str| {
        let key = &alice.delegate;
        let headers = world.sign(&Method::GET, paths::REGISTRATION, None, challenge, key);
        world
            .send(Method::GET, paths::REGISTRATION, &headers, None)
            .await
    };
    for subject in [alice.did.as_str(), &keyid] {
        let challenge = world.challenge(Realm::Anchor, subject).await;
        let answer = get(&challenge).await;
        assert_eq!(answer.status, StatusCode::OK);
        let next = answer.headers[NEXT_CHALLENGE].to_str().unwrap();
        let next = NextChallenge::parse(next).unwrap();
        assert_eq!(get(&next.challenge).await.status, StatusCode::OK);
        world.clock.forward(600);
        refused(&get(&challenge).await, 401, "expired-challenge");
    }
    let others = world.challenge(Realm::Anchor, "did:web:bob.example").await;
    refused(&get(&others).await, 401, "bad-challenge");
}

#[tokio::test]
async fn the_two_realms_do_not_mix() {
    let world = World::new().await;
    let alice = registered(&world, "alice").await;
    let (bob, bobs) = world.registered("bob").await;
    // A challenge of the other realm.
    let subject = alice.delegate.public().thumbprint().text();
    let challenge = world.challenge(Realm::Device, &subject).await;
    let key = &alice.delegate;
    let headers = world.sign(&Method::GET, paths::POOL, None, &challenge, key);
    let answer = world.send(Method::GET, paths::POOL, &headers, None).await;
    refused(&answer, 401, "wrong-realm");
    // A delegate key whose account has devices here.
    refused(&register(&world, &bob).await, 409, "wrong-realm");
    let other_way = alice.device(world.now());
    let body = alice.registration(&other_way, alice.roster(1, &[&other_way]));
    let answer = world
        .owner(&other_way, Method::POST, paths::REGISTRATIONS, Some(body))
        .await;
    refused(&answer, 409, "wrong-realm");
    // Half of both.
    let half = cbor::encode(&RegistrationRequest {
        did: bob.did.clone(),
        key: bob.delegate.public(),
        cert: Some(bobs.cert.clone()),
        roster: None,
        claim: None,
    });
    let answer = world
        .owner(&bobs, Method::POST, paths::REGISTRATIONS, Some(half))
        .await;
    refused(&answer, 400, "mixed-realms");
    let roster = cbor::encode(&RegistrationPatch {
        cert: Some(bobs.cert.clone()),
        roster: Some(bob.roster(2, &[&bobs])),
    });
    let answer = world
        .anchor(&alice, Method::PATCH, paths::REGISTRATION, Some(roster))
        .await;
    refused(&answer, 400, "mixed-realms");
    // Key packages need a roster.
    let put = cbor::encode(&KeyPackagesPut::default());
    let answer = world
        .anchor(&alice, Method::PUT, paths::KEY_PACKAGES, Some(put))
        .await;
    refused(&answer, 403, "wrong-realm");
    let path = paths::key_packages_of(&alice.did);
    let answer = world.send(Method::GET, &path, &[], None).await;
    refused(&answer, 404, "not-found");
}

#[tokio::test]
async fn pair_puts_go_between_the_realms() {
    let world = World::new().await;
    let alice = registered(&world, "alice").await;
    let (bob, bobs) = world.registered("bob").await;
    let to_bob = alice.pair_put(&bob.did, b"to a device", [1; 16]);
    let to_alice = bob.envelope(&bobs, &alice.did, "to a delegate key");
    for (to, put) in [(&bob.did, &to_bob), (&alice.did, &to_alice)] {
        let answer = world.contact(to, put.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (202, 0));
    }
    let judge = |did| {
        cbor::encode(&Adjudication {
            provision: vec![did],
            ..Adjudication::default()
        })
    };
    let pool: Pool = world
        .anchor(&alice, Method::GET, paths::POOL, None)
        .await
        .decode();
    assert_eq!(pool.dids, std::slice::from_ref(&bob.did));
    let body = Some(judge(bob.did.clone()));
    let judged = world.anchor(&alice, Method::POST, paths::ADJUDICATION, body);
    assert_eq!(judged.await.status, StatusCode::OK);
    assert_eq!(queue(&world, &alice).await, [to_alice]);
    let body = Some(judge(alice.did.clone()));
    let judged = world.owner(&bobs, Method::POST, paths::ADJUDICATION, body);
    assert_eq!(judged.await.status, StatusCode::OK);
    let delivery = world.queue(&bobs).await.messages.remove(0);
    assert_eq!(delivery.m, to_bob);
    assert_eq!(
        (delivery.sd, delivery.kt),
        (
            Some(alice.did.clone()),
            Some(alice.delegate.public().thumbprint())
        )
    );
}

#[tokio::test]
async fn pair_puts_are_verified_under_the_declared_key() {
    let world = World::new().await;
    let alice = registered(&world, "alice").await;
    let (bob, _) = world.registered("bob").await;
    let impostor = bob.with_another_key();
    let forged = impostor.pair_put(&alice.did, b"forged", [1; 16]);
    let for_carol = bob.pair_put(&Person::new("carol").did, b"elsewhere", [2; 16]);
    let good = bob.pair_put(&alice.did, b"good", [3; 16]);
    let same_nonce = bob.pair_put(&alice.did, b"other", [3; 16]);
    let same_payload = bob.pair_put(&alice.did, b"good", [4; 16]);
    for put in [
        &forged,
        &for_carol,
        &good,
        &good,
        &same_nonce,
        &same_payload,
    ] {
        let answer = world.contact(&alice.did, put.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (202, 0));
    }
    let judged = Adjudication {
        provision: vec![bob.did.clone()],
        ..Adjudication::default()
    };
    let body = Some(cbor::encode(&judged));
    world
        .anchor(&alice, Method::POST, paths::ADJUDICATION, body)
        .await;
    assert_eq!(queue(&world, &alice).await, [good]);
    let mut trailing = bob.pair_put(&alice.did, b"x", [5; 16]);
    trailing.push(0);
    let answer = world.contact(&alice.did, trailing).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (400, 0));
}

#[tokio::test]
async fn grants_of_a_delegate_key_are_those_of_a_device() {
    let world = World::new().await;
    let alice = registered(&world, "alice").await;
    let body = Some(cbor::encode(&GrantsRequest { n: 1 }));
    let issued: GrantsResponse = world
        .anchor(&alice, Method::POST, paths::GRANTS, body)
        .await
        .decode();
    let grant = &issued.grants[0];
    assert!(grant.is_at(world.relay.domain()));
    assert_eq!(world.put(grant, b"by grant").await.status.as_u16(), 202);
    world.settled().await;
    assert_eq!(queue(&world, &alice).await, [b"by grant".to_vec()]);
}
