//! Issuing, listing, closing and ending grants (§4.6).

use reqwest::{Method, StatusCode};
use sotto_wire::cbor;
use sotto_wire::relay_api::{GrantList, GrantPatch, GrantsRequest, paths};

use super::people::Device;
use super::queue::acknowledge_all;
use super::world::World;

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
