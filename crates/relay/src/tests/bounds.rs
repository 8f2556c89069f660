//! Bounds on connections and slow clients, the enabler document, and the public way to start.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use sotto_wire::enabler::{EnablerDocument, PATH};
use sotto_wire::random::OsRandom;
use sotto_wire::relay_api::paths;
use sotto_wire::time::SystemClock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::people::Person;
use super::world::World;
use crate::{Config, Relay, StartError};

/// What comes until the relay ends the connection, which it must within four seconds.
async fn until_closed(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(4), read)
        .await
        .expect("closed in time")
        .ok();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_slow_head_and_a_slow_body_are_cut_off() {
    let world = World::with(|config| config.limits.request_timeout = 1).await;
    let mut head = TcpStream::connect(world.relay.addr()).await.unwrap();
    head.write_all(b"GET /healthz HTTP/1.1\r\nhost: ")
        .await
        .unwrap();
    assert!(!until_closed(&mut head).await.contains("200"));
    let mut body = TcpStream::connect(world.relay.addr()).await.unwrap();
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nstart",
        paths::CHALLENGES
    );
    body.write_all(request.as_bytes()).await.unwrap();
    assert!(until_closed(&mut body).await.starts_with("HTTP/1.1 408"));
}

#[tokio::test]
async fn connections_above_the_bound_wait() {
    let world = World::with(|config| config.limits.max_connections = 1).await;
    let request = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut first = TcpStream::connect(world.relay.addr()).await.unwrap();
    first.write_all(request).await.unwrap();
    let mut answer = [0; 15];
    first.read_exact(&mut answer).await.unwrap();
    let mut second = TcpStream::connect(world.relay.addr()).await.unwrap();
    second.write_all(request).await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(200), second.read(&mut answer)).await;
    assert!(waiting.is_err());
    drop(first);
    second.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
}

#[tokio::test]
async fn the_enabler_document_has_the_enforced_values() {
    let world = World::with(|config| config.limits.max_ack_batch = 17).await;
    let answer = world.send(Method::GET, PATH, &[], None).await;
    assert_eq!(answer.headers["cache-control"], "public, max-age=3600");
    let document = EnablerDocument::from_json(&answer.body).expect("document");
    assert_eq!(document.capabilities.core.max_ack_batch, 17);
    assert_eq!(
        document.capabilities.grant.unwrap().message_max_bytes,
        98_304
    );
    let other = World::new().await.send(Method::GET, PATH, &[], None).await;
    assert_ne!(
        EnablerDocument::from_json(&other.body)
            .expect("document")
            .state,
        document.state
    );
}

#[tokio::test]
async fn unknown_paths_and_methods_have_codes() {
    let world = World::new().await;
    let answer = world.send(Method::GET, "/nowhere", &[], None).await;
    assert_eq!(
        (answer.status, answer.error().as_deref()),
        (StatusCode::NOT_FOUND, Some("not-found"))
    );
    let answer = world.send(Method::PUT, paths::CHALLENGES, &[], None).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_proxy_header_counts_only_where_it_is_configured() {
    let adjust = |config: &mut Config| config.limits.lookups_per_minute = 1;
    let path = paths::key_packages_of(&Person::new("nobody").did);
    let ask = async |world: &World, ip: &str| {
        let headers = [("x-forwarded-for".to_owned(), format!("10.0.0.1, {ip}"))];
        world
            .send(Method::GET, &path, &headers, None)
            .await
            .status
            .as_u16()
    };
    let direct = World::with(adjust).await;
    assert_eq!(
        [
            ask(&direct, "192.0.2.1").await,
            ask(&direct, "192.0.2.2").await
        ],
        [404, 429]
    );
    let proxied = World::with(|config| {
        config.limits.lookups_per_minute = 1;
        config.client_ip_header = Some("x-forwarded-for".to_owned());
    })
    .await;
    assert_eq!(
        [
            ask(&proxied, "192.0.2.1").await,
            ask(&proxied, "192.0.2.2").await
        ],
        [404, 404]
    );
    // One subscriber's IPv6 addresses are one.
    let v6 = [
        ask(&proxied, "2001:db8::1").await,
        ask(&proxied, "2001:db8::2").await,
    ];
    assert_eq!(v6, [404, 429]);
}

#[tokio::test]
async fn starts_over_the_real_network_and_reports_what_it_cannot_do() {
    let dir = tempfile::tempdir().unwrap();
    let plc = url::Url::parse("http://127.0.0.1:1").unwrap();
    let config = Config::development(dir.path().join("relay.db"), plc);
    let start = |config| Relay::start(config, Arc::new(SystemClock), Arc::new(OsRandom));
    let relay = start(config.clone()).await.expect("starts");
    assert_eq!(relay.domain().as_str(), relay.addr().to_string());
    let taken = Config {
        listen: relay.addr(),
        ..config.clone()
    };
    assert!(matches!(start(taken).await, Err(StartError::Listen { .. })));
    let nowhere = Config {
        data: dir.path().join("no/such/dir/relay.db"),
        ..config
    };
    assert!(matches!(start(nowhere).await, Err(StartError::Database(_))));
    relay.shutdown().await;
}
