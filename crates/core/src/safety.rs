//! Safety numbers of conversations, and the keys that were confirmed by them (docs/protocol.md §1.8).

pub(crate) mod drawing;
pub(crate) mod picture;
pub(crate) mod provenance;

use crate::db::{DbError, Peer, PeerId, WriteTx, conversations, own, peers};
use picture::PictureError;
use rusqlite::Connection;
use sotto_wire::conversation::ConversationId;
use sotto_wire::safety_number::{Comparison, SafetyCode, Side};

/// What this device shows for a conversation.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// The code, and with it the number.
    pub(crate) code: SafetyCode,
    /// Whom it is about.
    pub(crate) peer: Peer,
    id: PeerId,
}

/// Why there is no number, or why it was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SafetyError {
    /// No such conversation.
    #[error("unknown conversation")]
    UnknownConversation,
    /// There is no own account on this device.
    #[error("no account")]
    NoAccount,
    /// One of the two keys has changed since the number was shown.
    #[error("the number is another one now")]
    NumberChanged,
    /// The picture cannot be read.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl SafetyError {
    /// Stable code for the user interface.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::UnknownConversation => "conversation.unknown",
            Self::NoAccount => "account.none",
            Self::NumberChanged => "safety.number_changed",
            Self::Picture(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }
}

/// The number and code of a conversation as the two keys are now.
pub(crate) fn shown(
    connection: &Connection,
    conversation: &ConversationId,
) -> Result<Shown, SafetyError> {
    let own = own::load(connection)?.ok_or(SafetyError::NoAccount)?;
    let row = conversations::by_id(connection, conversation)?;
    let id = row.ok_or(SafetyError::UnknownConversation)?.peer;
    let peer = peers::get(connection, id)?.ok_or(DbError::Stored("peer"))?;
    let code = SafetyCode {
        from: Side::of(&own.did, &own.delegate_key.public()),
        to: Side::of(&peer.pin.did, &peer.pin.key),
    };
    Ok(Shown { code, peer, id })
}

/// The user has compared `number` with the peer and found it the same. It has to be the present one.
pub(crate) fn confirm(
    tx: &WriteTx<'_>,
    conversation: &ConversationId,
    number: &str,
) -> Result<(), SafetyError> {
    let shown = shown(tx, conversation)?;
    if !shown.code.number().is(number) {
        return Err(SafetyError::NumberChanged);
    }
    Ok(peers::confirm(tx, shown.id, &shown.peer.pin.key)?)
}

/// The user takes it back.
pub(crate) fn unconfirm(
    tx: &WriteTx<'_>,
    conversation: &ConversationId,
) -> Result<(), SafetyError> {
    let row = conversations::by_id(tx, conversation)?;
    let peer = row.ok_or(SafetyError::UnknownConversation)?.peer;
    Ok(peers::unconfirm(tx, peer)?)
}

/// Compares a code that was scanned with the present keys. A match confirms the peer's key.
pub(crate) fn compare(
    tx: &WriteTx<'_>,
    conversation: &ConversationId,
    scanned: &SafetyCode,
) -> Result<Comparison, SafetyError> {
    let shown = shown(tx, conversation)?;
    let comparison = shown.code.compare(scanned);
    if comparison == Comparison::Match {
        peers::confirm(tx, shown.id, &shown.peer.pin.key)?;
    }
    Ok(comparison)
}

#[cfg(test)]
mod tests;
