//! The closure property (§4.6; PMR, "The closure exception"): an answer to a put says nothing about
//! its address.

use std::sync::atomic::Ordering;

use reqwest::{Method, StatusCode};
use sotto_wire::cbor;
use sotto_wire::challenge::Realm;
use sotto_wire::grant::{self, Address, GrantKey, GrantPut};
use sotto_wire::relay_api::{GrantPatch, paths};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::world::{Setup, World};
use crate::relay::JournalWorker;

/// The answer's bytes, with date and challenge blanked.
async fn raw_put(world: &World, address: &Address, body: &[u8]) -> String {
    let mut stream = tokio::net::TcpStream::connect(world.relay.addr())
        .await
        .expect("connect");
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        paths::grant_mailbox(address),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("head");
    stream.write_all(body).await.expect("body");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answer");
    let blanked = answer.lines().map(|line| match line.split_once(": ") {
        Some(("date", value)) => format!("date: {}", value.len()),
        Some(("germ-next-challenge", value)) => format!("germ-next-challenge: {}", value.len()),
        _ => line.to_owned(),
    });
    blanked.collect::<Vec<_>>().join("\n")
}

fn unknown() -> Address {
    let key = GrantKey::from_bytes([9; 32]);
    grant::address(
        &key,
        &sotto_wire::domain::Domain::parse("elsewhere.example").unwrap(),
    )
}

#[tokio::test]
async fn all_addresses_get_the_same_bytes() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let mut grants = world.grants(&device, 2).await;
    let (live, closed) = (grants.remove(0), grants.remove(0));
    let body = cbor::encode(&GrantPatch { closed: true });
    world
        .owner(
            &device,
            Method::PATCH,
            &paths::grant(&closed.address),
            Some(body),
        )
        .await;
    let key = GrantKey::from_bytes([1; 32]);
    let mut answers = Vec::new();
    for (address, key) in [
        (&live.address, &live.key),
        (&live.address, &live.key),
        (&live.address, &key),
        (&closed.address, &closed.key),
        (&unknown(), &key),
    ] {
        let challenge = world.challenge(Realm::GrantPut, address.as_str()).await;
        let put = GrantPut::new(key, address, &challenge, b"message".to_vec());
        answers.push(raw_put(&world, address, &put.encode()).await);
    }
    assert!(
        answers[0].starts_with("HTTP/1.1 202 Accepted\n"),
        "{}",
        answers[0]
    );
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:#?}"
    );
}

#[tokio::test]
async fn all_addresses_are_journaled_alike() {
    let world = Setup {
        journal: JournalWorker::Withheld,
        ..Setup::default()
    }
    .start()
    .await;
    let (_, device) = world.registered("alice").await;
    let live = world.grants(&device, 1).await.remove(0);
    for address in [live.address, unknown()] {
        let before = world.relay.state().journaled.load(Ordering::SeqCst);
        let put = GrantPut::new(&live.key, &address, "any challenge", b"message".to_vec());
        let answer = world
            .send(
                Method::POST,
                &paths::grant_mailbox(&address),
                &[],
                Some(put.encode()),
            )
            .await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
        assert_eq!(
            world.relay.state().journaled.load(Ordering::SeqCst),
            before + 1
        );
    }
}

#[tokio::test]
async fn refusals_depend_on_the_bytes_only() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let live = world.grants(&device, 1).await.remove(0);
    let put = |message: usize, challenge: &str| {
        GrantPut::new(&live.key, &live.address, challenge, vec![7; message]).encode()
    };
    // The fields in another order: the same value, another encoding.
    let mut unsorted = vec![0xa3];
    unsorted.extend_from_slice(b"\x61n\x61c\x61m\x41x\x61t\x58\x20");
    unsorted.extend_from_slice(&[0; 32]);
    let mut trailing = put(1, "c");
    trailing.push(0);
    let cases = [
        (b"not cbor".to_vec(), 400),
        (Vec::new(), 400),
        (unsorted, 400),
        (trailing, 400),
        (put(10, &"c".repeat(513)), 400),
        (put(98_304, "c"), 202),
        (put(98_305, "c"), 413),
        (put(98_304 + 4096, "c"), 413),
    ];
    for (body, status) in cases {
        for address in [&live.address, &unknown()] {
            let path = paths::grant_mailbox(address);
            let answer = world
                .send(Method::POST, &path, &[], Some(body.clone()))
                .await;
            assert_eq!((answer.status.as_u16(), answer.body.len()), (status, 0));
        }
    }
    for key in [
        "grant:short",
        "other:x",
        "x",
        "did:grant:x",
        "did:web:UPPER.example",
    ] {
        let path = format!("/pmr/v1/inbox/{key}/messages");
        let answer = world
            .send(Method::POST, &path, &[], Some(put(1, "c")))
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_full_journal_refuses_every_address_alike() {
    let adjust = |config: &mut crate::Config| config.limits.journal_max = 2;
    let setup = Setup {
        journal: JournalWorker::Withheld,
        adjust,
        ..Setup::default()
    };
    let world = setup.start().await;
    let (_, device) = world.registered("alice").await;
    let live = world.grants(&device, 1).await.remove(0);
    let mut statuses = Vec::new();
    for address in [&live.address, &unknown(), &live.address, &unknown()] {
        let put = GrantPut::new(&live.key, address, "c", b"m".to_vec()).encode();
        let answer = world
            .send(Method::POST, &paths::grant_mailbox(address), &[], Some(put))
            .await;
        statuses.push((answer.status.as_u16(), answer.retry_after()));
    }
    assert_eq!(
        statuses,
        [(202, None), (202, None), (503, Some(5)), (503, Some(5))]
    );
}
