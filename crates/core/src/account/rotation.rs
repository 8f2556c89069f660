//! Replacing the delegate key by one that it vouches for (docs/protocol.md §1.10).
//!
//! What is about to be published is stored first; the record is what makes it so; then everything
//! here changes in one step. Relay and key packages follow by the housekeeper, which compares them
//! with what is stored. Whatever a crash interrupts is gone through again.

use super::delegation::Way;
use super::publish;
use super::set_up::{SetUp, SetUpError};
use crate::db::pending::{self, Pending};
use crate::db::{OwnAccount, WriteTx, own};
use crate::messages::{EngineError, recertify};
use sotto_identity::did_document::Anchor;
use sotto_identity::oauth::PublishedDelegation;
use sotto_identity::verify::VerifyError;
use sotto_wire::device::DeviceCertificate;
use sotto_wire::key::{PublicKey, SigningKey};
use sotto_wire::random::Random;
use sotto_wire::roster::Roster;
use sotto_wire::succession::Succession;
use sotto_wire::time::Timestamp;

impl SetUp {
    /// Rotates the delegate key, or goes on with the rotation under way. With
    /// [`SetUpError::AnchorMustFollow`] it waits for the DID document to name the successor.
    pub(crate) async fn rotate(&self) -> Result<OwnAccount, SetUpError> {
        self.unless_moving().await?;
        let (random, now) = (std::sync::Arc::clone(&self.random), self.clock.now());
        let write = self.database.write(move |tx| begin(tx, &*random, now));
        self.finish_rotation(write.await?).await
    }

    /// Forgets the successor, unless it is published anywhere.
    pub(crate) async fn cancel_rotation(&self) -> Result<(), SetUpError> {
        let Some(pending) = self.database.read(|tx| pending::load(tx)).await? else {
            return Ok(());
        };
        let next = pending.delegate_key.public();
        let published = self.session.get_delegation().await?;
        let record = published.and_then(|published| published.record);
        if record.is_some_and(|record| record.key == next) || self.is_anchored(&next).await? {
            return Err(SetUpError::Published);
        }
        Ok(self.database.write(|tx| pending::clear(tx)).await?)
    }

    /// Whether the DID document names this key.
    pub(crate) async fn is_anchored(&self, key: &PublicKey) -> Result<bool, SetUpError> {
        let document = self.network.did_document(self.session.did()).await;
        Ok(document.map_err(VerifyError::from)?.e2ee == Anchor::Key(*key))
    }

    /// Publishes the successor and puts it in use.
    async fn finish_rotation(&self, pending: Pending) -> Result<OwnAccount, SetUpError> {
        let own = self.database.read(|tx| own::load(tx)).await?;
        let own = own.ok_or(EngineError::NoAccount)?;
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
        let stands = record.key == pending.delegate_key.public();
        if !stands && record.key != own.delegate_key.public() {
            // Nobody can be led to this successor any more.
            self.database.write(|tx| pending::clear(tx)).await?;
            return Err(SetUpError::Elsewhere);
        }
        // What stands was published before a crash, perhaps without the document.
        let record = match stands {
            true => record,
            false => {
                let chain = self.database.read(|tx| pending::succession(tx)).await?;
                let chain = pending::lengthened(chain, pending.step.clone());
                let next = pending.account(own);
                publish::record(&next, chain, record.incoming, self.clock.now())
            }
        };
        let way = self.way(&record.key, &record.succession, false).await?;
        if stands && way == Way::Either {
            return Ok(());
        }
        self.publish(way, &record, Some(&published.cid), false)
            .await
    }
}

fn begin(tx: &WriteTx<'_>, random: &dyn Random, now: Timestamp) -> Result<Pending, EngineError> {
    let own = own::current(tx)?.ok_or(EngineError::NoAccount)?;
    if let Some(mut pending) = pending::load(tx)? {
        if pending.claim_seq <= own.claim_seq {
            // The present key has made claims while this one waited.
            pending.claim_seq = own.claim_seq + 1;
            pending::clear(tx)?;
            pending::store(tx, &pending)?;
        }
        return Ok(pending);
    }
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
