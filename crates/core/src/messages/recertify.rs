//! After a rotation of the own delegate key (docs/protocol.md §1.10).

use super::EngineError;
use crate::db::pending::{self, Pending};
use crate::db::{DbError, OwnAccount, WriteTx, own, peers};
use crate::mls::key_packages;
use rusqlite::params;
use sotto_wire::first_contact::UnverifiedEnvelope;
use sotto_wire::random;

/// The own account becomes what the rotation made of it, with everything that carries its
/// certificate: one step, so that no crash leaves two keys in use.
///
/// # Errors
/// [`EngineError`]; nothing was changed then.
pub(crate) fn promote(tx: &WriteTx<'_>, pending: &Pending) -> Result<OwnAccount, EngineError> {
    let own = own::current(tx)?.ok_or(EngineError::NoAccount)?;
    let account = pending::promote(tx, &own, pending)?;
    if let Some(mut me) = peers::by_did(tx, &account.did)? {
        me.pin.key = account.delegate_key.public();
        me.pin.claim_seq = account.claim_seq;
        peers::upsert(tx, &me)?;
    }
    key_packages::supersede(tx)?;
    envelopes(tx, &account)?;
    Ok(account)
}

/// First contacts that wait or are not answered show the new certificate. What they carry stays the
/// same, byte for byte, so that relay and recipient know them again.
fn envelopes(tx: &WriteTx<'_>, own: &OwnAccount) -> Result<(), EngineError> {
    let mut statement =
        tx.prepare("SELECT id, bytes FROM put WHERE peer_device IS NULL AND seq IS NOT NULL")?;
    let stored = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(i64, Vec<u8>)>, _>>()?;
    for (put, bytes) in stored {
        let signed = signed_anew(tx, own, &bytes)?;
        tx.execute(
            "UPDATE put SET bytes = ?2 WHERE id = ?1",
            params![put, signed],
        )?;
    }
    Ok(())
}

fn signed_anew(tx: &WriteTx<'_>, own: &OwnAccount, bytes: &[u8]) -> Result<Vec<u8>, EngineError> {
    let unreadable = || DbError::Stored("envelope");
    let stored = UnverifiedEnvelope::parse(bytes).map_err(|_| unreadable())?;
    let mut envelope = stored.into_unverified();
    envelope.cert = own.certificate.clone();
    envelope.nonce = random::array(tx.random());
    Ok(envelope.sign(&own.device_key))
}
