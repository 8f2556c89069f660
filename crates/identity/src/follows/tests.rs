//! What counts as following, and what does not.

use std::collections::BTreeMap;

use ipld_core::ipld::Ipld;
use serde_json::json;

use super::*;
use crate::repo::Tid;
use crate::testing::{FakeNet, RepoSigner, TestRepo, endpoints};
use crate::verify::{Evidence, Level};
use sotto_wire::claim::Incoming;
use sotto_wire::domain::Domain;
use sotto_wire::key::SigningKey;

const OWN: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const BOB: &str = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
const CAROL: &str = "did:plc:cccccccccccccccccccccccc";
const DOCUMENT: &str = "https://plc.example/did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const RKEY: &str = "3kfollowofbob";
/// Shortly after the revision of [`TestRepo::new`].
const NOW: Timestamp = Timestamp(1_688_140_000);

fn did(text: &str) -> Did {
    Did::parse(text).unwrap()
}

fn list_url(cursor: &str) -> String {
    let cursor = match cursor {
        "" => String::new(),
        cursor => format!("&cursor={cursor}"),
    };
    format!(
        "https://pds.example/xrpc/com.atproto.repo.listRecords?repo=did%3Aplc%3Aaaaaaaaaaaaaaaaaaaaaaaaa&collection={COLLECTION}&limit=100{cursor}"
    )
}

fn record_url() -> String {
    format!(
        "https://pds.example/xrpc/com.atproto.sync.getRecord?did=did%3Aplc%3Aaaaaaaaaaaaaaaaaaaaaaaaa&collection={COLLECTION}&rkey={RKEY}"
    )
}

fn listed(rkey: &str, subject: &str) -> Value {
    json!({"uri": format!("at://{OWN}/{COLLECTION}/{rkey}"), "cid": "x", "value": {"subject": subject}})
}

/// A network in which only the own account's document is there.
fn net() -> FakeNet {
    let document = json!({
        "id": OWN,
        "verificationMethod": [{
            "id": "#atproto", "type": "Multikey",
            "publicKeyMultibase": RepoSigner::k256().multibase(),
        }],
        "service": [{
            "id": "#atproto_pds", "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": "https://pds.example",
        }],
    });
    FakeNet::new().answer(DOCUMENT, 200, document.to_string())
}

fn repo(subject: &str) -> TestRepo {
    typed(COLLECTION, subject)
}

fn typed(kind: &str, subject: &str) -> TestRepo {
    let text = |text: &str| Ipld::String(text.to_owned());
    let record = BTreeMap::from([
        ("$type".to_owned(), text(kind)),
        ("subject".to_owned(), text(subject)),
        ("createdAt".to_owned(), text("2026-01-01T00:00:00Z")),
    ]);
    TestRepo::new(OWN)
        .record(&format!("{COLLECTION}/{RKEY}"), Ipld::Map(record))
        .record("app.bsky.actor.profile/self", text("x"))
}

async fn proves(repo: &TestRepo, known: Option<&Pin>) -> Result<bool, VerifyError> {
    let net = net().answer(&record_url(), 200, repo.car());
    let network = net.network(endpoints());
    network
        .proves_follow(&did(OWN), RKEY, &did(BOB), known, NOW)
        .await
}

#[tokio::test]
async fn a_proved_record_counts() {
    assert_eq!(proves(&repo(BOB), None).await, Ok(true));
}

#[tokio::test]
async fn one_about_another_subject_or_of_another_type_does_not() {
    assert_eq!(proves(&repo(CAROL), None).await, Ok(false));
    assert_eq!(
        proves(&typed("app.bsky.graph.block", BOB), None).await,
        Ok(false)
    );
}

#[tokio::test]
async fn an_absent_one_does_not() {
    let absent = TestRepo::new(OWN).record("app.bsky.actor.profile/self", Ipld::Null);
    assert_eq!(proves(&absent, None).await, Ok(false));
}

#[tokio::test]
async fn a_forged_one_proves_nothing() {
    let mut forged = repo(BOB);
    forged.signer = RepoSigner::p256();
    let signature = Err(VerifyError::Proof(ProofError::Signature));
    assert_eq!(proves(&forged, None).await, signature);
    let of_another = TestRepo {
        did: CAROL.to_owned(),
        ..repo(BOB)
    };
    let account = Err(VerifyError::Proof(ProofError::WrongAccount));
    assert_eq!(proves(&of_another, None).await, account);
    let mut blocks = repo(BOB).blocks();
    let last = blocks.len() - 1;
    let exchanged = blocks[last].1.len() - 1;
    blocks[last].1[exchanged] ^= 1;
    let net = net().answer(&record_url(), 200, crate::testing::car(&blocks));
    let network = net.network(endpoints());
    let proved = network
        .proves_follow(&did(OWN), RKEY, &did(BOB), None, NOW)
        .await;
    assert_eq!(proved, Err(VerifyError::Proof(ProofError::Invalid)));
}

#[tokio::test]
async fn an_older_state_of_the_repository_proves_nothing() {
    let pin = Pin {
        did: did(OWN),
        key: SigningKey::from_seed(&[1; 32]).public(),
        domain: Domain::parse("relay.example").unwrap(),
        incoming: Incoming::Following,
        claim_seq: 1,
        repo_rev: Tid::parse("3jzfcijpj2z2b").unwrap(),
        level: Level::Vended,
        predecessors: Vec::new(),
        evidence: Evidence::default(),
    };
    let rolled_back = Err(VerifyError::RepoRolledBack);
    assert_eq!(proves(&repo(BOB), Some(&pin)).await, rolled_back);
}

#[tokio::test]
async fn a_server_that_fails_proves_nothing() {
    for network in [
        net().network(endpoints()),
        net().answer(&record_url(), 500, "").network(endpoints()),
    ] {
        let proved = network
            .proves_follow(&did(OWN), RKEY, &did(BOB), None, NOW)
            .await;
        assert_eq!(proved, Err(VerifyError::PdsUnreachable));
    }
}

#[tokio::test]
async fn the_index_goes_through_all_pages_and_leaves_out_what_is_none() {
    let first = json!({"cursor": "c1", "records": [
        listed("3knewest", BOB), 7, listed("3kx", "did:key:z"), listed("a/../b c", CAROL),
        {"uri": 1, "value": {}},
    ]});
    let second = json!({"records": [listed("3kolder", BOB), listed("3kcarol", CAROL)]});
    let net = net().answer(&list_url(""), 200, first.to_string()).answer(
        &list_url("c1"),
        200,
        second.to_string(),
    );
    let index = net
        .network(endpoints())
        .follow_index(&did(OWN))
        .await
        .unwrap();
    assert_eq!(index.rkey(&did(BOB)), Some("3knewest"));
    assert_eq!(index.rkey(&did(CAROL)), Some("3kcarol"));
    assert_eq!(index.rkey(&did(OWN)), None);
}

#[tokio::test]
async fn an_endless_listing_ends() {
    let page = json!({"cursor": "c1", "records": [listed("3k", BOB)]}).to_string();
    let net = net()
        .answer(&list_url(""), 200, page.clone())
        .answer(&list_url("c1"), 200, page);
    let index = net.network(endpoints()).follow_index(&did(OWN)).await;
    assert_eq!(index.unwrap().rkey(&did(BOB)), Some("3k"));
}

#[tokio::test]
async fn a_listing_that_cannot_be_had_is_an_error() {
    let unreachable = VerifyError::PdsUnreachable;
    for net in [
        net(),
        net().answer(&list_url(""), 400, "{}"),
        net().answer(&list_url(""), 200, "not json"),
        net().answer(&list_url(""), 200, vec![b' '; MAX_PAGE + 1]),
    ] {
        let index = net.network(endpoints()).follow_index(&did(OWN)).await;
        assert_eq!(index.err(), Some(unreachable));
    }
}

#[tokio::test]
async fn a_record_key_that_is_none_is_never_asked_for() {
    for rkey in ["", "..", "a/b", "a b", &"x".repeat(513)] {
        let network = net().network(endpoints());
        let proved = network
            .proves_follow(&did(OWN), rkey, &did(BOB), None, NOW)
            .await;
        assert_eq!(
            proved,
            Err(VerifyError::Proof(ProofError::Invalid)),
            "{rkey}"
        );
    }
}
