//! What verifying an account costs beside the signatures that it cannot do without.
//!
//! `cargo bench -p sotto-identity --bench verify` prints one line per figure:
//! `name<TAB>value<TAB>unit<TAB>ratio`, the ratio being the time of as many bare k256 verifications
//! as the cold verification needs, in the same run, by ours. The network answers from memory.
//! Figures are the best of seven rounds.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench prints its figures and stops where something is wrong"
)]

#[path = "../src/testing/plc.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod plc;
#[path = "../src/testing/repo.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod repository;
#[path = "../src/testing/signer.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod signer;

use async_trait::async_trait;
use ipld_core::ipld::Ipld;
use k256::ecdsa::signature::Verifier as _;
use plc::{TestLog, strong};
use repository::TestRepo;
use serde_json::{Value, json};
use signer::RepoSigner;
use sotto_identity::http::{Http, HttpError, Request, Response};
use sotto_identity::verify::{Known, Level, VerifiedAccount};
use sotto_identity::{Endpoints, Network};
use sotto_wire::claim::{Claim, Incoming};
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::key::SigningKey;
use sotto_wire::time::Timestamp;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

/// Shortly after the revision of [`TestRepo::new`].
const NOW: Timestamp = Timestamp(1_688_140_000);
/// Operations of an account that has anchored its key and done nothing else since.
const FEW: usize = 2;
const MANY: usize = 1000;

/// What the repository in `testing` asks of the library's own.
mod repo {
    use sha2::{Digest as _, Sha256};

    pub(crate) fn layer_of(key: &[u8]) -> u32 {
        let digest = Sha256::digest(key);
        let zeros = digest.iter().take_while(|&&byte| byte == 0).count();
        let next = digest[zeros].leading_zeros();
        (u32::try_from(zeros).unwrap() * 8 + next) / 2
    }
}

/// An account's directory and server.
struct Servers {
    document: Vec<u8>,
    log: Vec<u8>,
    car: Vec<u8>,
}

#[async_trait]
impl Http for Servers {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let body = match request.url.path() {
            path if path.ends_with("/log/audit") => &self.log,
            path if path.starts_with("/xrpc/") => &self.car,
            _ => &self.document,
        };
        Ok(Response {
            status: 200,
            headers: Vec::new(),
            body: body.clone(),
        })
    }
}

struct Account {
    did: Did,
    network: Network,
}

impl Account {
    /// An account with as many operations, all signed with k256, and its key in the last ones.
    fn new(operations: usize) -> Self {
        let key = SigningKey::from_seed(&[1; 32]);
        let e2ee = key.public().to_did_key();
        let methods = json!({"atproto": RepoSigner::k256().did_key(), "e2ee": e2ee});
        let mut log = TestLog::usual();
        for after in 0..operations - 1 {
            let changes = json!({"verificationMethods": methods});
            log.follow(after, changes, &strong(), after as u64 + 1);
        }
        let did = Did::parse(&log.did()).unwrap();
        let servers = Servers {
            document: document(&did, &methods).to_string().into_bytes(),
            log: log.body(),
            car: car(&did, &key),
        };
        let nowhere = Url::parse("https://plc.example").unwrap();
        let endpoints = Endpoints {
            plc: nowhere.clone(),
            handle_resolver: None,
            appview: nowhere,
            development: false,
        };
        let network = Network::with_http(endpoints, Arc::new(servers));
        Self { did, network }
    }

    async fn verify(&self, known: Known<'_>) -> VerifiedAccount {
        let verified = self.network.verify_account(&self.did, known, NOW).await;
        verified.unwrap()
    }
}

fn document(did: &Did, methods: &Value) -> Value {
    let method = |name: &str| {
        let key = methods[name].as_str().unwrap().replace("did:key:", "");
        json!({"id": format!("#{name}"), "type": "Multikey", "publicKeyMultibase": key})
    };
    json!({
        "id": did.as_str(),
        "alsoKnownAs": ["at://alice.example.com"],
        "verificationMethod": [method("atproto"), method("e2ee")],
        "service": [{
            "id": "#atproto_pds", "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": "https://pds.example",
        }],
    })
}

fn car(did: &Did, key: &SigningKey) -> Vec<u8> {
    let claim = Claim {
        did: did.clone(),
        key: key.public(),
        domain: Domain::parse("relay.example").unwrap(),
        incoming: Incoming::Everyone,
        seq: 1,
        issued_at: NOW,
    };
    let text = |text: &str| Ipld::String(text.to_owned());
    let record = BTreeMap::from([
        ("$type".to_owned(), text("chat.sotto.delegation")),
        ("key".to_owned(), text(&key.public().to_did_key())),
        ("domain".to_owned(), text("relay.example")),
        ("claim".to_owned(), Ipld::Bytes(claim.sign(key))),
        ("succession".to_owned(), Ipld::List(Vec::new())),
        ("incoming".to_owned(), text("everyone")),
        ("createdAt".to_owned(), text("2026-01-01T00:00:00Z")),
    ]);
    TestRepo::new(did.as_str())
        .record("chat.sotto.delegation/self", Ipld::Map(record))
        .car()
}

/// As many bare verifications.
fn bare(n: usize) -> Duration {
    let RepoSigner::K256(key) = strong() else {
        return Duration::ZERO;
    };
    let message = [7; 600];
    let signature = k256::ecdsa::Signature::from_slice(&strong().sign(&message)).unwrap();
    let start = Instant::now();
    for _ in 0..n {
        let verified = key.verifying_key().verify(black_box(&message), &signature);
        verified.unwrap();
    }
    start.elapsed()
}

fn main() {
    // The bench is built by `cargo test --benches` too, where one round says that it still runs.
    let rounds = if std::env::args().any(|argument| argument == "--bench") {
        7
    } else {
        1
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for (operations, name) in [
        (FEW, "an account"),
        (MANY, "an account with 1000 operations"),
    ] {
        let account = Account::new(operations);
        let (mut baseline, mut cold, mut warm) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            // The commit of the repository is one more.
            baseline.push(bare(operations + 1));
            let start = Instant::now();
            let verified = runtime.block_on(account.verify(Known::default()));
            cold.push(start.elapsed());
            assert!(verified.level() == Level::Anchored);
            let pin = verified.pin();
            let known = Known {
                pin: Some(&pin),
                log: verified.log(),
            };
            let start = Instant::now();
            runtime.block_on(account.verify(known));
            warm.push(start.elapsed());
        }
        let baseline = best(&baseline);
        let bare = format!("{} bare k256 verifications", operations + 1);
        line(&bare, baseline, baseline);
        line(
            &format!("verifying {name}, first time"),
            best(&cold),
            baseline,
        );
        line(&format!("verifying {name}, again"), best(&warm), baseline);
    }
}

fn best(times: &[Duration]) -> Duration {
    times.iter().min().copied().unwrap_or_default()
}

fn line(name: &str, time: Duration, baseline: Duration) {
    let micros = time.as_secs_f64() * 1e6;
    let ratio = baseline.as_secs_f64() / time.as_secs_f64();
    println!("{name}\t{micros:.1}\tµs\t{ratio:.2}");
}
