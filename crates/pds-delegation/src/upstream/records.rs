//! The delegation record on the PDS.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sotto_wire::delegation::{COLLECTION, RKEY};
use sotto_wire::did::Did;

use super::{Unreachable, Upstream};

/// The record as it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Present {
    pub(crate) cid: String,
    pub(crate) value: Value,
}

/// Why a record was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteError {
    /// Another one stands there.
    Swap,
    /// The PDS refuses: the account is deactivated, or the record none it takes.
    Refused,
    /// Nobody said.
    Unknown,
}

impl Upstream {
    /// The account's delegation record, or that there is none.
    pub(crate) async fn record(&self, did: &Did) -> Result<Option<Present>, Unreachable> {
        let query = [
            ("repo", did.as_str()),
            ("collection", COLLECTION),
            ("rkey", RKEY),
        ];
        let answer = self.query("com.atproto.repo.getRecord", &query).await?;
        match (answer.status.as_u16(), answer.error().as_deref()) {
            (200, _) => {
                let body = answer.json().ok_or(Unreachable)?;
                let cid = body.get("cid").and_then(Value::as_str);
                Ok(Some(Present {
                    cid: cid.ok_or(Unreachable)?.to_owned(),
                    value: body.get("value").ok_or(Unreachable)?.clone(),
                }))
            }
            (400 | 404, Some("RecordNotFound")) => Ok(None),
            _ => Err(Unreachable),
        }
    }

    /// Writes the record in place of the one with the CID `replaces`, or where there is none; its
    /// CID.
    pub(crate) async fn put(
        &self,
        did: &Did,
        record: &Value,
        replaces: Option<&str>,
    ) -> Result<String, WriteError> {
        // `swapRecord` has to be there and null for "there is none"; left out it means "whatever".
        let input = json!({
            "repo": did, "collection": COLLECTION, "rkey": RKEY,
            "record": record, "swapRecord": replaces,
        });
        let body = self
            .write(did, "com.atproto.repo.putRecord", &input)
            .await?;
        let cid = body.get("cid").and_then(Value::as_str);
        Ok(cid.ok_or(WriteError::Unknown)?.to_owned())
    }

    /// Deletes the record with the CID `cid`.
    pub(crate) async fn delete(&self, did: &Did, cid: &str) -> Result<(), WriteError> {
        let input = json!({
            "repo": did, "collection": COLLECTION, "rkey": RKEY, "swapRecord": cid,
        });
        self.write(did, "com.atproto.repo.deleteRecord", &input)
            .await
            .map(drop)
    }

    async fn write(&self, did: &Did, method: &str, input: &Value) -> Result<Value, WriteError> {
        let answer = self.procedure(did, method, input).await;
        let answer = answer.map_err(|Unreachable| WriteError::Unknown)?;
        match (answer.status, answer.error().as_deref()) {
            (StatusCode::OK, _) => answer.json().ok_or(WriteError::Unknown),
            (_, Some("InvalidSwap")) => Err(WriteError::Swap),
            (status, _) if status.is_client_error() => Err(WriteError::Refused),
            _ => Err(WriteError::Unknown),
        }
    }
}
