//! Replacing the delegate key by one that it vouches for (docs/protocol.md §1.10).
//!
//! What is about to be published is stored first; the record is what makes it so; then everything
//! here changes in one step. Relay and key packages follow by the housekeeper, which compares them
//! with what is stored. Whatever a crash interrupts is gone through again.

use super::publish;
use super::set_up::{SetUp, SetUpError};
use crate::db::pending::{self, Pending};
use crate::db::{OwnAccount, WriteTx, own};
use crate::messages::{EngineError, recertify};
use sotto_identity::did_document::Anchor;
use sotto_identity::oauth::PublishedDelegation;
use sotto_wire::device::DeviceCertificate;
use sotto_wire::key::{PublicKey, SigningKey};
use sotto_wire::random::Random;
use sotto_wire::roster::Roster;
use sotto_wire::succession::Succession;
use sotto_wire::time::Timestamp;

impl SetUp {
    /// Rotates the delegate key, or goes on with the rotation under way.
    pub(crate) async fn rotate(&self) -> Result<OwnAccount, SetUpError> {
        let under_way = self.database.read(|tx| pending::load(tx)).await?;
        let pending = match under_way {
            Some(pending) => pending,
            None => {
                self.anchor_allows(None).await?;
                self.begin_rotation().await?
            }
        };
        self.finish_rotation(pending).await
    }

    /// Stores the successor, where none is stored already. Nothing is published yet. An anchor in
    /// the DID document has to name `pending.delegate_key` before [`SetUp::finish_rotation`].
    pub(crate) async fn begin_rotation(&self) -> Result<Pending, SetUpError> {
        let (random, now) = (std::sync::Arc::clone(&self.random), self.clock.now());
        let write = self.database.write(move |tx| begin(tx, &*random, now));
        Ok(write.await?)
    }

    /// Publishes the successor and puts it in use.
    pub(crate) async fn finish_rotation(&self, pending: Pending) -> Result<OwnAccount, SetUpError> {
        let own = self.database.read(|tx| own::load(tx)).await?;
        let own = own.ok_or(EngineError::NoAccount)?;
        self.anchor_allows(Some(&pending.delegate_key.public()))
            .await?;
        let published = self.session.get_delegation().await?;
        let published = published.ok_or(SetUpError::Gone)?;
        self.put_successor(&own, &pending, published).await?;
        let write = self
            .database
            .write(move |tx| recertify::promote(tx, &pending));
        Ok(write.await?)
    }

    async fn put_successor(
        &self,
        own: &OwnAccount,
        pending: &Pending,
        published: PublishedDelegation,
    ) -> Result<(), SetUpError> {
        let record = published.record.ok_or(SetUpError::Elsewhere)?;
        if record.key == pending.delegate_key.public() {
            // Published before a crash.
            return Ok(());
        }
        if record.key != own.delegate_key.public() {
            // Nobody can be led to this successor any more.
            self.database.write(|tx| pending::clear(tx)).await?;
            return Err(SetUpError::Elsewhere);
        }
        let chain = self.database.read(|tx| pending::succession(tx)).await?;
        let chain = pending::lengthened(chain, pending.step.clone());
        let next = pending.account(own);
        let record = publish::record(&next, chain, record.incoming, self.clock.now());
        self.session
            .put_delegation(&record, Some(&published.cid))
            .await?;
        Ok(())
    }

    /// Peers refuse a record that contradicts the DID document (§1.4 step 4): the document has to
    /// name the `next` key first, or none.
    pub(super) async fn anchor_allows(&self, next: Option<&PublicKey>) -> Result<(), SetUpError> {
        let document = self.network.did_document(self.session.did()).await;
        match document
            .map_err(sotto_identity::verify::VerifyError::from)?
            .e2ee
        {
            Anchor::Absent => Ok(()),
            Anchor::Key(key) if Some(&key) == next => Ok(()),
            Anchor::Key(_) | Anchor::Unusable => Err(SetUpError::AnchorMustFollow),
        }
    }
}

fn begin(tx: &WriteTx<'_>, random: &dyn Random, now: Timestamp) -> Result<Pending, EngineError> {
    if let Some(pending) = pending::load(tx)? {
        return Ok(pending);
    }
    let own = own::current(tx)?.ok_or(EngineError::NoAccount)?;
    let pending = successor(&own, SigningKey::generate(random), now)?;
    pending::store(tx, &pending)?;
    Ok(pending)
}

/// The account under the next key: the same devices with the same device keys.
fn successor(
    own: &OwnAccount,
    delegate_key: SigningKey,
    now: Timestamp,
) -> Result<Pending, EngineError> {
    let unreadable = || crate::db::DbError::Stored("roster");
    let present = Roster::verify(&own.roster, &own.delegate_key.public(), &own.did)
        .map_err(|_| unreadable())?;
    let claim_seq = own.claim_seq + 1;
    let step = Succession {
        did: own.did.clone(),
        seq: claim_seq,
        issued_at: now,
        successor: delegate_key.public(),
        predecessor: own.delegate_key.public(),
    };
    let signed = |device: &DeviceCertificate| device.sign(&delegate_key);
    let certificate = present.device(&own.device_id).map(signed);
    let roster = Roster {
        did: own.did.clone(),
        seq: own.roster_seq + 1,
        devices: present.devices.iter().map(signed).collect(),
    };
    Ok(Pending {
        certificate: certificate.ok_or_else(unreadable)?,
        roster_seq: roster.seq,
        roster: roster.sign(&delegate_key),
        claim_seq,
        step: step.sign(&own.delegate_key),
        delegate_key,
    })
}

#[cfg(test)]
#[path = "rotation/tests.rs"]
mod tests;
