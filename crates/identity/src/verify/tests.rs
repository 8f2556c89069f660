//! The five steps, each with an account that fails it.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use ipld_core::ipld::Ipld;
use serde_json::{Value, json};
use sotto_wire::key::SigningKey;
use sotto_wire::succession::Succession;

use super::*;
use crate::did_document::DocumentError;
use crate::handle::ResolveError;
use crate::http::{Http, HttpError, Request, Response};
use crate::repo::{ProofError, Tid};
use crate::testing::plc::{TestLog, strong};
use crate::testing::{FakeNet, TestRepo, endpoints};

mod anchors;

static DID: LazyLock<String> = LazyLock::new(|| TestLog::usual().did());
static DOCUMENT: LazyLock<String> = LazyLock::new(|| format!("https://plc.example/{}", *DID));
static LOG: LazyLock<String> = LazyLock::new(|| format!("{}/log/audit", *DOCUMENT));
static CAR: LazyLock<String> = LazyLock::new(|| car_url(&DID));
/// Shortly after the revision of [`TestRepo::new`].
const NOW: Timestamp = Timestamp(1_688_140_000);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn did() -> Did {
    Did::parse(&DID).unwrap()
}

fn car_url(did: &str) -> String {
    let did = did.replace(':', "%3A");
    format!(
        "https://pds.example/xrpc/com.atproto.sync.getRecord?did={did}\
         &collection=chat.sotto.delegation&rkey=self"
    )
}

/// An account with everything open to changes.
struct Account {
    key: SigningKey,
    signed_by: SigningKey,
    claim: Claim,
    domain: String,
    incoming: String,
    succession: Vec<Vec<u8>>,
    document: Value,
    repo: TestRepo,
    delegates: bool,
}

impl Account {
    fn new(seed: u8) -> Self {
        let key = key(seed);
        let repo = TestRepo::new(&DID);
        let claim = Claim {
            did: did(),
            key: key.public(),
            domain: Domain::parse("relay.example").unwrap(),
            incoming: Incoming::Everyone,
            seq: 5,
            issued_at: NOW,
        };
        let document = json!({
            "id": *DID,
            "alsoKnownAs": ["at://alice.example.com"],
            "verificationMethod": [{
                "id": "#atproto", "type": "Multikey", "publicKeyMultibase": repo.signer.multibase(),
            }],
            "service": [{
                "id": "#atproto_pds", "type": "AtprotoPersonalDataServer",
                "serviceEndpoint": "https://pds.example",
            }],
        });
        Self {
            signed_by: key.clone(),
            domain: claim.domain.to_string(),
            incoming: "everyone".to_owned(),
            succession: Vec::new(),
            delegates: true,
            key,
            claim,
            document,
            repo,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn anchored(mut self, key: &PublicKey) -> Self {
        let multibase = key.to_did_key().replace("did:key:", "");
        self.document["verificationMethod"].as_array_mut().unwrap().push(
            json!({"id": format!("{}#e2ee", *DID), "type": "Multikey", "publicKeyMultibase": multibase}),
        );
        self
    }

    /// Names a relay, in the claim and in the record.
    fn at(mut self, domain: &str) -> Self {
        domain.clone_into(&mut self.domain);
        self.claim.domain = Domain::parse(domain).unwrap();
        self
    }

    /// The log that leads to the document.
    fn log(&self) -> TestLog {
        let mut log = TestLog::usual();
        let methods = self.document["verificationMethod"].as_array().unwrap();
        if methods.len() > 1 {
            let method = |method: &Value| {
                let text = |name: &str| method[name].as_str().unwrap();
                let name = text("id").rsplit('#').next().unwrap().to_owned();
                (
                    name,
                    format!("did:key:{}", text("publicKeyMultibase")).into(),
                )
            };
            let methods: serde_json::Map<_, _> = methods.iter().map(method).collect();
            log.follow(0, json!({"verificationMethods": methods}), &strong(), 1);
        }
        log
    }

    fn net(self) -> FakeNet {
        let (log, document) = (self.log().body(), self.document.to_string());
        FakeNet::new()
            .answer(&DOCUMENT, 200, document)
            .answer(&LOG, 200, log)
            .answer(&CAR, 200, self.car())
    }

    /// Of the repository.
    fn car(mut self) -> Vec<u8> {
        let text = |text: &str| Ipld::String(text.to_owned());
        let record = BTreeMap::from([
            ("$type".to_owned(), text("chat.sotto.delegation")),
            ("key".to_owned(), text(&self.key.public().to_did_key())),
            ("domain".to_owned(), text(&self.domain)),
            (
                "claim".to_owned(),
                Ipld::Bytes(self.claim.sign(&self.signed_by)),
            ),
            (
                "succession".to_owned(),
                self.succession
                    .into_iter()
                    .map(Ipld::Bytes)
                    .collect::<Vec<_>>()
                    .into(),
            ),
            ("incoming".to_owned(), text(&self.incoming)),
            ("createdAt".to_owned(), text("2026-01-01T00:00:00Z")),
        ]);
        if self.delegates {
            self.repo = self
                .repo
                .record("chat.sotto.delegation/self", Ipld::Map(record));
        }
        self.repo = self.repo.record("app.bsky.actor.profile/self", text("x"));
        self.repo.car()
    }

    async fn verify(self, known: Option<&Pin>) -> Result<VerifiedAccount, VerifyError> {
        self.net()
            .network(endpoints())
            .verify_account(&did(), known, NOW)
            .await
    }

    /// The pin of an account as it is now.
    async fn pin(self) -> Pin {
        self.verify(None).await.unwrap().pin()
    }
}

async fn refused(account: Account, known: Option<&Pin>, code: &str) {
    assert_eq!(account.verify(known).await.unwrap_err().code(), code);
}

#[tokio::test]
async fn a_good_account_is_verified() {
    let account = Account::new(1).verify(None).await.unwrap();
    assert_eq!(account.did(), &did());
    assert_eq!(account.key(), &key(1).public());
    assert_eq!(account.domain().as_str(), "relay.example");
    assert_eq!(account.incoming(), Incoming::Everyone);
    assert_eq!(account.level(), Level::Vended);
    assert_eq!(account.pds().as_str(), "https://pds.example/");
    assert_eq!(
        account.handle(),
        None,
        "the document's word alone is not enough"
    );
    assert_eq!(account.pin().claim_seq, 5);
    let again = Account::new(1).verify(Some(&account.pin())).await.unwrap();
    assert_eq!(again.pin(), account.pin());
}

#[tokio::test]
async fn what_is_declared_comes_with_its_revision_also_where_nothing_is() {
    let declared = async |account: Account| {
        let network = account.net().network(endpoints());
        network.declared(&did(), NOW).await
    };
    let there = declared(Account::new(1)).await.unwrap();
    assert_eq!(there.account.unwrap().key(), &key(1).public());
    let absent = Account::new(1).with(|account| account.delegates = false);
    let absent = declared(absent).await.unwrap();
    assert!(absent.account.is_none());
    assert_eq!(absent.rev, there.rev);
    let forged = Account::new(1).with(|account| account.signed_by = key(2));
    let forged = declared(forged).await.unwrap_err();
    assert_eq!(forged, VerifyError::BadClaim);
}

#[tokio::test]
async fn a_pin_survives_being_kept() {
    let pin = Account::new(1).pin().await;
    let kept = serde_json::to_string(&pin).unwrap();
    assert_eq!(serde_json::from_str::<Pin>(&kept).unwrap(), pin);
}

#[tokio::test]
async fn step_1_document() {
    let verify = |net: FakeNet| async {
        net.network(endpoints())
            .verify_account(&did(), None, NOW)
            .await
            .unwrap_err()
    };
    assert_eq!(verify(FakeNet::new()).await.code(), "plc.unreachable");
    assert!(verify(FakeNet::new()).await.is_temporary());
    let unknown = FakeNet::new()
        .answer(&DOCUMENT, 404, "{}")
        .answer(&LOG, 404, "{}");
    assert_eq!(verify(unknown).await.code(), "did.unresolvable");
    let other = json!("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb");
    let account = Account::new(1).with(|account| account.document["id"] = other);
    refused(account, None, "did.unresolvable").await;
}

#[tokio::test]
async fn step_1_handle() {
    let handle = Handle::parse("alice.example.com").unwrap();
    let other = Handle::parse("mallory.example.com").unwrap();
    let network = Account::new(1).net().network(endpoints());
    let verified = network
        .verify_contact(&handle, &did(), None, NOW)
        .await
        .unwrap();
    assert_eq!(verified.handle(), Some(&handle));
    let mismatch = network
        .verify_contact(&other, &did(), None, NOW)
        .await
        .unwrap_err();
    assert_eq!(mismatch.code(), "handle.mismatch");
    assert_eq!(
        VerifyError::from(ResolveError::Unknown).code(),
        "handle.unknown"
    );
}

#[tokio::test]
async fn a_claimed_handle_has_to_lead_back() {
    for (leads_to, believed) in [
        (DID.as_str(), true),
        ("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb", false),
    ] {
        let net = Account::new(1).net();
        let net = net.txt("_atproto.alice.example.com.", &[&format!("did={leads_to}")]);
        let network = net.network(endpoints());
        let mut account = network.verify_account(&did(), None, NOW).await.unwrap();
        network.confirm_handle(&mut account).await;
        assert_eq!(account.handle().is_some(), believed);
    }
}

/// A server whose name leads into a private network, as the client finds out when it connects.
struct Inside(FakeNet);

#[async_trait::async_trait]
impl Http for Inside {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        match request.url.path().ends_with("com.atproto.sync.getRecord") {
            true => Err(HttpError::Forbidden),
            false => self.0.send(request).await,
        }
    }
}

#[tokio::test]
async fn a_server_inside_a_private_network_is_no_matter_of_time() {
    let http = Arc::new(Inside(Account::new(1).net()));
    let network = Network::with_http(endpoints(), http);
    let error = network.verify_account(&did(), None, NOW).await.unwrap_err();
    assert_eq!(error.code(), "pds.forbidden");
    assert!(!error.is_temporary());
}

#[tokio::test]
async fn step_2_server_and_proof() {
    for net in [
        FakeNet::new()
            .answer(&DOCUMENT, 200, Account::new(1).document.to_string())
            .answer(&LOG, 200, Account::new(1).log().body()),
        Account::new(1).net().answer(&CAR, 500, ""),
        Account::new(1)
            .net()
            .answer(&CAR, 400, r#"{"error": "RepoNotFound"}"#),
    ] {
        let outcome = net
            .network(endpoints())
            .verify_account(&did(), None, NOW)
            .await;
        assert_eq!(outcome.unwrap_err(), VerifyError::PdsUnreachable);
    }
    let garbage = Account::new(1)
        .net()
        .answer(&CAR, 200, "garbage")
        .network(endpoints());
    let outcome = garbage.verify_account(&did(), None, NOW).await;
    assert_eq!(outcome.unwrap_err().code(), "account.bad_proof");
    let large = Account::new(1)
        .net()
        .answer(&CAR, 200, vec![0; repo::MAX_CAR + 1]);
    let outcome = large
        .network(endpoints())
        .verify_account(&did(), None, NOW)
        .await;
    assert_eq!(outcome.unwrap_err().code(), "account.bad_proof");
    let other_key = Account::new(1).with(|account| account.repo.high_s = true);
    refused(other_key, None, "account.bad_signature").await;
    let other = Account::new(1).with(|account| account.repo.did = "did:web:b.example".to_owned());
    assert_eq!(
        other.verify(None).await.unwrap_err(),
        VerifyError::Proof(ProofError::WrongAccount)
    );
}

#[tokio::test]
async fn step_2_absence() {
    let absent = || Account::new(1).with(|account| account.delegates = false);
    refused(absent(), None, "account.no_delegation").await;
    let pin = Account::new(1).pin().await;
    refused(absent(), Some(&pin), "account.no_delegation").await;
}

#[tokio::test]
async fn step_2_revisions_do_not_go_back_nor_far_ahead() {
    let pin = Account::new(1).pin().await;
    let older = Account::new(1).with(|account| account.repo.rev = "3jzfcijpj2y2a".to_owned());
    refused(older, Some(&pin), "account.repo_rolled_back").await;
    let newer = Account::new(1).with(|account| account.repo.rev = "3jzfcijpj3z2a".to_owned());
    assert!(newer.verify(Some(&pin)).await.unwrap().pin().repo_rev > pin.repo_rev);
    let future = || Account::new(1).with(|account| account.repo.rev = "bzzzzzzzzzzzz".to_owned());
    assert!(Tid::parse("bzzzzzzzzzzzz").is_ok());
    refused(future(), None, "account.bad_proof").await;
}

#[tokio::test]
async fn step_3_the_claim_says_what_the_record_says() {
    let accounts = [
        Account::new(1).with(|account| account.signed_by = key(2)),
        Account::new(1).with(|account| account.claim.key = key(2).public()),
        Account::new(1)
            .with(|account| account.claim.did = Did::parse("did:web:b.example").unwrap()),
        Account::new(1).with(|account| account.domain = "evil.example".to_owned()),
        Account::new(1).with(|account| account.domain = "not a domain".to_owned()),
        Account::new(1).with(|account| account.incoming = "none".to_owned()),
        Account::new(1).with(|account| account.incoming = "all".to_owned()),
    ];
    for account in accounts {
        refused(account, None, "account.bad_claim").await;
    }
}

#[tokio::test]
async fn step_3_claims_do_not_go_back() {
    let pin = Account::new(1).pin().await;
    let older = Account::new(1).with(|account| account.claim.seq = 4);
    refused(older, Some(&pin), "account.claim_rolled_back").await;
    let newer = Account::new(1).with(|account| account.claim.seq = 6);
    assert_eq!(newer.verify(Some(&pin)).await.unwrap().pin().claim_seq, 6);
}

#[tokio::test]
async fn step_3_a_relay_is_not_on_this_machine() {
    for domain in ["localhost:8080", "127.0.0.1", "[::1]:1"] {
        refused(Account::new(1).at(domain), None, "relay.insecure").await;
        let mut endpoints = endpoints();
        endpoints.development = true;
        let network = Account::new(1).at(domain).net().network(endpoints);
        assert!(network.verify_account(&did(), None, NOW).await.is_ok());
    }
}

#[tokio::test]
async fn step_4_the_document_does_not_contradict() {
    refused(
        Account::new(1).anchored(&key(2).public()),
        None,
        "account.contradicted",
    )
    .await;
    let unusable = Account::new(1).with(|account| {
        let methods = account.document["verificationMethod"]
            .as_array_mut()
            .unwrap();
        methods.push(json!({
            "id": "#e2ee", "type": "Multikey", "publicKeyMultibase": "zQ3shNoKey",
        }));
    });
    refused(unusable, None, "account.contradicted").await;
}

fn succession(from: u8, to: u8, seq: u64) -> Vec<u8> {
    let (predecessor, successor) = (key(from).public(), key(to).public());
    Succession {
        did: did(),
        predecessor,
        successor,
        seq,
        issued_at: NOW,
    }
    .sign(&key(from))
}

#[tokio::test]
async fn step_5_a_new_key_is_endorsed_by_the_old_one() {
    let pin = Account::new(1).pin().await;
    refused(Account::new(2), Some(&pin), "account.key_changed").await;
    let endorsed = |account: &mut Account| account.succession = vec![succession(1, 2, 1)];
    let account = Account::new(2)
        .with(endorsed)
        .verify(Some(&pin))
        .await
        .unwrap();
    assert_eq!(account.key(), &key(2).public());

    let twice = |account: &mut Account| {
        account.succession = vec![succession(1, 2, 1), succession(2, 3, 2)];
    };
    assert!(Account::new(3).with(twice).verify(Some(&pin)).await.is_ok());
    assert!(
        Account::new(3)
            .with(twice)
            .verify(Some(&account.pin()))
            .await
            .is_ok()
    );

    let not_to_this = |account: &mut Account| account.succession = vec![succession(1, 2, 1)];
    refused(
        Account::new(3).with(not_to_this),
        Some(&pin),
        "account.key_changed",
    )
    .await;
    let back = |account: &mut Account| account.succession = vec![succession(1, 2, 1)];
    let later = account.pin();
    refused(
        Account::new(1).with(back),
        Some(&later),
        "account.key_changed",
    )
    .await;
}

#[tokio::test]
async fn a_pin_names_the_keys_before_whether_or_not_one_was_known() {
    let twice = |account: &mut Account| {
        account.succession = vec![succession(1, 2, 1), succession(2, 3, 2)];
    };
    let before = [key(1).public(), key(2).public()];
    let first = Account::new(3).with(twice).pin().await;
    assert_eq!(first.predecessors, before);
    let again = Account::new(3).with(twice).verify(Some(&first)).await;
    assert_eq!(again.unwrap().pin().predecessors, before);
    // A chain that does not end at the key names none: the account may never have had them.
    let elsewhere = |account: &mut Account| account.succession = vec![succession(1, 2, 1)];
    assert_eq!(Account::new(3).with(elsewhere).pin().await.predecessors, []);
}

#[tokio::test]
async fn a_pin_of_another_account_says_nothing_about_this_one() {
    let mut pin = Account::new(2).pin().await;
    pin.did = Did::parse("did:web:b.example").unwrap();
    assert!(Account::new(1).verify(Some(&pin)).await.is_ok());
}

#[test]
fn errors_that_pass_are_told_from_those_that_stay() {
    assert!(VerifyError::PdsUnreachable.is_temporary());
    assert!(VerifyError::Document(DocumentError::PlcUnreachable).is_temporary());
    assert!(VerifyError::Document(DocumentError::HostUnreachable).is_temporary());
    assert!(VerifyError::Handle(ResolveError::Unreachable).is_temporary());
    assert!(!VerifyError::KeyChanged.is_temporary());
    assert!(!VerifyError::Document(DocumentError::Unresolvable).is_temporary());
}
