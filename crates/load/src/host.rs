//! The directory and the host of every account: on loopback, with real signatures and proofs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use k256::ecdsa::SigningKey;
use serde_json::Value;
use sotto_identity::hosted::{self, Listed};
use sotto_wire::claim::{Claim, Incoming};
use sotto_wire::delegation::DelegationRecord;
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::key;
use sotto_wire::random::{self, OsRandom};
use sotto_wire::time::{Clock as _, SystemClock};
use url::Url;

use crate::Done;

struct Hosted {
    listed: Listed,
    proof: Vec<u8>,
}

type Accounts = Arc<Mutex<HashMap<String, Hosted>>>;

/// A running host.
pub(crate) struct Host {
    url: Url,
    accounts: Accounts,
}

impl Host {
    /// Starts it on a free port.
    pub(crate) async fn start() -> Done<Self> {
        let accounts = Accounts::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = Url::parse(&format!("http://{}", listener.local_addr()?))?;
        let router = Router::new()
            .route("/{did}", get(document))
            .route("/{did}/log/audit", get(log))
            .route("/xrpc/com.atproto.sync.getRecord", get(record))
            .with_state(Arc::clone(&accounts));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, accounts })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// A new account that delegates to `delegate`, at the relay `domain`.
    pub(crate) fn account(&self, delegate: &key::SigningKey, domain: &Domain) -> Done<Did> {
        let now = SystemClock.now();
        let seed: [u8; 32] = random::array(&OsRandom);
        let key = SigningKey::from_slice(&seed)?;
        let pds = self.url.as_str().trim_end_matches('/');
        let said = |error: Box<dyn std::error::Error>| error.to_string();
        let listed = hosted::listed(&key, pds, now).map_err(said)?;
        let claim = Claim {
            did: listed.did.clone(),
            key: delegate.public(),
            seq: 1,
            domain: domain.clone(),
            incoming: Incoming::Everyone,
            issued_at: now,
        };
        let record = DelegationRecord {
            key: delegate.public(),
            domain: domain.clone(),
            claim: claim.sign(delegate),
            succession: Vec::new(),
            incoming: Incoming::Everyone,
            created_at: now.rfc3339(),
        };
        let proof = hosted::proof(&listed.did, &key, &record, now.0 * 1000).map_err(said)?;
        let did = listed.did.clone();
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.insert(did.as_str().to_owned(), Hosted { listed, proof });
        Ok(did)
    }
}

fn look<T>(accounts: &Accounts, did: &str, at: fn(&Hosted) -> T) -> Result<T, StatusCode> {
    let accounts = accounts.lock().unwrap_or_else(PoisonError::into_inner);
    accounts.get(did).map(at).ok_or(StatusCode::NOT_FOUND)
}

async fn document(
    State(accounts): State<Accounts>,
    Path(did): Path<String>,
) -> Result<axum::Json<Value>, StatusCode> {
    look(&accounts, &did, |it| it.listed.document.clone()).map(axum::Json)
}

async fn log(
    State(accounts): State<Accounts>,
    Path(did): Path<String>,
) -> Result<axum::Json<Value>, StatusCode> {
    look(&accounts, &did, |it| it.listed.log.clone()).map(axum::Json)
}

async fn record(
    State(accounts): State<Accounts>,
    Query(asked): Query<HashMap<String, String>>,
) -> Result<Vec<u8>, StatusCode> {
    let did = asked.get("did").ok_or(StatusCode::BAD_REQUEST)?;
    look(&accounts, did, |it| it.proof.clone())
}
