//! Puts at grants (§4.6).

use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use sotto_wire::challenge::{NEXT_CHALLENGE, NextChallenge, Realm};
use sotto_wire::grant::GrantPut;
use sotto_wire::relay_api::paths;
use tokio::io::AsyncWriteExt as _;

use super::world::{Setup, World};

#[tokio::test]
async fn a_put_reaches_the_device_of_the_grant_only() {
    let world = World::new().await;
    let (_, alice) = world.registered("alice").await;
    let (_, bob) = world.registered("bob").await;
    let grant = world.grants(&alice, 1).await.remove(0);
    let answer = world.put(&grant, b"hello").await;
    assert_eq!(
        (answer.status, answer.body.len()),
        (StatusCode::ACCEPTED, 0)
    );
    assert_eq!(world.queued(&alice, 1).await, [b"hello"]);
    assert!(world.queue(&bob).await.messages.is_empty());
}

#[tokio::test]
async fn the_answer_brings_a_challenge_for_the_next_put() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let grant = world.grants(&device, 1).await.remove(0);
    let answer = world.put(&grant, b"one").await;
    let next = NextChallenge::parse(answer.headers[NEXT_CHALLENGE].to_str().unwrap()).unwrap();
    let put = GrantPut::new(&grant.key, &grant.address, &next.challenge, b"two".to_vec());
    let path = paths::grant_mailbox(&grant.address);
    world
        .send(Method::POST, &path, &[], Some(put.encode()))
        .await;
    assert_eq!(world.queued(&device, 2).await, [b"one", b"two"]);
}

#[tokio::test]
async fn wrong_tags_and_challenges_are_dropped_after_their_202() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let mut grants = world.grants(&device, 2).await;
    let (grant, other) = (grants.remove(0), grants.remove(0));
    let path = paths::grant_mailbox(&grant.address);
    let right = world
        .challenge(Realm::GrantPut, grant.address.as_str())
        .await;
    let of_other = world
        .challenge(Realm::GrantPut, other.address.as_str())
        .await;
    let of_realm = world.challenge(Realm::Device, grant.address.as_str()).await;
    let mut wrong_tag = GrantPut::new(&grant.key, &grant.address, &right, b"x".to_vec());
    wrong_tag.t[0] ^= 1;
    let wrong_key = GrantPut::new(&other.key, &grant.address, &right, b"x".to_vec());
    let mut changed = GrantPut::new(&grant.key, &grant.address, &right, b"x".to_vec());
    changed.m = b"y".to_vec();
    let foreign = GrantPut::new(&grant.key, &grant.address, &of_other, b"x".to_vec());
    let realm = GrantPut::new(&grant.key, &grant.address, &of_realm, b"x".to_vec());
    for put in [wrong_tag, wrong_key, changed, foreign, realm] {
        let answer = world
            .send(Method::POST, &path, &[], Some(put.encode()))
            .await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
    }
    let old = GrantPut::new(&grant.key, &grant.address, &right, b"late".to_vec());
    world.clock.forward(600);
    world
        .send(Method::POST, &path, &[], Some(old.encode()))
        .await;
    world.settled().await;
    assert!(world.queue(&device).await.messages.is_empty());
}

#[tokio::test]
async fn a_challenge_counts_by_when_the_put_came_not_when_it_is_resolved() {
    let journal = crate::relay::JournalWorker::Withheld;
    let setup = Setup {
        journal,
        ..Setup::default()
    };
    let world = setup.start().await;
    let (_, device) = world.registered("alice").await;
    let grant = world.grants(&device, 1).await.remove(0);
    world.put(&grant, b"in time").await;
    world.clock.forward(3600);
    tokio::spawn(crate::journal::run(std::sync::Arc::clone(
        world.relay.state(),
    )));
    assert_eq!(world.queued(&device, 1).await, [b"in time"]);
}

#[tokio::test]
async fn a_client_that_goes_before_the_commit_has_put_all_the_same() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let grant = world.grants(&device, 1).await.remove(0);
    let challenge = world
        .challenge(Realm::GrantPut, grant.address.as_str())
        .await;
    let body = GrantPut::new(&grant.key, &grant.address, &challenge, b"gone".to_vec()).encode();
    let path = paths::grant_mailbox(&grant.address);
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    // The writer waits until the client is gone.
    let (release, held) = std::sync::mpsc::channel::<()>();
    let state = std::sync::Arc::clone(world.relay.state());
    let holding = tokio::spawn(async move {
        state
            .store
            .write(move |_| held.recv().map_err(|_| crate::store::StoreError::Closed))
            .await
    });
    let mut stream = tokio::net::TcpStream::connect(world.relay.addr())
        .await
        .unwrap();
    stream
        .write_all(&[head.as_bytes(), &body].concat())
        .await
        .unwrap();
    while world.relay.state().journaled.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(stream);
    tokio::time::sleep(Duration::from_millis(50)).await;
    release.send(()).unwrap();
    holding.await.unwrap().unwrap();
    assert_eq!(world.queued(&device, 1).await, [b"gone"]);
}
