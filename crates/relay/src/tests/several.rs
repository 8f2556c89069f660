//! Several processes of one relay over one server, and a server that crashes.

use std::collections::HashSet;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use sotto_wire::domain::Domain;
use sotto_wire::grant::IssuedGrant;
use sotto_wire::relay_api::GrantLifecycle::Active;
use sotto_wire::relay_api::{Event, MessagesPage, paths};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::people::Device;
use super::postgres::{self, Server};
use super::socket::Socket;
use super::world::{Setup, World, on_postgres};
use crate::config::ServerUrl;

/// Two that share a server.
async fn two(server: ServerUrl) -> (World, World) {
    let setup = Setup {
        domain: Some(Domain::parse("relay.example").expect("domain")),
        server: Some(server),
        ..Setup::default()
    };
    (setup.start().await, setup.start().await)
}

#[tokio::test]
async fn a_put_at_one_process_reaches_a_socket_at_another() {
    if !on_postgres() {
        return;
    }
    let (here, there) = two(postgres::schema()).await;
    let (_, device) = here.registered("alice").await;
    let grant = there.grants(&device, 1).await.remove(0);
    let mut socket = Socket::open(&there, &device).await;
    socket.expect(&Event::Capabilities(Active.into())).await;
    socket.expect(&Event::CaughtUp).await;
    // Sooner than a look, which every process takes by itself every five seconds.
    for message in [b"one", b"two"] {
        assert_eq!(here.put(&grant, message).await.status, StatusCode::ACCEPTED);
        assert_eq!(socket.delivery().await.m, message);
    }
}

#[tokio::test]
async fn a_device_that_attaches_at_one_process_is_detached_at_another() {
    if !on_postgres() {
        return;
    }
    let (here, there) = two(postgres::schema()).await;
    let (_, device) = here.registered("alice").await;
    let mut before = Socket::open(&here, &device).await;
    before.expect(&Event::Capabilities(Active.into())).await;
    before.expect(&Event::CaughtUp).await;
    let mut after = Socket::open(&there, &device).await;
    after.expect(&Event::Capabilities(Active.into())).await;
    assert_eq!(before.closed().await, CloseCode::Library(4000));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_put_that_was_accepted_around_a_crash_of_the_server_arrives_once() {
    if !on_postgres() {
        return;
    }
    let server = tokio::task::spawn_blocking(Server::start)
        .await
        .expect("server");
    let url = server.schema();
    let (here, there) = two(url).await;
    let (_, device) = here.registered("alice").await;
    let grant = here.grants(&device, 1).await.remove(0);
    let crash = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        tokio::task::spawn_blocking(move || {
            server.crash_and_restart();
            server
        })
        .await
        .expect("restart")
    };
    let puts = async {
        let (one, other) = tokio::join!(
            accepted(&here, &grant, "here"),
            accepted(&there, &grant, "there")
        );
        one + other
    };
    let (refused, _server) = tokio::join!(puts, crash);
    assert!(refused > 0, "the crash came while something was put");
    let got = arrived(&there, &device, 90).await;
    let different: HashSet<_> = got.iter().collect();
    assert_eq!((got.len(), different.len()), (90, 90));
}

/// Puts 45 messages, each until it is accepted; how often one was refused.
async fn accepted(world: &World, grant: &IssuedGrant, from: &str) -> usize {
    let mut refused = 0;
    for number in 0..45 {
        let message = format!("{from} {number}");
        loop {
            let answer = world.put(grant, message.as_bytes()).await;
            if answer.status == StatusCode::ACCEPTED {
                break;
            }
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
            assert!(answer.retry_after().is_some());
            refused += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    refused
}

/// What is in the queue once there is enough, or once it stays too little.
async fn arrived(world: &World, device: &Device, enough: usize) -> Vec<Vec<u8>> {
    let mut got = Vec::new();
    for _ in 0..200 {
        let answer = world
            .owner(device, Method::GET, paths::MESSAGES, None)
            .await;
        if answer.status.is_success() {
            let page: MessagesPage = answer.decode();
            got = page.messages.into_iter().map(|it| it.m).collect();
            if got.len() >= enough {
                break;
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    got
}
