use super::*;
use crate::mls::key_packages as made;
use crate::testing::{Party, TestClock};
use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use sotto_identity::http::HttpError;
use sotto_wire::enabler::{self, EnablerDocument};
use sotto_wire::relay_api::{KeyPackagesPut, KeyPackagesState, Pool, RegistrationStatus};
use std::sync::Mutex;

const NOW: u64 = 1_800_000_000;

struct Still;
impl Clock for Still {
    fn now_ms(&self) -> u64 {
        NOW * 1000
    }
}

/// Answers from a list, and remembers what was asked.
#[derive(Default)]
struct Scripted {
    answers: Mutex<Vec<Response>>,
    asked: Mutex<Vec<Request>>,
}

#[async_trait]
impl Http for Scripted {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.asked.lock().unwrap().push(request);
        let mut answers = self.answers.lock().unwrap();
        if answers.is_empty() {
            Err(HttpError::Unreachable)
        } else {
            Ok(answers.remove(0))
        }
    }
}

fn relays(answers: Vec<Response>) -> (Relays, Arc<Scripted>) {
    let http = Arc::new(Scripted {
        answers: Mutex::new(answers),
        ..Scripted::default()
    });
    let key = SigningKey::from_seed(&[7; 32]);
    (
        Relays::new(
            Arc::clone(&http) as Arc<dyn Http>,
            false,
            Arc::new(Still),
            key,
        ),
        http,
    )
}

fn domain() -> Domain {
    Domain::parse("relay.example").unwrap()
}

fn answer(status: u16, headers: &[(&str, &str)], body: Vec<u8>) -> Response {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()))
        .collect();
    Response {
        status,
        headers,
        body,
    }
}

fn minted(challenge: &str, expires: u64) -> Response {
    let body = ChallengeResponse {
        c: challenge.into(),
        e: Timestamp(expires),
    };
    answer(200, &[], cbor::encode(&body))
}

fn refused(status: u16, code: &str) -> Response {
    answer(
        status,
        &[],
        cbor::encode(&ErrorBody {
            left: None,
            error: code.into(),
        }),
    )
}

fn empty_pool() -> Vec<u8> {
    cbor::encode(&Pool::default())
}

/// The challenge under which each signed request was made, and that its signature verifies.
fn challenges_used(http: &Scripted) -> Vec<String> {
    let asked = http.asked.lock().unwrap();
    let signed = asked.iter().filter_map(|request| {
        let header = |name: &str| {
            let found = request.headers.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.clone())
        };
        let headers = SignatureHeaders {
            content_digest: header(http_sig::CONTENT_DIGEST),
            signature_input: header(http_sig::SIGNATURE_INPUT)?,
            signature: header(http_sig::SIGNATURE)?,
        };
        let parsed = http_sig::parse(&headers).unwrap();
        let method = if request.method == Method::Get {
            "GET"
        } else {
            "POST"
        };
        let parts = RequestParts {
            method,
            authority: "relay.example",
            path: request.url.path(),
            query: None,
            body: Some(&request.body),
        };
        parsed
            .verify(&parts, &SigningKey::from_seed(&[7; 32]).public())
            .unwrap();
        Some(parsed.nonce)
    });
    signed.collect()
}

#[tokio::test]
async fn a_challenge_is_minted_once_and_renewed_by_answers() {
    let next = NextChallenge {
        challenge: "second".into(),
        expires: Timestamp(NOW + 600),
    };
    let (relays, http) = relays(vec![
        minted("first", NOW + 600),
        answer(200, &[], empty_pool()),
        answer(200, &[(NEXT_CHALLENGE, &next.header_value())], empty_pool()),
        answer(200, &[], empty_pool()),
    ]);
    for _ in 0..3 {
        relays.pool(&domain()).await.unwrap();
    }
    assert_eq!(challenges_used(&http), ["first", "first", "second"]);
}

#[tokio::test]
async fn an_ended_challenge_is_replaced_once() {
    let (relays, http) = relays(vec![
        minted("old", NOW + 600),
        refused(401, "expired-challenge"),
        minted("new", NOW + 600),
        answer(200, &[], empty_pool()),
    ]);
    relays.pool(&domain()).await.unwrap();
    assert_eq!(challenges_used(&http), ["old", "new"]);
    let (relays, _) = self::relays(vec![
        minted("old", NOW + 600),
        refused(401, "expired-challenge"),
        minted("new", NOW + 600),
        refused(401, "expired-challenge"),
    ]);
    let error = relays.pool(&domain()).await.unwrap_err();
    assert_eq!(error.code(), "relay.refused");
}

#[tokio::test]
async fn the_life_of_a_challenge_is_counted_by_the_relays_clock() {
    // The relay is a day behind: by our clock its challenge ended long ago.
    let date = httpdate::fmt_http_date(std::time::UNIX_EPOCH + Duration::from_secs(NOW - 86_400));
    let mut first = minted("first", NOW - 86_400 + 600);
    first.headers.push(("date".into(), date));
    let pool = || answer(200, &[], empty_pool());
    let (relays, http) = relays(vec![first, pool(), pool()]);
    relays.pool(&domain()).await.unwrap();
    relays.pool(&domain()).await.unwrap();
    assert_eq!(challenges_used(&http), ["first", "first"]);
}

#[tokio::test]
async fn answers_are_classed_by_what_to_do_next() {
    let cases = [
        (
            answer(429, &[("retry-after", "7")], vec![]),
            RelayError::Full {
                retry_after_ms: 7000,
            },
        ),
        (
            answer(429, &[], vec![]),
            RelayError::Full {
                retry_after_ms: RETRY_AFTER_MS,
            },
        ),
        (answer(503, &[], vec![]), RelayError::Unreachable),
        (refused(401, "not-registered"), RelayError::NotRegistered),
        (
            refused(403, "wrong-domain"),
            RelayError::Refused {
                status: 403,
                code: "wrong-domain".into(),
            },
        ),
        // Whatever a stranger writes there stays out of the log.
        (
            refused(403, "<b>Hi!</b>"),
            RelayError::Refused {
                status: 403,
                code: String::new(),
            },
        ),
        (
            answer(200, &[], b"<html>".to_vec()),
            RelayError::NotARelay("its answer is not of the protocol"),
        ),
    ];
    for (response, expected) in cases {
        let (relays, _) = relays(vec![minted("c", NOW + 600), response]);
        let outcome: Result<RegistrationStatus, _> = relays.registration(&domain()).await;
        assert_eq!(outcome.unwrap_err(), expected);
    }
    let (relays, _) = relays(vec![]);
    let outcome: Result<KeyPackagesState, _> = relays.key_packages(&domain()).await;
    assert_eq!(outcome.unwrap_err(), RelayError::Unreachable);
}

#[tokio::test]
async fn loopback_is_not_asked_outside_development() {
    let (relays, http) = relays(vec![minted("c", NOW + 600)]);
    let outcome = relays.pool(&Domain::parse("localhost:1").unwrap()).await;
    assert_eq!(outcome.unwrap_err(), RelayError::Insecure);
    assert!(http.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_relay_has_every_capability() {
    let whole = serde_json::json!({
        "state": "", "encodings": ["application/cbor"], "capabilities": {
            "core": {"versions": ["1"], "pathPrefix": "/pmr/v1", "challengeExpiry": 600, "maxAckBatch": 1},
            "didMailbox": {"versions": ["1"], "pathPrefix": "/pmr/v1", "messageMaxBytes": 1, "messageExpiry": 1},
            "grant": {"versions": ["1"], "pathPrefix": "/pmr/v1", "messageMaxBytes": 1, "messageExpiry": 1,
                      "lifecycle": "active", "maxPerRequest": 1},
            enabler::KEY_PACKAGES: {"versions": ["1", "2"], "pathPrefix": "/pmr/v1", "maxSingleUse": 1, "claimsPerHour": 1},
        }
    });
    let check = |document: &serde_json::Value| {
        let body = document.to_string().into_bytes();
        assert!(EnablerDocument::from_json(&body).is_some());
        let (relays, _) = relays(vec![answer(200, &[], body)]);
        async move { relays.check_relay(&domain()).await }
    };
    check(&whole).await.unwrap();
    for name in ["didMailbox", "grant", enabler::KEY_PACKAGES] {
        let mut document = whole.clone();
        document["capabilities"]
            .as_object_mut()
            .unwrap()
            .remove(name);
        assert!(
            matches!(check(&document).await, Err(RelayError::NotARelay(_))),
            "{name}"
        );
    }
    let mut newer = whole.clone();
    newer["capabilities"]["grant"]["versions"] = serde_json::json!(["2"]);
    assert!(matches!(check(&newer).await, Err(RelayError::NotARelay(_))));
    for (status, code) in [(404, "relay.not_a_relay"), (500, "relay.unreachable")] {
        let (relays, _) = relays(vec![answer(status, &[], vec![])]);
        assert_eq!(
            relays.check_relay(&domain()).await.unwrap_err().code(),
            code
        );
    }
}

/// What a relay says of itself that keeps no more than so many key packages.
fn enabler(most: u64) -> Response {
    let document = serde_json::json!({
        "state": "", "encodings": ["application/cbor"], "capabilities": {
            "core": {"versions": ["1"], "pathPrefix": "/pmr/v1", "challengeExpiry": 600, "maxAckBatch": 1},
            "didMailbox": {"versions": ["1"], "pathPrefix": "/pmr/v1", "messageMaxBytes": 1, "messageExpiry": 1},
            "grant": {"versions": ["1"], "pathPrefix": "/pmr/v1", "messageMaxBytes": 1, "messageExpiry": 1,
                      "lifecycle": "active", "maxPerRequest": 1},
            enabler::KEY_PACKAGES: {"versions": ["1"], "pathPrefix": "/pmr/v1", "maxSingleUse": most, "claimsPerHour": 1},
        }
    });
    answer(200, &[], document.to_string().into_bytes())
}

fn lying_there(packages: &KeyPackagesPut) -> KeyPackagesState {
    let hash = |bytes: &Vec<u8>| Sha256::digest(bytes).to_vec();
    KeyPackagesState {
        last_resort: packages.last_resort.as_ref().map(hash),
        single_use: packages.single_use.iter().map(hash).collect(),
    }
}

/// What was put, in order.
fn packages_put(http: &Scripted) -> Vec<KeyPackagesPut> {
    let asked = http.asked.lock().unwrap();
    let puts = asked.iter().filter(|it| it.method == Method::Put);
    puts.map(|it| cbor::decode(&it.body, it.body.len()).unwrap())
        .collect()
}

#[tokio::test]
async fn a_relay_that_keeps_fewer_key_packages_gets_as_many_as_it_keeps() {
    let owner = Party::new("alice", &TestClock::new());
    let state = |it: &KeyPackagesState| answer(200, &[], cbor::encode(it));
    let nothing = KeyPackagesState::default();
    let (relays, http) = relays(vec![
        minted("c", NOW + 600),
        state(&nothing),
        refused(409, "too-many-packages"),
        enabler(3),
        state(&nothing),
    ]);
    let relays = relays.keeping(5);
    let own = domain();
    let look_after = || key_packages::reconcile(owner.db(), &relays, &own, &*owner.clock);
    look_after().await.unwrap();
    let put = packages_put(&http).pop().unwrap();
    assert_eq!(put.single_use.len(), 3);
    assert!(put.last_resort.is_some());
    // Known from then on: nothing is asked for that would be refused, and nothing made in vain.
    let waiting = || owner.read(|tx| made::unpublished(tx)).len();
    assert_eq!(waiting(), 2);
    let mut there = lying_there(&put);
    http.answers.lock().unwrap().push(state(&there));
    look_after().await.unwrap();
    assert_eq!(packages_put(&http).len(), 2);
    there.single_use.pop();
    http.answers
        .lock()
        .unwrap()
        .extend([state(&there), state(&there)]);
    look_after().await.unwrap();
    let put = packages_put(&http).pop().unwrap();
    assert_eq!((put.single_use.len(), put.last_resort), (1, None));
    assert_eq!(waiting(), 1);
}

#[tokio::test]
async fn a_relay_that_keeps_fewer_than_it_says_gets_the_last_resort() {
    let owner = Party::new("alice", &TestClock::new());
    let state = || answer(200, &[], cbor::encode(&KeyPackagesState::default()));
    let refusal = || refused(409, "too-many-packages");
    let (relays, http) = relays(vec![
        minted("c", NOW + 600),
        state(),
        refusal(),
        enabler(2),
        refusal(),
        state(),
    ]);
    let relays = relays.keeping(3);
    key_packages::reconcile(owner.db(), &relays, &domain(), &*owner.clock)
        .await
        .unwrap();
    let sizes = packages_put(&http)
        .into_iter()
        .map(|put| (put.single_use.len(), put.last_resort.is_some()));
    let expected = [(3, true), (2, true), (0, true)];
    assert_eq!(sizes.collect::<Vec<_>>(), expected);
}
