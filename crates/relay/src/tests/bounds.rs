//! Bounds on connections and slow clients, the enabler document, and the public way to start.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use sotto_wire::domain::Domain;
use sotto_wire::enabler::{EnablerDocument, PATH};
use sotto_wire::grant::{self, IssuedGrant};
use sotto_wire::random::OsRandom;
use sotto_wire::relay_api::paths;
use sotto_wire::time::SystemClock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::people::Person;
use super::world::World;
use crate::config::Limits;
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

#[tokio::test]
async fn puts_at_grants_are_limited_by_who_puts_and_for_all_addresses_alike() {
    let world = World::with(|config| config.limits.puts_per_minute = 2).await;
    let (_, device) = world.registered("alice").await;
    let live = world.grants(&device, 1).await.remove(0);
    let unknown = IssuedGrant {
        address: grant::address(&live.key, &Domain::parse("elsewhere.example").unwrap()),
        ..live.clone()
    };
    let mut answers = Vec::new();
    for grant in [&live, &unknown, &live, &unknown] {
        let answer = world.put(grant, b"m").await;
        answers.push((answer.status.as_u16(), answer.retry_after()));
    }
    let limited = (429, Some(30));
    assert_eq!(answers, [(202, None), (202, None), limited, limited]);
    world.clock.forward(30);
    assert_eq!(world.put(&live, b"m").await.status, StatusCode::ACCEPTED);
}

/// What the document publishes, by where it stands there, with the setting behind it.
fn published(limits: &Limits) -> Vec<(&'static str, u64)> {
    vec![
        ("/core/challengeExpiry", limits.challenge_expiry),
        ("/core/maxAckBatch", limits.max_ack_batch),
        ("/core/maxInFlight", limits.in_flight),
        ("/core/challengesPerMinute", limits.challenges_per_minute),
        ("/core/registrationsPerMinute", limits.lookups_per_minute),
        ("/didMailbox/messageMaxBytes", limits.message_max_bytes),
        ("/didMailbox/messageExpiry", limits.message_expiry),
        ("/didMailbox/maxWaiting", limits.reservation),
        ("/didMailbox/putsPerMinute", limits.lookups_per_minute),
        ("/didMailbox/maxBlocks", limits.blocks_max),
        ("/grant/messageMaxBytes", limits.message_max_bytes),
        ("/grant/messageExpiry", limits.message_expiry),
        ("/grant/maxPerRequest", limits.grants_per_request),
        ("/grant/maxGrants", limits.grants_per_device),
        ("/grant/grantExpiry", limits.grant_lifetime),
        ("/grant/maxWaiting", limits.grant_queue),
        ("/grant/putsPerMinute", limits.puts_per_minute),
        (
            "/https:~1~1sotto.chat~1pmr~1key-packages/maxSingleUse",
            limits.single_use_max,
        ),
        (
            "/https:~1~1sotto.chat~1pmr~1key-packages/claimsPerHour",
            limits.claims_per_hour,
        ),
        (
            "/https:~1~1sotto.chat~1pmr~1key-packages/packageMaxBytes",
            16 * 1024,
        ),
        (
            "/https:~1~1sotto.chat~1pmr~1key-packages/lookupsPerMinute",
            limits.lookups_per_minute,
        ),
        (
            "/https:~1~1sotto.chat~1pmr~1key-packages/singleUsePerDay",
            limits.single_use_per_day,
        ),
        (
            "/https:~1~1sotto.chat~1pmr~1key-packages/singleUsePerClaimant",
            limits.single_use_per_claimant,
        ),
        (
            "/https:~1~1sotto.chat~1pmr~1attachments/objectMaxBytes",
            (1 << 20) + 16,
        ),
        (
            "/https:~1~1sotto.chat~1pmr~1attachments/accountMaxBytes",
            limits.attachment_max_bytes,
        ),
        (
            "/https:~1~1sotto.chat~1pmr~1attachments/objectExpiry",
            limits.attachment_expiry,
        ),
        (
            "/https:~1~1sotto.chat~1pmr~1attachments/fetchesPerMinute",
            limits.attachment_fetches_per_minute,
        ),
    ]
}

#[tokio::test]
async fn every_number_in_the_document_is_the_one_that_is_enforced_and_in_the_table() {
    // No two alike, so that one in another's place is noticed.
    let world = World::with(|config| {
        let limits = &mut config.limits;
        let settings = [
            &mut limits.challenge_expiry,
            &mut limits.max_ack_batch,
            &mut limits.in_flight,
            &mut limits.challenges_per_minute,
            &mut limits.lookups_per_minute,
            &mut limits.message_expiry,
            &mut limits.reservation,
            &mut limits.blocks_max,
            &mut limits.grants_per_request,
            &mut limits.grants_per_device,
            &mut limits.grant_lifetime,
            &mut limits.grant_queue,
            &mut limits.puts_per_minute,
            &mut limits.single_use_max,
            &mut limits.claims_per_hour,
            &mut limits.single_use_per_day,
            &mut limits.single_use_per_claimant,
            &mut limits.attachment_max_bytes,
            &mut limits.attachment_expiry,
            &mut limits.attachment_fetches_per_minute,
        ];
        for (setting, value) in settings.into_iter().zip(7001..) {
            *setting = value;
        }
    })
    .await;
    let answer = world.send(Method::GET, PATH, &[], None).await;
    let document: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    let capabilities = &document["capabilities"];
    let published = published(&world.relay.state().limits);
    for (place, value) in &published {
        assert_eq!(
            capabilities.pointer(place),
            Some(&(*value).into()),
            "{place}"
        );
    }
    let all = capabilities.as_object().expect("a map").values();
    let numbers = all.flat_map(|it| it.as_object().expect("a map").values());
    let numbers = numbers.filter(|it| it.is_number()).count();
    assert_eq!(numbers, published.len(), "a number without a setting");
    let table = include_str!("../../../../docs/relay-limits.md");
    for (place, _) in published {
        let name = place.rsplit('/').next().expect("a name");
        assert!(
            table.contains(&format!("`{name}`")),
            "{name} is not in docs/relay-limits.md"
        );
    }
}
