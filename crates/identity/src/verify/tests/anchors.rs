//! The operation log, and what a key in it is worth.

use super::*;
use crate::plc::LogError;
use crate::testing::plc::stranger;

impl Account {
    async fn verify_with(self, known: Known<'_>) -> Result<VerifiedAccount, VerifyError> {
        let network = self.net().network(endpoints());
        network.verify_account(&did(), known, NOW).await
    }
}

/// What verification says where the directory serves this log and this document.
async fn outcome(log: &TestLog, document: &Value) -> Result<VerifiedAccount, VerifyError> {
    let net = Account::new(1).net().answer(&LOG, 200, log.body()).answer(
        &DOCUMENT,
        200,
        document.to_string(),
    );
    let network = net.network(endpoints());
    network.verify_account(&did(), None, NOW).await
}

fn anchored() -> Account {
    Account::new(1).anchored(&key(1).public())
}

#[tokio::test]
async fn a_key_in_the_log_is_anchored_and_says_since_when() {
    let log = anchored().log();
    let account = anchored().verify(None).await.unwrap();
    assert_eq!(account.level(), Level::Anchored);
    let evidence = account.pin().evidence;
    let operation = evidence.anchored.unwrap();
    assert_eq!(operation.cid, log.cid(1));
    assert_eq!(operation.created_at, (1_680_000_000 + 3600) * 1000);
    assert_eq!(evidence.unanchored, None);
    assert_eq!(evidence.claim_issued_at, Some(NOW));
    assert!(evidence.record_cid.unwrap().starts_with("bafyrei"));
}

#[tokio::test]
async fn a_removed_key_lowers_the_level_and_shows() {
    let before = anchored().verify(None).await.unwrap();
    let mut log = anchored().log();
    log.follow(1, json!({}), &strong(), 2);
    let net = Account::new(1).net().answer(&LOG, 200, log.body());
    let known = Known {
        pin: Some(&before.pin()),
        log: before.log(),
    };
    let network = net.network(endpoints());
    let after = network.verify_account(&did(), known, NOW).await.unwrap();
    assert_eq!(after.level(), Level::Vended);
    let evidence = after.pin().evidence;
    assert_eq!(evidence.anchored, None);
    assert_eq!(evidence.unanchored.unwrap().cid, log.cid(2));
}

#[tokio::test]
async fn the_document_has_to_be_the_logs() {
    let good = Account::new(1);
    let log = good.log();
    let changed = |pointer: &str, value: Value| {
        let mut document = good.document.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        document
    };
    let other_key = stranger().multibase();
    let documents = [
        anchored().document,
        changed("/verificationMethod/0/publicKeyMultibase", json!(other_key)),
        changed("/service/0/serviceEndpoint", json!("https://evil.example")),
        changed("/alsoKnownAs", json!(["at://mallory.example.com"])),
        changed("/alsoKnownAs/0", json!("https://alice.example.com")),
        changed(
            "/alsoKnownAs",
            json!(["at://alice.example.com", "at://b.example"]),
        ),
    ];
    for document in documents {
        let refused = outcome(&log, &document).await.unwrap_err();
        assert_eq!(refused.code(), "plc.document_differs", "{document}");
    }
    assert!(outcome(&log, &good.document).await.is_ok());
    let hidden = outcome(&anchored().log(), &good.document).await;
    assert_eq!(hidden.unwrap_err().code(), "plc.document_differs");
}

#[tokio::test]
async fn a_log_that_proves_nothing_is_named() {
    let document = Account::new(1).document;
    let mut forged = Account::new(1).log();
    forged.follow(0, json!({}), &stranger(), 1);
    let refused = outcome(&forged, &document).await.unwrap_err();
    assert_eq!(refused, VerifyError::Log(LogError::Forged));
    assert!(!refused.is_temporary());
    let answer = |status, body: Vec<u8>| async move {
        let net = Account::new(1).net().answer(&LOG, status, body);
        let network = net.network(endpoints());
        let outcome = network.verify_account(&did(), None, NOW).await;
        outcome.unwrap_err().code()
    };
    assert_eq!(answer(200, b"garbage".to_vec()).await, "plc.malformed");
    assert_eq!(answer(200, vec![b' '; 5 << 20]).await, "plc.too_large");
    assert_eq!(answer(404, Vec::new()).await, "did.unresolvable");
    assert_eq!(answer(429, Vec::new()).await, "plc.unreachable");
    assert_eq!(answer(503, Vec::new()).await, "plc.unreachable");
}

#[tokio::test]
async fn an_ended_account_is_named_although_it_has_no_document() {
    let mut log = Account::new(1).log();
    let end = crate::testing::plc::tombstone(&log.cid(0));
    let end = crate::testing::plc::signed(end, &strong());
    log.push(&end, NOW);
    for status in [404, 410] {
        let net = FakeNet::new()
            .answer(&LOG, 200, log.body())
            .answer(&DOCUMENT, status, "{}");
        let network = net.network(endpoints());
        let refused = network.verify_account(&did(), None, NOW).await;
        assert_eq!(refused.unwrap_err().code(), "plc.tombstoned");
    }
}

#[tokio::test]
async fn what_was_seen_of_the_log_has_to_be_there_again() {
    let before = anchored().verify(None).await.unwrap();
    let known = |log| Known { pin: None, log };
    let again = anchored().verify_with(known(before.log())).await.unwrap();
    assert_eq!(again.log(), before.log());
    let rolled_back = Account::new(1).verify_with(known(before.log())).await;
    assert_eq!(rolled_back.unwrap_err().code(), "plc.rolled_back");
    let other = Account::new(1).anchored(&key(2).public());
    let rewritten = other.verify_with(known(before.log())).await;
    assert_eq!(rewritten.unwrap_err().code(), "plc.rewritten");
}

#[tokio::test]
async fn did_web_is_anchored_by_its_document() {
    let name = "did:web:alice.example";
    let did = Did::parse(name).unwrap();
    let verify = |document: Value| {
        let mut account = Account::new(1);
        account.repo.did = name.to_owned();
        account.claim.did = did.clone();
        let net = FakeNet::new()
            .answer(
                "https://alice.example/.well-known/did.json",
                200,
                document.to_string().replace(&*DID, name),
            )
            .answer(&car_url(name), 200, account.car());
        let (network, did) = (net.network(endpoints()), did.clone());
        async move { network.verify_account(&did, None, NOW).await }
    };
    let account = verify(anchored().document).await.unwrap();
    assert_eq!(account.level(), Level::Anchored);
    assert_eq!(account.pin().evidence.anchored, None, "there is no log");
    assert!(account.log().is_none());
    let vended = verify(Account::new(1).document).await.unwrap();
    assert_eq!(vended.level(), Level::Vended);
    let other = Account::new(1).anchored(&key(2).public());
    let refused = verify(other.document).await.unwrap_err();
    assert_eq!(refused, VerifyError::Contradicted);
}

#[tokio::test]
async fn evidence_shows_how_keys_followed() {
    let chain = |account: &mut Account| {
        account.succession = vec![succession(1, 2, 1), succession(2, 3, 2)];
    };
    let account = Account::new(3).with(chain).verify(None).await.unwrap();
    let steps = account.pin().evidence.succession;
    let keys: Vec<_> = steps
        .iter()
        .map(|step| (step.predecessor, step.successor))
        .collect();
    let public = |seed| key(seed).public();
    assert_eq!(keys, [(public(1), public(2)), (public(2), public(3))]);
    for broken in [
        vec![succession(1, 2, 1)],
        vec![succession(1, 2, 1), succession(1, 3, 2)],
        vec![succession(1, 2, 2), succession(2, 3, 2)],
        vec![vec![0]],
    ] {
        let account = Account::new(3).with(|account| account.succession = broken);
        let pin = account.pin().await;
        assert_eq!(pin.evidence.succession, []);
    }
}

#[tokio::test]
async fn a_pin_without_evidence_still_reads() {
    let pin = Account::new(1).pin().await;
    let mut kept = serde_json::to_value(&pin).unwrap();
    kept.as_object_mut().unwrap().remove("evidence").unwrap();
    let read: Pin = serde_json::from_value(kept).unwrap();
    assert_eq!(read.evidence, Evidence::default());
    let again = Account::new(1).verify(Some(&read)).await.unwrap();
    assert_eq!(again.pin(), pin);
}
