//! A peer, or whoever has a grant, who puts what should not be put.
#![expect(clippy::unwrap_used, reason = "tests, and what they share")]

use sotto_core::db::DbError;
use sotto_testkit::{Client, HeldGrant, Relay, logged, network, until};
use sotto_wire::frame::{self, Frame};
use sotto_wire::random::OsRandom;

/// The stored bytes of messages to someone who is away, oldest first.
async fn sealed(client: &Client) -> Vec<Vec<u8>> {
    let database = client.app().database().unwrap();
    let read = database.read::<_, DbError>(|tx| {
        let mut statement =
            tx.prepare("SELECT bytes FROM put WHERE seq IS NOT NULL ORDER BY id")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<Vec<Vec<u8>>, _>>()?)
    });
    read.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_at_a_grant_cannot_do_harm() {
    let relay = Relay::start(network()).await;
    let alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let carol = Client::ready(network(), "carol", 1, relay.domain()).await;
    let mut bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    for peer in [&alice, &carol] {
        peer.write(&bob, "hello").await;
        bob.hears(peer, &["hello"]).await;
        peer.delivered(&bob).await;
    }
    let (of_alice, of_carol) = (HeldGrant::of(&alice).await, HeldGrant::of(&carol).await);
    bob.stop().await;
    alice.write(&bob, "genuine").await;
    until("it is sealed", || async {
        !sealed(&alice).await.is_empty()
    })
    .await;
    let genuine = sealed(&alice).await.remove(0);

    // Changed and cut anywhere, garbage of every size.
    for at in (0..genuine.len()).step_by(97) {
        let mut tampered = genuine.clone();
        tampered[at] ^= 1;
        assert_eq!(of_alice.put(&tampered).await, 202);
        assert_eq!(of_alice.put(&genuine[..at]).await, 202);
    }
    for size in [0, 1, 24, 40, 41, 1000, 60_000] {
        assert_eq!(of_alice.put(&vec![7; size]).await, 202, "{size}");
    }
    assert_eq!(of_alice.put(&vec![7; 10 * 1024 * 1024]).await, 413);
    // Once more the same, twice.
    assert_eq!(of_alice.put(&genuine).await, 202);
    // Alice's frame by Carol's grant: as it is, and properly sealed for it.
    assert_eq!(of_carol.put(&genuine).await, 202);
    let opened = frame::open(&genuine, &of_alice.seal).unwrap();
    let resealed = frame::seal(&opened, &of_carol.seal, &OsRandom).unwrap();
    assert_eq!(of_carol.put(&resealed).await, 202);
    // Properly sealed nonsense, and a genuine message with a changed byte inside.
    let nonsense = Frame {
        commits: Vec::new(),
        message: vec![0; 300],
        welcome: Some(vec![1; 300]),
    };
    let mut changed = opened.clone();
    if let Some(byte) = changed.message.last_mut() {
        *byte ^= 1;
    }
    for frame in [&nonsense, &changed] {
        let sealed = frame::seal(frame, &of_alice.seal, &OsRandom).unwrap();
        assert_eq!(of_alice.put(&sealed).await, 202);
    }

    bob.start().await.unwrap();
    bob.hears(&alice, &["hello", "genuine"]).await;
    alice.delivered(&bob).await;
    alice.write(&bob, "and on").await;
    carol.write(&bob, "and on").await;
    bob.hears(&alice, &["hello", "genuine", "and on"]).await;
    bob.hears(&carol, &["hello", "and on"]).await;
    bob.write(&alice, "all is well").await;
    alice.hears(&bob, &["all is well"]).await;
    assert_eq!(bob.app().conversations().await.unwrap().len(), 2);
    let log = logged();
    assert!(
        log.contains("envelope quarantined") && log.contains("code="),
        "{log}"
    );
    for secret in [&alice.account.handle, &alice.account.did, &bob.account.did] {
        assert!(!log.contains(secret.as_str()), "{secret} is in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_in_the_mailbox_of_an_account_is_refused() {
    let relay = Relay::start(network()).await;
    let alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    let did = sotto_wire::did::Did::parse(&bob.account.did).unwrap();
    let path = sotto_wire::relay_api::paths::did_mailbox(&did);
    let http = reqwest::Client::new();
    for size in [0, 1, 1000, 90_000] {
        let url = format!("http://{}{path}", relay.domain());
        let answer = http.post(url).body(vec![0xd2; size]).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 400, "{size}");
    }
    alice.write(&bob, "genuine").await;
    bob.hears(&alice, &["genuine"]).await;
    assert_eq!(bob.app().conversations().await.unwrap().len(), 1);
}
