//! A device's queue: pages, acknowledgements, repetitions, lapsing (§4.7).

use reqwest::{Method, StatusCode};
use sotto_wire::cbor;
use sotto_wire::relay_api::{Ack, Acks, paths};

use super::people::Device;
use super::world::World;
use crate::store::sql::{Sql, params};
use crate::sweep;

/// Acknowledges the first page of a device's queue, twice.
pub(super) async fn acknowledge_all(world: &World, device: &Device) {
    let acks = world.queue(device).await.messages.into_iter();
    let acks = acks
        .map(|delivery| Ack {
            k: delivery.k,
            id: delivery.id,
        })
        .collect();
    let body = cbor::encode(&Acks { acks });
    for _ in 0..2 {
        let answer = world
            .owner(device, Method::POST, paths::ACKS, Some(body.clone()))
            .await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "repeated acknowledgements succeed"
        );
    }
}

#[tokio::test]
async fn a_repeated_put_is_delivered_once_even_after_the_acknowledgement() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let grant = world.grants(&device, 1).await.remove(0);
    for _ in 0..3 {
        assert_eq!(
            world.put(&grant, b"same").await.status,
            StatusCode::ACCEPTED
        );
    }
    world.settled().await;
    assert_eq!(world.queue(&device).await.messages.len(), 1);
    acknowledge_all(&world, &device).await;
    assert!(world.queue(&device).await.messages.is_empty());
    world.put(&grant, b"same").await;
    world.settled().await;
    assert!(world.queue(&device).await.messages.is_empty());
    // After 40 days it is a new message again.
    world.clock.forward(40 * 86_400 + 1);
    sweep::once(world.relay.state()).await.unwrap();
    world.put(&grant, b"same").await;
    assert_eq!(world.queued(&device, 1).await, [b"same"]);
}

#[tokio::test]
async fn messages_lapse_and_are_swept() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let grant = world.grants(&device, 1).await.remove(0);
    world.put(&grant, b"old").await;
    world.queued(&device, 1).await;
    world.clock.forward(30 * 86_400);
    assert!(
        world.queue(&device).await.messages.is_empty(),
        "before any sweep"
    );
    let count = async || -> i64 {
        let store = &world.relay.state().store;
        let query = |sql: &dyn Sql| {
            sql.one(
                "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM bodies)
                + (SELECT count(*) FROM queue) + (SELECT count(*) FROM seen)",
                params![],
                |row| row.get(0),
            )
        };
        store.read(query).await.unwrap()
    };
    // Message, body, and place in the queue; its id is remembered once it is acknowledged.
    assert_eq!(count().await, 3);
    sweep::once(world.relay.state()).await.unwrap();
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn pages_are_oldest_first_with_a_cursor() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let grant = world.grants(&device, 1).await.remove(0);
    let sent: Vec<Vec<u8>> = (0..205_u32).map(|i| i.to_be_bytes().to_vec()).collect();
    for message in &sent {
        world.put(&grant, message).await;
    }
    world.settled().await;
    let (mut got, mut target) = (Vec::new(), paths::MESSAGES.to_owned());
    loop {
        let page: sotto_wire::relay_api::MessagesPage = world
            .owner(&device, Method::GET, &target, None)
            .await
            .decode();
        assert!(page.messages.len() <= 100);
        got.extend(page.messages.into_iter().map(|delivery| delivery.m));
        match page.cursor {
            Some(cursor) => {
                target = format!("{}?{}", paths::MESSAGES, paths::messages_query(&cursor));
            }
            None => break,
        }
    }
    assert_eq!(got, sent);
}

#[tokio::test]
async fn an_ack_batch_over_the_limit_removes_nothing() {
    let world = World::with(|config| config.limits.max_ack_batch = 1).await;
    let (_, device) = world.registered("alice").await;
    let grant = world.grants(&device, 1).await.remove(0);
    world.put(&grant, b"one").await;
    world.put(&grant, b"two").await;
    world.queued(&device, 2).await;
    let acks = world.queue(&device).await.messages.into_iter();
    let acks = acks
        .map(|delivery| Ack {
            k: delivery.k,
            id: delivery.id,
        })
        .collect();
    let body = cbor::encode(&Acks { acks });
    let answer = world
        .owner(&device, Method::POST, paths::ACKS, Some(body))
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(world.queue(&device).await.messages.len(), 2);
}
