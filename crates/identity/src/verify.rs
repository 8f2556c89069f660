//! Verification of an account, all five steps in one place (docs/protocol.md §1.4).

use sotto_wire::claim::{Claim, Incoming};
use sotto_wire::delegation::{COLLECTION, DelegationRecord, RKEY};
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::key::PublicKey;
use sotto_wire::succession;
use sotto_wire::time::Timestamp;
use url::Url;

use crate::did_document::{Anchor, DidDocument};
use crate::handle::Handle;
use crate::network::Network;
use crate::plc::KnownLog;
use crate::repo::{self, Proved};

mod declared;
mod error;
mod established;
mod evidence;
mod pin;

pub use declared::Declared;
pub use error::VerifyError;
use established::Established;
pub use evidence::{Endorsement, Evidence};
pub use pin::{Known, Level, Pin};

/// How far ahead of this machine's clock a repository may be, in seconds. A revision from the far
/// future, once seen, would make every later one look rolled back.
const MAX_AHEAD: u64 = 24 * 60 * 60;

/// An account whose delegate key, domain and policy have been verified. Made only here.
#[derive(Clone, Debug)]
pub struct VerifiedAccount {
    pin: Pin,
    handle: Option<Handle>,
    document: DidDocument,
    log: Option<KnownLog>,
}

impl VerifiedAccount {
    /// The account.
    #[must_use]
    pub fn did(&self) -> &Did {
        &self.pin.did
    }

    /// Its delegate key.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.pin.key
    }

    /// Its discovery domain, which this machine may reach: never a loopback host outside
    /// development.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.pin.domain
    }

    /// Whom it wants to hear from.
    #[must_use]
    pub fn incoming(&self) -> Incoming {
        self.pin.incoming
    }

    /// How well the key is established.
    #[must_use]
    pub fn level(&self) -> Level {
        self.pin.level
    }

    /// Its handle, only where both directions were checked ([`Network::verify_contact`],
    /// [`Network::confirm_handle`]).
    #[must_use]
    pub fn handle(&self) -> Option<&Handle> {
        self.handle.as_ref()
    }

    /// Its PDS.
    #[must_use]
    pub fn pds(&self) -> &Url {
        &self.document.pds
    }

    /// What to keep, and to give to the next verification of this account.
    #[must_use]
    pub fn pin(&self) -> Pin {
        self.pin.clone()
    }

    /// The operation log as it was verified, to be kept and given back as well. None for did:web.
    #[must_use]
    pub fn log(&self) -> Option<&KnownLog> {
        self.log.as_ref()
    }
}

impl Network {
    /// Verifies `did`. `known` is what was kept of an earlier verification of the same account, a
    /// [`Known`] or its [`Pin`] alone; without it nothing can be noticed to have been rolled back or
    /// exchanged.
    ///
    /// # Errors
    /// [`VerifyError`]; nothing may be sent to the account then.
    pub async fn verify_account<'a>(
        &self,
        did: &Did,
        known: impl Into<Known<'a>>,
        now: Timestamp,
    ) -> Result<VerifiedAccount, VerifyError> {
        let known = known.into();
        let established = self.established(did, known.log, now).await?;
        self.verify_established(established, known.pin, now).await
    }

    /// The same for an account that was found by its handle: `did` is what
    /// [`Network::resolve_handle`] says of `handle`, and the document has to name the handle too.
    ///
    /// # Errors
    /// [`VerifyError`], with [`VerifyError::HandleMismatch`] where the document does not.
    pub async fn verify_contact<'a>(
        &self,
        handle: &Handle,
        did: &Did,
        known: impl Into<Known<'a>>,
        now: Timestamp,
    ) -> Result<VerifiedAccount, VerifyError> {
        let known = known.into();
        let established = self.established(did, known.log, now).await?;
        if established.document.handle.as_ref() != Some(handle) {
            return Err(VerifyError::HandleMismatch);
        }
        let account = self.verify_established(established, known.pin, now).await?;
        Ok(VerifiedAccount {
            handle: Some(handle.clone()),
            ..account
        })
    }

    /// Checks the handle that the account's document claims, so that it can be shown. Leaves
    /// [`VerifiedAccount::handle`] empty where it does not lead back to the account, or cannot be
    /// looked up now: an account is no less verified without a handle.
    pub async fn confirm_handle(&self, account: &mut VerifiedAccount) {
        let Some(handle) = account.document.handle.clone() else {
            return;
        };
        if self
            .resolve_handle(&handle)
            .await
            .is_ok_and(|did| did == account.pin.did)
        {
            account.handle = Some(handle);
        }
    }

    /// Steps 2 to 5.
    async fn verify_established(
        &self,
        established: Established,
        known: Option<&Pin>,
        now: Timestamp,
    ) -> Result<VerifiedAccount, VerifyError> {
        let known = known.filter(|pin| pin.did == established.document.id);
        let proved = self
            .proved_record(&established.document, (COLLECTION, RKEY), known, now)
            .await?;
        self.verify_proved(established, proved, known)
    }

    /// Steps 3 to 5, on what the repository proved.
    fn verify_proved(
        &self,
        established: Established,
        proved: Proved,
        known: Option<&Pin>,
    ) -> Result<VerifiedAccount, VerifyError> {
        let Established { document, log } = established;
        let json = proved.record.as_ref().ok_or(VerifyError::NoDelegation)?;
        let record = DelegationRecord::from_json(json).map_err(|_| VerifyError::BadClaim)?;
        let claim = self.check_claim(&document, &record, known)?;
        let level = check_anchor(&document, &record)?;
        check_key(&document, &record, known)?;
        let evidence = Evidence::of(proved.cid.as_ref(), &claim, &record, log.as_ref());
        let before = succession::predecessors(&record.succession, &record.key, &document.id);
        let pin = Pin {
            did: document.id.clone(),
            key: claim.key,
            domain: claim.domain,
            incoming: claim.incoming,
            claim_seq: claim.seq,
            repo_rev: proved.rev,
            level,
            evidence,
            predecessors: before,
        };
        Ok(VerifiedAccount {
            pin,
            handle: None,
            document,
            log: log.map(|log| log.known),
        })
    }

    /// Step 2: the record at a collection and record key, or its absence, proved by the repository.
    pub(crate) async fn proved_record(
        &self,
        document: &DidDocument,
        (collection, rkey): (&str, &str),
        known: Option<&Pin>,
        now: Timestamp,
    ) -> Result<Proved, VerifyError> {
        let proved = self.prove_record(document, collection, rkey).await?;
        if proved.rev.seconds() > now.plus(MAX_AHEAD).0 {
            return Err(VerifyError::Proof(repo::ProofError::Invalid));
        }
        match known {
            Some(pin) if proved.rev < pin.repo_rev => Err(VerifyError::RepoRolledBack),
            _ => Ok(proved),
        }
    }

    /// Step 3: the claim, under the record's key, says what the record says.
    fn check_claim(
        &self,
        document: &DidDocument,
        record: &DelegationRecord,
        known: Option<&Pin>,
    ) -> Result<Claim, VerifyError> {
        let claim = Claim::verify(&record.claim, &record.key).map_err(|_| VerifyError::BadClaim)?;
        let agrees = claim.did == document.id
            && claim.key == record.key
            && claim.domain == record.domain
            && claim.incoming == record.incoming;
        if !agrees {
            return Err(VerifyError::BadClaim);
        }
        if known.is_some_and(|pin| claim.seq < pin.claim_seq) {
            return Err(VerifyError::ClaimRolledBack);
        }
        if claim.domain.base_url(self.endpoints.development).is_err() {
            return Err(VerifyError::RelayInsecure);
        }
        Ok(claim)
    }
}

/// Step 4: a key in the DID document, where there is one, is this key. The document is that of the
/// verified operation log, or the one that a did:web host serves: so its agreement anchors the key.
fn check_anchor(document: &DidDocument, record: &DelegationRecord) -> Result<Level, VerifyError> {
    match &document.e2ee {
        Anchor::Absent => Ok(Level::Vended),
        Anchor::Key(key) if *key == record.key => Ok(Level::Anchored),
        Anchor::Key(_) | Anchor::Unusable => Err(VerifyError::Contradicted),
    }
}

/// Step 5: a key that was known before leads to this one.
fn check_key(
    document: &DidDocument,
    record: &DelegationRecord,
    known: Option<&Pin>,
) -> Result<(), VerifyError> {
    let leads = known.is_none_or(|pin| {
        succession::leads_from(&pin.key, &record.succession, &record.key, &document.id)
    });
    if leads {
        Ok(())
    } else {
        Err(VerifyError::KeyChanged)
    }
}

#[cfg(test)]
mod tests;
