//! First contacts that others make hard: drained pools, restored relays, wrong clocks.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot be prepared has failed"
)]

use sotto_core::db::{DbError, OwnAccount, own};
use sotto_core::views::{ConnectionState, MessageState};
use sotto_testkit::{Client, Proxy, Relay, network, until};
use sotto_wire::cbor;
use sotto_wire::challenge::{ChallengeRequest, ChallengeResponse, Realm};
use sotto_wire::device::{DeviceCertificate, DeviceId};
use sotto_wire::did::Did;
use sotto_wire::http_sig::{self, RequestParts};
use sotto_wire::key::SigningKey;
use sotto_wire::random::OsRandom;
use sotto_wire::relay_api::{ClaimRequest, ClaimResponse, paths};
use sotto_wire::time::{Clock as _, SystemClock};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);
/// Single-use packages of a pool that is full.
const FULL: i64 = 50;

/// What the relay holds of the only account there that has key packages.
fn count(relay: &Relay, sql: &str) -> i64 {
    let database = rusqlite::Connection::open(relay.database()).unwrap();
    database.busy_timeout(Duration::from_secs(5)).unwrap();
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

const SINGLE_USE: &str = "SELECT count(*) FROM key_packages WHERE last_resort = 0";

fn last_resort(relay: &Relay) -> Vec<u8> {
    let database = rusqlite::Connection::open(relay.database()).unwrap();
    database.busy_timeout(Duration::from_secs(5)).unwrap();
    let sql = "SELECT hash FROM key_packages WHERE last_resort = 1";
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

async fn own_account(of: &Client) -> OwnAccount {
    let database = of.app().database().expect("signed in");
    let read = database.read::<_, DbError>(|tx| own::load(tx));
    read.await.unwrap().expect("an account")
}

/// Claims as one of the devices that an account can certify as many of as it likes.
async fn claim_as_another_device(by: &OwnAccount, relay: &Relay, of: &Client) -> ClaimResponse {
    let key = SigningKey::generate(&OsRandom);
    let now = SystemClock.now();
    let certificate = DeviceCertificate {
        did: by.did.clone(),
        device_id: DeviceId::generate(&OsRandom),
        device_key: key.public(),
        issued_at: now,
        expires_at: now.plus(86_400),
    };
    let did = Did::parse(&of.account.did).unwrap();
    let (http, base) = (reqwest::Client::new(), format!("http://{}", relay.domain()));
    let minted = cbor::encode(&ChallengeRequest {
        r: Realm::Claim,
        s: did.to_string(),
    });
    let minted = http
        .post(format!("{base}{}", paths::CHALLENGES))
        .body(minted);
    let minted = minted.header("content-type", "application/cbor").send();
    let minted = minted.await.unwrap().bytes().await.unwrap();
    let challenge: ChallengeResponse = cbor::decode(&minted, 4096).unwrap();
    let body = cbor::encode(&ClaimRequest {
        id: [7; 16],
        did: by.did.clone(),
        cert: certificate.sign(&by.delegate_key),
    });
    let path = paths::key_package_claims(&did);
    let parts = RequestParts {
        method: "POST",
        authority: relay.domain(),
        path: &path,
        query: None,
        body: Some(&body),
    };
    let signed = http_sig::sign(&parts, &challenge.c, now, &key).unwrap();
    let answer = http
        .post(format!("{base}{path}"))
        .header("content-type", "application/cbor")
        .header(http_sig::CONTENT_DIGEST, signed.content_digest.unwrap())
        .header(http_sig::SIGNATURE_INPUT, signed.signature_input)
        .header(http_sig::SIGNATURE, signed.signature)
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    cbor::decode(&answer.bytes().await.unwrap(), 1 << 20).unwrap()
}

async fn pool_is_full(relay: &Relay) {
    until("a full pool", || async { count(relay, SINGLE_USE) == FULL }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attackers_drain_the_pool_and_keep_nobody_out() {
    let settings = [
        ("SOTTO_RELAY_SINGLE_USE_PER_DAY", "1000"),
        ("SOTTO_RELAY_SINGLE_USE_PER_CLAIMANT", "1000"),
    ];
    let relay = Relay::with(network(), &settings).await;
    let elsewhere = Relay::start(network()).await;
    let mut bob = Client::ready(network(), "bob", 0, relay.domain()).await;
    let alice = Client::ready(network(), "alice", 1, elsewhere.domain()).await;
    let mallory = Client::ready(network(), "mallory", 1, elsewhere.domain()).await;
    pool_is_full(&relay).await;
    let before = last_resort(&relay);
    bob.stop().await;
    let by = own_account(&mallory).await;
    for n in 0..=FULL {
        let answer = claim_as_another_device(&by, &relay, &bob).await;
        assert_eq!(answer.packages[0].last_resort, n == FULL, "claim {n}");
    }
    assert_eq!(count(&relay, SINGLE_USE), 0);
    // An honest person's first contact, by the last resort.
    alice.write(&bob, "still there?").await;
    until("sent", || async {
        alice.states(&bob).await == [MessageState::Sent]
    })
    .await;
    bob.start().await.unwrap();
    bob.hears(&alice, &["still there?"]).await;
    alice.delivered(&bob).await;
    pool_is_full(&relay).await;
    until("another last resort", || async {
        last_resort(&relay) != before
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_claimant_cannot_even_begin_to_drain_a_pool() {
    let relay = Relay::start(network()).await;
    let mut bob = Client::ready(network(), "bob", 0, relay.domain()).await;
    let mallory = Client::ready(network(), "mallory", 1, relay.domain()).await;
    let of_bob = format!(
        "SELECT count(*) FROM key_packages JOIN devices ON devices.id = key_packages.device
         JOIN accounts ON accounts.id = devices.account
         WHERE last_resort = 0 AND accounts.did = '{}'",
        bob.account.did
    );
    until("a full pool", || async { count(&relay, &of_bob) == FULL }).await;
    bob.stop().await;
    let by = own_account(&mallory).await;
    for _ in 0..12 {
        claim_as_another_device(&by, &relay, &bob).await;
    }
    assert_eq!(count(&relay, &of_bob), FULL - 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_that_a_relay_made_up_are_taken_away_before_anyone_uses_them() {
    let relay = Relay::start(network()).await;
    let mut bob = Client::ready(network(), "bob", 0, relay.domain()).await;
    pool_is_full(&relay).await;
    bob.stop().await;
    let database = rusqlite::Connection::open(relay.database()).unwrap();
    database.busy_timeout(Duration::from_secs(5)).unwrap();
    // As after a restored backup: packages that nobody has the private half of, in front of all others.
    let forged = database
        .execute(
            "UPDATE key_packages SET hash = randomblob(32), package = randomblob(2000)
             WHERE last_resort = 0 AND id IN (SELECT id FROM key_packages ORDER BY id LIMIT 5)",
            [],
        )
        .unwrap();
    assert!(forged >= 4);
    let last: Vec<u8> = last_resort(&relay);
    database
        .execute("DELETE FROM key_packages WHERE last_resort = 1", [])
        .unwrap();
    bob.start().await.unwrap();
    let unparsable = "SELECT count(*) FROM key_packages WHERE hex(package) NOT LIKE '0001%'";
    until("nothing is left of it", || async {
        count(&relay, unparsable) == 0 && count(&relay, SINGLE_USE) == FULL
    })
    .await;
    assert_eq!(
        last_resort(&relay),
        last,
        "what was lost is published again"
    );
    let alice = Client::ready(network(), "alice", 1, relay.domain()).await;
    alice.write(&bob, "hello").await;
    bob.hears(&alice, &["hello"]).await;
    alice.delivered(&bob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_far_ahead_is_named_and_nothing_is_lost_by_it() {
    let relay = Relay::start(network()).await;
    let alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    let carol = Client::ready(network(), "carol", 1, relay.domain()).await;
    alice.write(&bob, "one").await;
    bob.hears(&alice, &["one"]).await;
    alice.delivered(&bob).await;
    let carols = alice.conversation(&carol).await;
    alice.clock.pass(400 * DAY);
    until("the clock is named", || async {
        let connection = alice.app().connection().await.unwrap();
        connection.state == ConnectionState::Online
            && connection
                .error
                .is_some_and(|error| error.code == "clock.wrong")
    })
    .await;
    alice.write(&carol, "to someone new").await;
    until("the message says why it waits", || async {
        let page = alice
            .app()
            .messages(carols.clone(), None, 10)
            .await
            .unwrap();
        page.iter().all(|it| {
            it.state == MessageState::Sending
                && it
                    .error
                    .as_ref()
                    .is_some_and(|error| error.code == "clock.wrong")
        })
    })
    .await;
    // A first contact that comes meanwhile is not lost either.
    carol.write(&alice, "from someone new").await;
    until("sent", || async {
        carol.states(&alice).await == [MessageState::Sent]
    })
    .await;
    alice.clock.set_back(400 * DAY);
    alice.hears(&carol, &["from someone new"]).await;
    carol.hears(&alice, &["to someone new"]).await;
    alice.write(&bob, "two").await;
    bob.hears(&alice, &["one", "two"]).await;
    bob.write(&alice, "three").await;
    alice.hears(&bob, &["three"]).await;
    alice.delivered(&bob).await;
    alice.delivered(&carol).await;
    carol.delivered(&alice).await;
    until("nothing is wrong any more", || async {
        alice.app().connection().await.unwrap().error.is_none()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_claims_in_vain_right_after_their_own_key_was_replaced() {
    let relay = Relay::start(network()).await;
    let proxy = Proxy::start().await;
    let _behind = Relay::behind(network(), proxy.target(), &proxy.domain()).await;
    let alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let bob = Client::ready(network(), "bob", 1, &proxy.domain()).await;
    let carol = Client::ready(network(), "carol", 1, &proxy.domain()).await;
    // Bob's relay remembers Alice's key from here on.
    alice.write(&bob, "one").await;
    bob.hears(&alice, &["one"]).await;
    alice.app().rotate_key().await.unwrap();
    let begun = std::time::Instant::now();
    alice.write(&carol, "two").await;
    carol.hears(&alice, &["two"]).await;
    assert!(
        begun.elapsed() < Duration::from_secs(25),
        "not half a minute later"
    );
}
