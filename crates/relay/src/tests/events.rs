//! The events socket (§4.7).

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Method, StatusCode};
use sotto_wire::cbor;
use sotto_wire::relay_api::GrantLifecycle::{Absent, Active, Draining};
use sotto_wire::relay_api::{
    Ack, Acks, Adjudication, Event, GrantPatch, GrantsPatch, coming_back, paths,
};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::socket::Socket;
use super::world::World;

#[tokio::test]
async fn an_empty_queue_is_caught_up_at_once() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let mut socket = Socket::open(&world, &device).await;
    socket.expect(&Event::Capabilities(Active.into())).await;
    socket.expect(&Event::CaughtUp).await;
    socket.silent().await;
}

#[tokio::test]
async fn backlog_in_order_then_caught_up_then_live() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let mut grants = world.grants(&device, 2).await;
    for i in 0..40_u8 {
        world.put(&grants[usize::from(i % 2)], &[i]).await;
    }
    world.settled().await;
    let mut socket = Socket::open(&world, &device).await;
    socket.expect(&Event::Capabilities(Active.into())).await;
    for i in 0..40_u8 {
        assert_eq!(socket.delivery().await.m, [i]);
    }
    socket.expect(&Event::CaughtUp).await;
    let grant = grants.remove(0);
    world.put(&grant, b"live").await;
    let delivery = socket.delivery().await;
    assert_eq!(
        (delivery.m.as_slice(), delivery.k.as_str()),
        (&b"live"[..], grant.address.as_str())
    );
    assert_eq!((delivery.sd, delivery.kt), (None, None));
}

#[tokio::test]
async fn what_is_not_acknowledged_comes_again() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let grant = world.grants(&device, 1).await.remove(0);
    world.put(&grant, b"one").await;
    world.put(&grant, b"two").await;
    world.settled().await;
    let mut socket = Socket::open(&world, &device).await;
    socket.expect(&Event::Capabilities(Active.into())).await;
    let first = socket.delivery().await;
    socket.delivery().await;
    socket.ack(&first).await;
    socket.ack(&first).await;
    while world.queue(&device).await.messages.len() > 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(socket);
    let mut again = Socket::open(&world, &device).await;
    again.expect(&Event::Capabilities(Active.into())).await;
    assert_eq!(again.delivery().await.m, b"two");
    again.expect(&Event::CaughtUp).await;
}

#[tokio::test]
async fn a_slow_client_is_not_fed_beyond_its_window() {
    let world = World::with(|config| config.limits.in_flight = 4).await;
    let (_, device) = world.registered("alice").await;
    let grant = world.grants(&device, 1).await.remove(0);
    for i in 0..10_u8 {
        world.put(&grant, &[i]).await;
    }
    world.settled().await;
    let mut socket = Socket::open(&world, &device).await;
    socket.expect(&Event::Capabilities(Active.into())).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(socket.delivery().await);
    }
    socket.silent().await;
    world.put(&grant, &[10]).await;
    world.settled().await;
    socket.silent().await;
    // It goes on as acknowledgements come, by the socket or by the other way.
    socket.ack(&held[0]).await;
    held.push(socket.delivery().await);
    socket.silent().await;
    let acks = held[1..3]
        .iter()
        .map(|d| Ack {
            k: d.k.clone(),
            id: d.id.clone(),
        })
        .collect();
    let body = cbor::encode(&Acks { acks });
    world
        .owner(&device, Method::POST, paths::ACKS, Some(body))
        .await;
    held.push(socket.delivery().await);
    held.push(socket.delivery().await);
    socket.silent().await;
    for delivery in held.drain(3..) {
        socket.ack(&delivery).await;
    }
    for _ in 0..4 {
        held.push(socket.delivery().await);
    }
    let rest: Vec<u8> = held[3..].iter().flat_map(|d| d.m.clone()).collect();
    assert_eq!(rest, [7, 8, 9, 10]);
    socket.expect(&Event::CaughtUp).await;
}

#[tokio::test]
async fn a_newer_connection_replaces_the_older() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let mut first = Socket::open(&world, &device).await;
    first.expect(&Event::Capabilities(Active.into())).await;
    let mut second = Socket::open(&world, &device).await;
    assert_eq!(first.closed().await, CloseCode::from(4000));
    second.expect(&Event::Capabilities(Active.into())).await;
    second.expect(&Event::CaughtUp).await;
}

#[tokio::test]
async fn the_pool_is_announced_after_the_backlog_and_when_it_fills() {
    let world = World::new().await;
    let (alice, device) = world.registered("alice").await;
    let bob = world.person("bob");
    let bobs = bob.device(world.now());
    world
        .contact(&alice.did, bob.envelope(&bobs, &alice.did, "one"))
        .await;
    let mut socket = Socket::open(&world, &device).await;
    socket.expect(&Event::Capabilities(Active.into())).await;
    socket.expect(&Event::Pool).await;
    socket.expect(&Event::CaughtUp).await;
    world
        .contact(&alice.did, bob.envelope(&bobs, &alice.did, "two"))
        .await;
    socket.silent().await;
    let body = cbor::encode(&Adjudication {
        provision: vec![bob.did.clone()],
        ..Adjudication::default()
    });
    world
        .owner(&device, Method::POST, paths::ADJUDICATION, Some(body))
        .await;
    for _ in 0..2 {
        assert_eq!(socket.delivery().await.sd, Some(bob.did.clone()));
    }
    let carol = world.person("carol");
    let envelope = carol.envelope(&carol.device(world.now()), &alice.did, "hello");
    world.contact(&alice.did, envelope).await;
    socket.expect(&Event::Pool).await;
    socket.silent().await;
}

#[tokio::test]
async fn the_upgrade_is_signed() {
    let world = World::new().await;
    world.registered("alice").await;
    let url = format!("ws://{}{}", world.relay.addr(), paths::EVENTS);
    match tokio_tungstenite::connect_async(url).await {
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        }
        other => panic!("{other:?}"),
    }
    let plain = world.send(Method::GET, paths::EVENTS, &[], None).await;
    assert_eq!(plain.status, StatusCode::UPGRADE_REQUIRED);
}

#[tokio::test]
async fn what_no_client_sends_ends_the_connection() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    for message in [
        Message::Text("hello".into()),
        Message::Binary(b"junk".to_vec().into()),
        Message::Binary(Event::CaughtUp.encode().into()),
    ] {
        let mut socket = Socket::open(&world, &device).await;
        socket.0.send(message).await.expect("sent");
        assert_eq!(socket.closed().await, CloseCode::Policy);
    }
    // Too large to be an acknowledgement: cut off before it is read.
    let mut socket = Socket::open(&world, &device).await;
    let _ = socket
        .0
        .send(Message::Binary(vec![0; 100_000].into()))
        .await;
    while let Some(Ok(_)) = socket.0.next().await {}
}

#[tokio::test]
async fn a_removed_device_is_cut_off() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let mut socket = Socket::open(&world, &device).await;
    socket.expect(&Event::Capabilities(Active.into())).await;
    world
        .owner(&device, Method::DELETE, paths::REGISTRATION, None)
        .await;
    assert_eq!(socket.closed().await, CloseCode::from(4000));
}

#[tokio::test]
async fn shutdown_tells_sockets_when_to_come_back() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let mut socket = Socket::open(&world, &device).await;
    socket.expect(&Event::Capabilities(Active.into())).await;
    socket.expect(&Event::CaughtUp).await;
    let (frame, ()) = tokio::join!(socket.close_frame(), world.relay.shutdown());
    assert_eq!(u16::from(frame.code), coming_back::RESTARTING);
    let wait = coming_back::wait(&frame.reason).expect("a time");
    assert!(wait < Duration::from_secs(2), "{wait:?}");
}

#[tokio::test]
async fn a_device_is_told_whether_it_is_issued_grants() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let grant = world.grants(&device, 1).await.remove(0);
    let mut socket = Socket::open(&world, &device).await;
    socket.expect(&Event::Capabilities(Active.into())).await;
    socket.expect(&Event::CaughtUp).await;
    let drain = async |draining| {
        let body = cbor::encode(&GrantsPatch { draining });
        let answer = world
            .owner(&device, Method::PATCH, paths::GRANTS, Some(body))
            .await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
    };
    drain(true).await;
    socket.expect(&Event::Capabilities(Draining.into())).await;
    drain(true).await;
    world.put(&grant, b"still").await;
    assert_eq!(socket.delivery().await.m, b"still");
    // A closed one may be opened again.
    let path = paths::grant(&grant.address);
    let body = cbor::encode(&GrantPatch { closed: true });
    world.owner(&device, Method::PATCH, &path, Some(body)).await;
    socket.silent().await;
    world.owner(&device, Method::DELETE, &path, None).await;
    socket.expect(&Event::Capabilities(Absent.into())).await;
    drain(false).await;
    socket.expect(&Event::Capabilities(Active.into())).await;
}
