//! Record and DID document, changed next to one another (docs/protocol.md §1.9, "What is changed").
//! The record goes first: it can be put back, an operation in the directory's log cannot.

use sotto_wire::did::Did;
use sotto_wire::pds_api::ErrorName;

use crate::directory::Last;
use crate::error::ApiError;
use crate::plc_operation::{LastOperation, SignedOperation};
use crate::rules::{self, Claimed, InForce};
use crate::state::State;
use crate::upstream::{Present, WriteError};

mod document;

use document::Outcome;

/// What an account wants.
pub(crate) struct Change {
    pub(crate) did: Did,
    /// The record that is to stand; none to have it deleted.
    pub(crate) wanted: Option<Claimed>,
    /// CID of the record that is to be in force before; none where there is to be none.
    pub(crate) replaces: Option<String>,
    /// Whether a key to which no succession leads is meant.
    pub(crate) unendorsed: bool,
}

/// How it stands when all went well.
pub(crate) struct Changed {
    /// CID of the record, where there is one.
    pub(crate) cid: Option<String>,
}

impl Change {
    /// Makes it so, or says why not. Going through it again goes on where it stopped.
    pub(crate) async fn perform(self, state: &State) -> Result<Changed, ApiError> {
        let _turn = state.lock(&self.did).await;
        let present = state.upstream.record(&self.did).await;
        let present = present.map_err(|_| ApiError::upstream())?;
        let stands = self.stands(state, present.as_ref());
        let in_force = present.as_ref().map(|present| present.cid.as_str());
        if !stands && in_force != self.replaces.as_deref() {
            let message = "another record is in force than the one that was named";
            return Err(ApiError::new(ErrorName::InvalidSwap, message));
        }
        let last = self.last_operation(state).await?;
        self.check(state, present.as_ref(), &last)?;
        let operation = self.operation(state, &last)?;

        let cid = match (stands, present.as_ref()) {
            (true, present) => present.map(|present| present.cid.clone()),
            (false, present) => self.write(state, present).await?,
        };
        if let Some(operation) = operation {
            match document::submit(state, &self.did, &operation).await {
                Outcome::Done => {}
                Outcome::Unknown => return Err(half_done()),
                // The record of an earlier attempt stands; what was there before it is not known.
                Outcome::Refused if stands => return Err(half_done()),
                Outcome::Refused => {
                    return Err(self.put_back(state, present, cid.as_deref()).await);
                }
            }
        }
        Ok(Changed { cid })
    }

    /// Whether the record is as wanted already.
    fn stands(&self, state: &State, present: Option<&Present>) -> bool {
        match (&self.wanted, present) {
            (None, None) => true,
            (Some(wanted), Some(present)) => {
                let read = self.read(state, present);
                read.is_ok_and(|present| present.record == wanted.record)
            }
            _ => false,
        }
    }

    fn read(&self, state: &State, present: &Present) -> Result<Claimed, ApiError> {
        Claimed::read(present.value.clone(), &self.did, state.config.development)
    }

    async fn last_operation(&self, state: &State) -> Result<LastOperation, ApiError> {
        if !self.did.as_str().starts_with("did:plc:") {
            return Err(not_managed());
        }
        match state.directory.last(&self.did).await {
            Ok(Last::Operation(last)) => Ok(last),
            Ok(Last::Unusable) => Err(not_managed()),
            Err(_) => Err(ApiError::directory()),
        }
    }

    fn check(
        &self,
        state: &State,
        present: Option<&Present>,
        last: &LastOperation,
    ) -> Result<(), ApiError> {
        let Some(wanted) = &self.wanted else {
            return Ok(());
        };
        let read = present.map(|present| self.read(state, present));
        let in_force = InForce {
            record: read.as_ref().map(|read| read.as_ref().map_err(|_| ())),
            document_key: last.e2ee(),
        };
        rules::check(&self.did, wanted, &in_force, self.unendorsed)
    }

    /// The operation that is needed, if one is.
    fn operation(
        &self,
        state: &State,
        last: &LastOperation,
    ) -> Result<Option<SignedOperation>, ApiError> {
        let key = self.wanted.as_ref().map(|wanted| &wanted.record.key);
        let text = key.map(sotto_wire::key::PublicKey::to_did_key);
        if last.e2ee() == text.as_deref() {
            return Ok(None);
        }
        let signer = &state.config.secrets.rotation_key;
        let operation = last.followed_by(key, signer).ok_or_else(not_managed)?;
        Ok(Some(operation))
    }

    async fn write(
        &self,
        state: &State,
        present: Option<&Present>,
    ) -> Result<Option<String>, ApiError> {
        let replaces = present.map(|present| present.cid.as_str());
        let written = match (&self.wanted, replaces) {
            (Some(wanted), replaces) => {
                let put = state.upstream.put(&self.did, &wanted.json, replaces).await;
                put.map(Some)
            }
            (None, Some(cid)) => state.upstream.delete(&self.did, cid).await.map(|()| None),
            (None, None) => Ok(None),
        };
        written.map_err(|error| match error {
            WriteError::Swap => {
                ApiError::new(ErrorName::InvalidSwap, "another record is in force by now")
            }
            WriteError::Refused => {
                ApiError::new(ErrorName::InvalidRecord, "the PDS does not take the record")
            }
            WriteError::Unknown => ApiError::upstream(),
        })
    }

    /// Undoes what [`Change::write`] did. `cid` is the record that stands now.
    async fn put_back(
        &self,
        state: &State,
        before: Option<Present>,
        cid: Option<&str>,
    ) -> ApiError {
        let undone = match (&before, cid) {
            (Some(before), cid) => {
                let put = state.upstream.put(&self.did, &before.value, cid).await;
                put.map(drop)
            }
            (None, Some(cid)) => state.upstream.delete(&self.did, cid).await,
            (None, None) => Ok(()),
        };
        match undone {
            Ok(()) => {
                tracing::warn!("an operation was refused and the record put back");
                let message = "the DID document could not be changed, the record is as before";
                ApiError::new(ErrorName::DocumentFailed, message)
            }
            Err(_) => half_done(),
        }
    }
}

fn half_done() -> ApiError {
    tracing::error!("a record was changed, the DID document perhaps not");
    let message = "the record was changed, the DID document perhaps not: try again";
    ApiError::new(ErrorName::HalfDone, message)
}

fn not_managed() -> ApiError {
    let message = "this PDS cannot change the account's DID document";
    ApiError::new(ErrorName::DocumentNotManaged, message)
}
