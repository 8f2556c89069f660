//! What follows from an envelope that could not be read.

use super::{HOUR, asking, renewal, set_back};
use crate::db::{Change, DbError, WriteTx, own, peers};
use crate::inbox::quarantine;
use crate::messages::notice::{self, Notice};
use crate::messages::{EngineError, Incoming, Source, start};
use crate::mls::Message;
use crate::outbox::grant_stock::{self, Known};
use rusqlite::{OptionalExtension, named_params, params};
use sha2::{Digest as _, Sha256};
use sotto_identity::verify::Pin;
use sotto_wire::first_contact::UnverifiedEnvelope;
use sotto_wire::frame;
use sotto_wire::grant::Address;
use sotto_wire::payload::Lost;

/// The code of a frame of an epoch that this device cannot get to.
const AHEAD: &str = "message.ahead";
/// The code of a frame that contradicts an earlier one of its group.
pub(in crate::messages) const FORKED: &str = "payload.forked";
/// The code of a Welcome that no own key package opens.
const NO_KEY_PACKAGE: &str = "welcome.no-key-package";

/// How often what could not be decrypted is answered until something of its group is read again.
const NUDGES: u64 = 3;

/// Draws the conclusions from an envelope of somebody who is let in. Only what is *ahead* proves a
/// loss; what cannot be decrypted proves nothing.
pub(in crate::messages) fn unread(
    tx: &WriteTx<'_>,
    envelope: &Incoming,
    code: &str,
) -> Result<(), EngineError> {
    match &envelope.source {
        Source::Grant(address) => by_grant(tx, address, &envelope.bytes, code),
        Source::DidMailbox { sender, envelope } => by_mailbox(tx, sender, envelope, code),
    }
}

fn by_grant(
    tx: &WriteTx<'_>,
    address: &Address,
    sealed: &[u8],
    code: &str,
) -> Result<(), EngineError> {
    let Some((seal, device)) = grant_stock::at(tx, address)? else {
        // Every grant that was ever handed out is known, unless the disk was set back.
        return match grant_stock::known(tx, address)? {
            Known::Void => Ok(()),
            Known::Live | Known::Never => set_back::everywhere(tx),
        };
    };
    let Ok(opened) = frame::open(sealed, &seal) else {
        return Ok(());
    };
    let Ok(message) = Message::parse(&opened.message) else {
        return Ok(());
    };
    let Ok(group) = <[u8; 16]>::try_from(message.group_id()) else {
        return Ok(());
    };
    let (conversation, name) = match (code, &opened.welcome) {
        (AHEAD | FORKED, _) => (affected(tx, &group, device)?, Lost::Group(group)),
        // Without Welcome: this device had acknowledged something of the group.
        (quarantine::UNKNOWN_GROUP, None) => (conversation_of(tx, device)?, Lost::Group(group)),
        (NO_KEY_PACKAGE, Some(welcome)) => {
            let digest = Sha256::digest(welcome).into();
            (conversation_of(tx, device)?, Lost::Welcome(digest))
        }
        ("frame.wrong-sender", _) => return given_twice(tx, &group, device),
        ("message.undecryptable" | "commit.invalid", _) => return nudge(tx, &group, device),
        _ => return Ok(()),
    };
    match conversation {
        Some(conversation) => lost(tx, conversation, Some(device), &name, code),
        None => Ok(()),
    }
}

fn by_mailbox(
    tx: &WriteTx<'_>,
    sender: &Pin,
    envelope: &UnverifiedEnvelope,
    code: &str,
) -> Result<(), EngineError> {
    if !matches!(code, AHEAD | FORKED | NO_KEY_PACKAGE) {
        return Ok(());
    }
    let own = own::current(tx)?.ok_or(EngineError::NoAccount)?;
    let peer = peers::row(tx, sender, tx.clock_now_ms())?;
    let (conversation, _) = start::with(tx, &own.did, peer, &sender.did)?;
    let digest = Sha256::digest(envelope.welcome()).into();
    lost(tx, conversation, None, &Lost::Welcome(digest), code)
}

fn lost(
    tx: &WriteTx<'_>,
    conversation: i64,
    device: Option<i64>,
    name: &Lost,
    code: &str,
) -> Result<(), EngineError> {
    if asking::owe(tx, conversation, device, name)? {
        tracing::warn!("a send group of a peer cannot be read");
        notice::put(tx, conversation, Notice::RepairAsked)?;
        if code != FORKED {
            // What this device misses it had once, and it may have sent since what it has forgotten:
            // in a fresh group, the request can be read.
            grant_stock::supersede(tx, conversation)?;
            renewal::begin_anew(tx, conversation)?;
        }
    }
    Ok(())
}

fn conversation_of(tx: &WriteTx<'_>, device: i64) -> Result<Option<i64>, DbError> {
    let mut statement = tx.prepare_cached(
        "SELECT conversation.id FROM conversation JOIN peer_device USING (peer)
         WHERE peer_device.id = ?1",
    )?;
    Ok(statement.query_row([device], |row| row.get(0)).optional()?)
}

/// The conversation of a group that cannot be followed, unless another group of its device was joined
/// since: then it was replaced already. One that could not be followed from the start was not joined.
fn affected(tx: &WriteTx<'_>, group: &[u8; 16], device: i64) -> Result<Option<i64>, DbError> {
    let newest: Option<bool> = tx
        .prepare_cached(
            "SELECT id = (SELECT max(id) FROM read_group WHERE peer_device = ?2)
             FROM read_group WHERE group_id = ?1 AND peer_device = ?2",
        )?
        .query_row(params![group, device], |row| row.get(0))
        .optional()?;
    match newest {
        Some(false) => Ok(None),
        Some(true) | None => conversation_of(tx, device),
    }
}

/// The grant was given to somebody else, too, which is forgotten here; others in stock may have been
/// as well. Only these two conversations begin anew: two peers who lend each other their grants could bring it about.
fn given_twice(tx: &WriteTx<'_>, group: &[u8; 16], device: i64) -> Result<(), EngineError> {
    let owner: Option<i64> = tx
        .prepare_cached("SELECT peer_device FROM read_group WHERE group_id = ?1")?
        .query_row([group], |row| row.get(0))
        .optional()?;
    let mut begun = false;
    for device in [Some(device), owner].into_iter().flatten() {
        if let Some(conversation) = conversation_of(tx, device)? {
            begun |= set_back(tx, conversation)?;
        }
    }
    if begun {
        grant_stock::void_stock(tx)?;
    }
    Ok(())
}

/// The sender may have been set back. What was acknowledged tells it so: it is acknowledged again,
/// a few times only, as the answer may not be readable either.
fn nudge(tx: &WriteTx<'_>, group: &[u8; 16], device: i64) -> Result<(), EngineError> {
    let now = tx.clock_now_ms();
    let nudged = tx
        .prepare_cached(
            "UPDATE read_group SET ack_due = 1, nudges = nudges + 1, nudged_at = :now
             WHERE group_id = :group AND peer_device = :device AND processed > 0
               AND nudges < :most AND (nudged_at <= :before OR nudged_at > :now)",
        )?
        .execute(named_params! {
            ":group": group, ":device": device, ":now": now, ":most": NUDGES,
            ":before": now.saturating_sub(HOUR),
        })?;
    if nudged > 0 {
        tx.changed(Change::Outbox);
    }
    Ok(())
}
