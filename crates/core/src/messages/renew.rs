//! What follows from a new look at a peer's account: other keys, other devices (docs/protocol.md §1.10 to §1.13, §3.6).

use super::notice::{self, Notice};
use super::{EngineError, receive, repair};
use crate::db::{DbError, PeerId, WriteTx, conversations, holds, peers};
use crate::mls::{MlsError, forget_secret, send_group};
use crate::outbox::{self, OwnEpoch, grant_stock};
use rusqlite::params;
use sotto_identity::verify::Pin;
use sotto_wire::device::DeviceId;
use sotto_wire::roster::VerifiedRoster;
use std::collections::HashSet;

/// Stores the outcome of a verification, with the account's devices where they are known. A send
/// group with devices that are not the account's any more is retired.
///
/// # Errors
/// [`EngineError::Db`], [`EngineError::Mls`].
pub(crate) fn checked(
    tx: &WriteTx<'_>,
    pin: &Pin,
    roster: Option<&VerifiedRoster>,
) -> Result<(), EngineError> {
    let peer = peers::pin(tx, pin, tx.clock_now_ms())?;
    holds::set(tx, peer, None)?;
    let conversation = conversations::with_peer(tx, peer)?;
    if let Some(roster) = roster {
        peers::saw_roster(tx, &pin.did, roster.seq)?;
        let changed = devices_changed(tx, peer, roster)?;
        remember(tx, peer, roster)?;
        cut_off(tx, peer, roster)?;
        if let Some(conversation) = conversation.filter(|_| changed) {
            retire(tx, conversation)?;
        }
    }
    if let Some(conversation) = conversation {
        receive::again(tx, conversation)?;
    }
    Ok(())
}

/// The user accepts a key that nobody vouches for: `pin` is the account under this key. Nothing of
/// what was under the old one counts any more.
///
/// # Errors
/// [`EngineError::Db`], [`EngineError::Mls`].
pub(crate) fn accepted(
    tx: &WriteTx<'_>,
    pin: &Pin,
    roster: Option<&VerifiedRoster>,
) -> Result<(), EngineError> {
    let peer = peers::pin(tx, pin, tx.clock_now_ms())?;
    // Another key numbers its own rosters.
    peers::forget_rosters(tx, peer)?;
    grant_stock::void_account(tx, peer)?;
    if let Some(conversation) = conversations::with_peer(tx, peer)? {
        retire(tx, conversation)?;
    }
    checked(tx, pin, roster)
}

/// Takes the own send group of a conversation out of use; the next one is made when there is
/// something to seal.
///
/// # Errors
/// [`EngineError::Db`], [`EngineError::Mls`].
pub(crate) fn retire(tx: &WriteTx<'_>, conversation: i64) -> Result<(), EngineError> {
    if let Some(group_id) = outbox::retire(tx, conversation)? {
        tracing::info!("a send group is retired");
        if let Some(epoch) = send_group::retire(tx, &group_id)? {
            outbox::retire_epoch(tx, conversation, &OwnEpoch { group_id, epoch })?;
        }
        repair::repeat(tx, conversation)?;
    }
    Ok(())
}

/// Forgets the secrets of own epochs that no commit of the peer can name any more (docs/protocol.md §3.8).
///
/// # Errors
/// [`MlsError::Db`].
pub(crate) fn forget_acknowledged(tx: &WriteTx<'_>, conversation: i64) -> Result<(), MlsError> {
    forget_secrets(tx, &outbox::take_acknowledged(tx, conversation)?)
}

/// Forgets the secrets of retired groups past their time, or of all of them.
///
/// # Errors
/// [`MlsError::Db`].
pub(crate) fn forget_retired(tx: &WriteTx<'_>, all: bool) -> Result<(), MlsError> {
    forget_secrets(tx, &outbox::take_expired(tx, all)?)
}

fn forget_secrets(tx: &WriteTx<'_>, epochs: &[OwnEpoch]) -> Result<(), MlsError> {
    epochs
        .iter()
        .try_for_each(|own| forget_secret(tx, &own.group_id, own.epoch))
}

/// A member has left the account, or the account has a device that was never met. One that was met
/// and is no member had no usable key package, and still has none.
fn devices_changed(
    tx: &WriteTx<'_>,
    peer: PeerId,
    roster: &VerifiedRoster,
) -> Result<bool, EngineError> {
    let now: HashSet<DeviceId> = roster.devices.iter().map(|it| it.device_id).collect();
    let known = device_ids(
        tx,
        "SELECT device_id FROM peer_device WHERE peer = ?1",
        peer,
    )?;
    let members = device_ids(
        tx,
        "SELECT device_id FROM peer_device WHERE peer = ?1 AND id IN
           (SELECT peer_device FROM send_member)",
        peer,
    )?;
    Ok(!members.is_subset(&now) || !now.is_subset(&known))
}

fn device_ids(tx: &WriteTx<'_>, sql: &str, peer: PeerId) -> Result<HashSet<DeviceId>, EngineError> {
    let mut statement = tx.prepare_cached(sql)?;
    let ids = statement
        .query_map(params![peer.0], |row| row.get(0).map(DeviceId::from_bytes))?
        .collect::<Result<_, _>>()?;
    Ok(ids)
}

/// Devices that have left the account reach this one no more.
fn cut_off(tx: &WriteTx<'_>, peer: PeerId, roster: &VerifiedRoster) -> Result<(), EngineError> {
    let sql = "SELECT device_id FROM peer_device WHERE peer = ?1";
    for device in device_ids(tx, sql, peer)? {
        if roster.device(&device).is_none() {
            grant_stock::void_device(tx, peer, &device)?;
        }
    }
    Ok(())
}

/// Remembers the certificates of an account's devices.
///
/// # Errors
/// [`EngineError::Db`].
pub(crate) fn remember(
    tx: &WriteTx<'_>,
    peer: PeerId,
    roster: &VerifiedRoster,
) -> Result<(), EngineError> {
    for (device, certificate) in roster.devices.iter().zip(&roster.certificates) {
        meet(tx, peer, &device.device_id, certificate)?;
    }
    Ok(())
}

/// The row of a device of a peer. One that was never met shows in the conversation, unless no
/// device of the peer was.
///
/// # Errors
/// [`DbError`].
pub(super) fn meet(
    tx: &WriteTx<'_>,
    peer: PeerId,
    device: &DeviceId,
    certificate: &[u8],
) -> Result<i64, DbError> {
    let (known, others): (bool, bool) = tx
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE device_id = ?2) > 0, count(*) > 0
             FROM peer_device WHERE peer = ?1",
        )?
        .query_row(params![peer.0, device.as_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let row = peers::device(tx, peer, device, certificate)?;
    if others
        && !known
        && let Some(conversation) = conversations::with_peer(tx, peer)?
    {
        notice::put(tx, conversation, Notice::DeviceNew)?;
    }
    Ok(row)
}
