//! Lines of the timeline that are no messages: what may be missing, and why (docs/protocol.md §3.7).

use super::{MessageState, place};
use crate::db::{Change, DbError, WriteTx, conversations};
use rusqlite::params;
use sotto_wire::random;

/// A line of one kind comes at most so often in one conversation, in milliseconds.
const OFTEN: u64 = 24 * 60 * 60 * 1000;

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    /// Something of the peer could not be read and was asked for again.
    RepairAsked,
    /// The peer could not read something of ours; it is on its way again.
    RepairedByPeer,
    /// This device's data was older than what it had acknowledged.
    SetBack,
    /// The peer has a device that was never met.
    DeviceNew,
}

impl Notice {
    fn code(self) -> &'static str {
        match self {
            Self::RepairAsked => "notice.repair-asked",
            Self::RepairedByPeer => "notice.repaired-by-peer",
            Self::SetBack => "notice.set-back",
            Self::DeviceNew => "notice.device-new",
        }
    }
}

/// Puts a line at the end of a conversation, unless there was one of the kind within a day.
pub(super) fn put(tx: &WriteTx<'_>, conversation: i64, notice: Notice) -> Result<(), DbError> {
    let now = tx.clock_now_ms();
    let due = tx
        .prepare_cached(
            "INSERT INTO noticed (conversation, code, at) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET at = ?3 WHERE at <= ?4 OR at > ?3",
        )?
        .execute(params![
            conversation,
            notice.code(),
            now,
            now.saturating_sub(OFTEN)
        ])?;
    if due == 0 {
        return Ok(());
    }
    let id = place::next(tx)?;
    tx.prepare_cached(
        "INSERT INTO message (id, conversation, state, at, mimi_id, content, notice)
         VALUES (?1, ?2, ?3, ?4, ?5, x'', ?6)",
    )?
    .execute(params![
        id,
        conversation,
        MessageState::Received as i64,
        now,
        random::array::<32>(tx.random()),
        notice.code(),
    ])?;
    let key = conversations::id_of(tx, conversation)?;
    tx.changed(Change::Messages {
        conversation: key,
        ids: vec![id],
    });
    tx.changed(Change::Conversations(vec![key]));
    Ok(())
}
