//! Keys that the users compared (docs/protocol.md §1.8).

use super::{PeerId, announce};
use crate::db::{DbError, WriteTx};
use rusqlite::params;
use sotto_identity::verify::Pin;
use sotto_wire::key::PublicKey;

/// The users have compared this key of the peer.
///
/// # Errors
/// When SQLite fails.
pub fn confirm(tx: &WriteTx<'_>, peer: PeerId, key: &PublicKey) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE peer SET confirmed_key = ?2, confirmed_at = ?3 WHERE id = ?1")?
        .execute(params![peer.0, key.as_bytes(), tx.clock_now_ms()])?;
    announce(tx, peer)
}

/// Whatever was compared, it does not count any more.
///
/// # Errors
/// When SQLite fails.
pub fn unconfirm(tx: &WriteTx<'_>, peer: PeerId) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE peer SET confirmed_key = NULL, confirmed_at = NULL WHERE id = ?1")?
        .execute([peer.0])?;
    announce(tx, peer)
}

/// The rule of §1.8, for every pin that is stored: the confirmation goes along where the succession
/// leads from the confirmed key to the pinned one, and is gone where it does not.
pub(super) fn follow(
    tx: &WriteTx<'_>,
    peer: PeerId,
    confirmed: Option<[u8; 32]>,
    pin: &Pin,
) -> Result<(), DbError> {
    let Some(confirmed) = confirmed else {
        return Ok(());
    };
    let is_confirmed = |key: &PublicKey| *key.as_bytes() == confirmed;
    if is_confirmed(&pin.key) {
        return Ok(());
    }
    if !pin.predecessors.iter().any(is_confirmed) {
        return unconfirm(tx, peer);
    }
    tx.prepare_cached("UPDATE peer SET confirmed_key = ?2 WHERE id = ?1")?
        .execute(params![peer.0, pin.key.as_bytes()])?;
    Ok(())
}

#[cfg(test)]
mod tests;
