//! Issuing, listing, closing and ending grants (§4.6).

use reqwest::{Method, StatusCode};
use sotto_wire::cbor;
use sotto_wire::relay_api::GrantLifecycle::{Absent, Draining};
use sotto_wire::relay_api::{Event, GrantList, GrantPatch, GrantsPatch, GrantsRequest, paths};

use super::answer::Answer;
use super::people::Device;
use super::queue::acknowledge_all;
use super::socket::Socket;
use super::world::{Setup, World};

async fn patch(world: &World, device: &Device, path: &str, closed: bool) -> StatusCode {
    let body = cbor::encode(&GrantPatch { closed });
    world
        .owner(device, Method::PATCH, path, Some(body))
        .await
        .status
}

#[tokio::test]
async fn grants_are_issued_listed_and_limited() {
    let world = World::with(|config| config.limits.grants_per_device = 25).await;
    let (_, device) = world.registered("alice").await;
    let grants = world.grants(&device, 20).await;
    assert!(
        grants
            .iter()
            .all(|grant| grant.expires.0 == world.now() + 90 * 86_400)
    );
    let list: GrantList = world
        .owner(&device, Method::GET, paths::GRANTS, None)
        .await
        .decode();
    let mut listed: Vec<_> = list.grants.into_iter().map(|grant| grant.address).collect();
    let mut issued: Vec<_> = grants.iter().map(|grant| grant.address.clone()).collect();
    listed.sort();
    issued.sort();
    assert_eq!(listed, issued);
    let ask = async |n| {
        let body = cbor::encode(&GrantsRequest { n });
        world
            .owner(&device, Method::POST, paths::GRANTS, Some(body))
            .await
            .status
    };
    assert_eq!(ask(21).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(ask(6).await, StatusCode::CONFLICT);
    assert_eq!(ask(5).await, StatusCode::OK);
}

#[tokio::test]
async fn closed_deleted_and_lapsed_grants_take_nothing() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let (_, other) = world.registered("bob").await;
    let mut grants = world.grants(&device, 3).await;
    let (closed, deleted, lapsed) = (grants.remove(0), grants.remove(0), grants.remove(0));
    let path = paths::grant(&closed.address);
    assert_eq!(
        patch(&world, &other, &path, true).await,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        patch(&world, &device, &path, true).await,
        StatusCode::NO_CONTENT
    );
    let gone = paths::grant(&deleted.address);
    assert_eq!(
        world
            .owner(&other, Method::DELETE, &gone, None)
            .await
            .status,
        204
    );
    assert_eq!(
        world.put(&deleted, b"not theirs to delete").await.status,
        202
    );
    world.queued(&device, 1).await;
    acknowledge_all(&world, &device).await;
    for _ in 0..2 {
        assert_eq!(
            world
                .owner(&device, Method::DELETE, &gone, None)
                .await
                .status,
            204
        );
    }
    world.put(&closed, b"closed").await;
    world.put(&deleted, b"deleted").await;
    world.settled().await;
    assert!(world.queue(&device).await.messages.is_empty());
    assert_eq!(
        patch(&world, &device, &path, false).await,
        StatusCode::NO_CONTENT
    );
    world.put(&closed, b"reopened").await;
    assert_eq!(world.queued(&device, 1).await, [b"reopened"]);
    world.clock.forward(90 * 86_400);
    world.put(&lapsed, b"lapsed").await;
    world.settled().await;
    assert!(world.queue(&device).await.messages.is_empty());
}

#[tokio::test]
async fn one_grant_cannot_fill_the_relay() {
    let world = World::with(|config| config.limits.grant_queue = 3).await;
    let (_, device) = world.registered("alice").await;
    let mut grants = world.grants(&device, 2).await;
    for i in 0..5_u8 {
        assert_eq!(
            world.put(&grants[0], &[i]).await.status,
            StatusCode::ACCEPTED
        );
    }
    world
        .put(&grants.remove(1), b"another grant has its own")
        .await;
    world.settled().await;
    assert_eq!(world.queue(&device).await.messages.len(), 4);
}

async fn ask(world: &World, device: &Device) -> Answer {
    let body = cbor::encode(&GrantsRequest { n: 1 });
    world
        .owner(device, Method::POST, paths::GRANTS, Some(body))
        .await
}

async fn drain(world: &World, device: &Device, draining: bool) {
    let body = cbor::encode(&GrantsPatch { draining });
    let answer = world
        .owner(device, Method::PATCH, paths::GRANTS, Some(body))
        .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
}

fn is_draining(answer: &Answer) {
    assert_eq!(
        (answer.status, answer.error().as_deref()),
        (StatusCode::CONFLICT, Some("draining"))
    );
}

#[tokio::test]
async fn a_device_that_leaves_gets_no_new_grants_and_all_mail_of_the_old_ones() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let (_, other) = world.registered("bob").await;
    let grant = world.grants(&device, 1).await.remove(0);
    drain(&world, &device, true).await;
    is_draining(&ask(&world, &device).await);
    assert_eq!(ask(&world, &other).await.status, StatusCode::OK);
    world.put(&grant, b"still").await;
    assert_eq!(world.queued(&device, 1).await, [b"still"]);
    drain(&world, &device, false).await;
    assert_eq!(ask(&world, &device).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_draining_relay_is_absent_for_whoever_has_no_grants_left() {
    let setup = Setup::default();
    let world = setup.start().await;
    let (_, with) = world.registered("alice").await;
    let (_, without) = world.registered("bob").await;
    let grant = world.grants(&with, 1).await.remove(0);
    let domain = world.relay.domain().clone();
    world.relay.shutdown().await;
    let setup = Setup {
        domain: Some(domain),
        adjust: |config| config.grant_lifecycle = Draining,
        ..setup
    };
    let world = setup.start().await;
    let document = world
        .send(Method::GET, sotto_wire::enabler::PATH, &[], None)
        .await;
    let document = sotto_wire::enabler::EnablerDocument::from_json(&document.body);
    let lifecycle = document
        .expect("document")
        .capabilities
        .grant
        .map(|it| it.lifecycle);
    assert_eq!(lifecycle.as_deref(), Some(Draining.as_str()));
    for (device, state) in [(&with, Draining), (&without, Absent)] {
        is_draining(&ask(&world, device).await);
        let mut socket = Socket::open(&world, device).await;
        socket.expect(&Event::Capabilities(state.into())).await;
    }
    world.put(&grant, b"still").await;
    assert_eq!(world.queued(&with, 1).await, [b"still"]);
    // The wish of one device does not make the relay issue grants again.
    drain(&world, &without, false).await;
    is_draining(&ask(&world, &without).await);
    world.clock.forward(90 * 86_400);
    let mut socket = Socket::open(&world, &with).await;
    socket.expect(&Event::Capabilities(Absent.into())).await;
}
