//! Entries past the socket, and to what a PDS and a directory answer, for the fuzz targets.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use k256::ecdsa::SigningKey;
use serde_json::Value;
use sotto_identity::{Endpoints, Network};
use sotto_wire::did::Did;
use sotto_wire::key::PublicKey;
use sotto_wire::time::Clock;
use tower::ServiceExt as _;

use crate::config::Config;
use crate::plc_operation::{self, LastOperation};
use crate::routes;
use crate::rules::{self, Claimed, InForce};
use crate::state::State;

/// The service without a socket.
#[derive(Clone)]
pub struct Service(Arc<State>);

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Service")
    }
}

impl Service {
    /// Nothing where the network cannot be set up.
    #[must_use]
    pub fn new(config: Config, clock: Arc<dyn Clock>) -> Option<Self> {
        let network = Network::new(Endpoints {
            plc: config.plc_url.clone(),
            handle_resolver: None,
            appview: config.plc_url.clone(),
            development: config.development,
        });
        Some(Self(Arc::new(State::new(config, network.ok()?, clock))))
    }

    /// Answers a request as if it had come in, and gives the status of the answer. Nothing where
    /// method, target or a header are none that HTTP allows.
    pub async fn answer(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Option<u16> {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).ok()?;
        let answer = routes::router(Arc::clone(&self.0)).oneshot(request);
        Some(answer.await.ok()?.status().as_u16())
    }
}

/// Whether a record may take the place of another, and of what the DID document names.
#[must_use]
pub fn may_follow(
    did: &Did,
    wanted: &Value,
    before: Option<&Value>,
    document_key: Option<&str>,
) -> bool {
    let Ok(wanted) = Claimed::read(wanted.clone(), did, false) else {
        return false;
    };
    let before = before.map(|json| Claimed::read(json.clone(), did, false).ok());
    let in_force = InForce {
        record: before.as_ref().map(|it| it.as_ref().ok_or(())),
        document_key,
    };
    rules::check(did, &wanted, &in_force, false).is_ok()
}

/// The operation that follows the last one of an account with `key` under `#e2ee`, signed by
/// [`rotation_key`]. What is submitted must read as what was meant.
#[must_use]
pub fn next_operation(last: Value, key: Option<&PublicKey>) -> Option<Value> {
    let next = LastOperation::from_json(last)?.followed_by(key, &signer()?)?;
    let read = LastOperation::from_json(next.json.clone())?;
    let key = key.map(PublicKey::to_did_key);
    assert_eq!(
        (read.cid.as_str(), read.e2ee()),
        (next.cid.as_str(), key.as_deref())
    );
    Some(next.json)
}

/// The name of a key that has to be among an account's rotation keys.
#[must_use]
pub fn rotation_key() -> Option<String> {
    Some(plc_operation::did_key(&signer()?))
}

fn signer() -> Option<SigningKey> {
    SigningKey::from_slice(&[7; 32]).ok()
}
