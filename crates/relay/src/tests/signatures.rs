//! Challenges and request signatures (§4.2).

use reqwest::{Method, StatusCode};
use sotto_wire::challenge::{NEXT_CHALLENGE, NextChallenge, Realm};
use sotto_wire::http_sig;
use sotto_wire::key::SigningKey;
use sotto_wire::random::OsRandom;
use sotto_wire::relay_api::{GrantsRequest, paths};

use super::answer::Answer;
use super::people::Device;
use super::world::World;

struct Case {
    world: World,
    device: Device,
    challenge: String,
}

async fn case() -> Case {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let challenge = world
        .challenge(Realm::Device, &device.key.public().thumbprint().text())
        .await;
    Case {
        world,
        device,
        challenge,
    }
}

impl Case {
    /// GET of the registration under any challenge and key.
    async fn get(&self, challenge: &str, key: &SigningKey) -> Answer {
        let headers = self
            .world
            .sign(&Method::GET, paths::REGISTRATION, None, challenge, key);
        self.world
            .send(Method::GET, paths::REGISTRATION, &headers, None)
            .await
    }
}

fn refused(answer: &Answer, code: &str) {
    assert_eq!(
        (answer.status, answer.error().as_deref()),
        (StatusCode::UNAUTHORIZED, Some(code))
    );
}

#[tokio::test]
async fn a_challenge_is_good_for_more_than_one_request() {
    let case = case().await;
    for _ in 0..3 {
        let answer = case.get(&case.challenge, &case.device.key).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn every_authenticated_answer_brings_the_next_challenge() {
    let case = case().await;
    let answer = case.get(&case.challenge, &case.device.key).await;
    let next = NextChallenge::parse(answer.headers[NEXT_CHALLENGE].to_str().unwrap()).unwrap();
    assert_eq!(next.expires.0, case.world.now() + 600);
    assert_eq!(
        case.get(&next.challenge, &case.device.key).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_challenge_of_another_realm_or_subject_is_refused() {
    let case = case().await;
    let subject = case.device.key.public().thumbprint().text();
    for (realm, subject) in [
        (Realm::Claim, subject.as_str()),
        (Realm::GrantPut, &subject),
        (Realm::Device, "other"),
    ] {
        let challenge = case.world.challenge(realm, subject).await;
        refused(
            &case.get(&challenge, &case.device.key).await,
            "bad-challenge",
        );
    }
    refused(
        &case.get("made-up", &case.device.key).await,
        "bad-challenge",
    );
}

#[tokio::test]
async fn a_challenge_expires() {
    let case = case().await;
    case.world.clock.forward(599);
    assert_eq!(
        case.get(&case.challenge, &case.device.key).await.status,
        StatusCode::OK
    );
    case.world.clock.forward(1);
    refused(
        &case.get(&case.challenge, &case.device.key).await,
        "expired-challenge",
    );
}

#[tokio::test]
async fn a_key_that_is_not_registered_is_refused() {
    let case = case().await;
    let stranger = SigningKey::generate(&OsRandom);
    let subject = stranger.public().thumbprint().text();
    let challenge = case.world.challenge(Realm::Device, &subject).await;
    refused(&case.get(&challenge, &stranger).await, "not-registered");
}

#[tokio::test]
async fn another_key_under_the_right_keyid_is_refused() {
    let case = case().await;
    let stranger = SigningKey::generate(&OsRandom);
    let mut headers = case.world.sign(
        &Method::GET,
        paths::REGISTRATION,
        None,
        &case.challenge,
        &stranger,
    );
    let (wrong, right) = (
        stranger.public().thumbprint().text(),
        case.device.key.public().thumbprint().text(),
    );
    for (_, value) in &mut headers {
        *value = value.replace(&wrong, &right);
    }
    let answer = case
        .world
        .send(Method::GET, paths::REGISTRATION, &headers, None)
        .await;
    refused(&answer, "bad-signature");
}

#[tokio::test]
async fn a_request_without_signature_is_refused() {
    let case = case().await;
    let answer = case
        .world
        .send(Method::GET, paths::REGISTRATION, &[], None)
        .await;
    refused(&answer, "bad-signature");
}

#[tokio::test]
async fn the_body_is_signed() {
    let case = case().await;
    let body = sotto_wire::cbor::encode(&GrantsRequest { n: 1 });
    let other = sotto_wire::cbor::encode(&GrantsRequest { n: 2 });
    let key = &case.device.key;
    let send = async |signed: Option<&[u8]>, sent: &[u8], strip: bool| {
        let mut headers =
            case.world
                .sign(&Method::POST, paths::GRANTS, signed, &case.challenge, key);
        headers.retain(|(name, _)| !strip || name != http_sig::CONTENT_DIGEST);
        case.world
            .send(Method::POST, paths::GRANTS, &headers, Some(sent.to_vec()))
            .await
    };
    assert_eq!(send(Some(&body), &body, false).await.status, StatusCode::OK);
    refused(&send(Some(&body), &other, false).await, "bad-signature");
    refused(&send(Some(&body), &body, true).await, "bad-signature");
    refused(&send(None, &body, false).await, "bad-signature");
}

#[tokio::test]
async fn method_path_and_query_are_signed() {
    let case = case().await;
    let key = &case.device.key;
    for (method, target) in [
        (Method::DELETE, paths::REGISTRATION),
        (Method::GET, paths::GRANTS),
        (Method::GET, "/pmr/v1/registration?x=1"),
    ] {
        let headers = case.world.sign(
            &Method::GET,
            paths::REGISTRATION,
            None,
            &case.challenge,
            key,
        );
        refused(
            &case.world.send(method, target, &headers, None).await,
            "bad-signature",
        );
    }
    let target = "/pmr/v1/messages?cursor=3";
    let headers = case
        .world
        .sign(&Method::GET, target, None, &case.challenge, key);
    let answer = case.world.send(Method::GET, target, &headers, None).await;
    assert_eq!(answer.status, StatusCode::OK);
    let moved = "/pmr/v1/messages?cursor=4";
    refused(
        &case.world.send(Method::GET, moved, &headers, None).await,
        "bad-signature",
    );
}

#[tokio::test]
async fn a_device_whose_certificate_ended_is_refused() {
    let world = World::new().await;
    let person = world.person("alice");
    let device = person.device_until(world.now(), world.now() + 1000);
    let body = person.registration(&device, person.roster(1, &[&device]));
    let answer = world
        .owner(&device, Method::POST, paths::REGISTRATIONS, Some(body))
        .await;
    assert_eq!(answer.status, StatusCode::CREATED);
    world.clock.forward(1000);
    refused(
        &world
            .owner(&device, Method::GET, paths::REGISTRATION, None)
            .await,
        "expired-certificate",
    );
}

#[tokio::test]
async fn challenges_are_rate_limited_by_address() {
    let world = World::with(|config| config.limits.challenges_per_minute = 2).await;
    let mint = async || {
        let body = sotto_wire::cbor::encode(&sotto_wire::challenge::ChallengeRequest {
            r: Realm::Device,
            s: "x".to_owned(),
        });
        world
            .send(Method::POST, paths::CHALLENGES, &[], Some(body))
            .await
    };
    assert_eq!(mint().await.status, StatusCode::OK);
    assert_eq!(mint().await.status, StatusCode::OK);
    let answer = mint().await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.retry_after(), Some(30));
}

#[tokio::test]
async fn malformed_challenge_requests_are_refused() {
    let world = World::new().await;
    // Unknown realm; not canonical; too large.
    let realm = b"\xa2ar\x61xas\x61y".to_vec();
    let order = b"\xa2as\x61yar\x66device".to_vec();
    for body in [realm, order, Vec::new(), vec![0x60; 9000]] {
        let answer = world
            .send(Method::POST, paths::CHALLENGES, &[], Some(body))
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
}
