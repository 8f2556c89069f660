//! The message that content is about.

use crate::db::{DbError, WriteTx};
use crate::messages::MessageState;
use rusqlite::{OptionalExtension, Row, params};
use sotto_wire::content::MessageId;

/// A message that something is said of.
pub(super) struct Target {
    pub(super) id: i64,
    pub(super) conversation: i64,
    pub(super) mimi_id: MessageId,
    pub(super) state: MessageState,
    pub(super) kind: i64,
    pub(super) at: u64,
    pub(super) text: Option<String>,
    pub(super) reply_to: Option<MessageId>,
    pub(super) edited_at: Option<u64>,
    pub(super) edited_by: Option<i64>,
    pub(super) deleted: bool,
}

const COLUMNS: &str = "id, conversation, mimi_id, state, kind, at, text, reply_to, edited_at, \
                       edited_by, deleted_at IS NOT NULL";

impl Target {
    pub(super) fn by_id(tx: &WriteTx<'_>, id: i64) -> Result<Option<Self>, DbError> {
        let sql = format!("SELECT {COLUMNS} FROM message WHERE id = ?1");
        let mut statement = tx.prepare_cached(&sql)?;
        let found = statement.query_row([id], |row| Ok(Self::from_row(row)));
        found.optional()?.transpose()
    }

    /// By the id of any of its versions.
    pub(super) fn by_mimi_id(
        tx: &WriteTx<'_>,
        conversation: i64,
        id: &MessageId,
    ) -> Result<Option<Self>, DbError> {
        let found = Self::version(tx, conversation, id)?;
        match found {
            // An edit stands for the message that it edits.
            Some(Self {
                kind: EVENT,
                reply_to: Some(edited),
                ..
            }) => Self::version(tx, conversation, &edited),
            found => Ok(found),
        }
    }

    fn version(
        tx: &WriteTx<'_>,
        conversation: i64,
        id: &MessageId,
    ) -> Result<Option<Self>, DbError> {
        let sql = format!("SELECT {COLUMNS} FROM message WHERE mimi_id = ?1 AND conversation = ?2");
        let mut statement = tx.prepare_cached(&sql)?;
        let found = statement.query_row(params![id, conversation], |row| Ok(Self::from_row(row)));
        found.optional()?.transpose()
    }

    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get(0)?,
            conversation: row.get(1)?,
            mimi_id: row.get(2)?,
            state: MessageState::from_stored(row.get(3)?)
                .ok_or(DbError::Stored("message state"))?,
            kind: row.get(4)?,
            at: row.get(5)?,
            text: row.get(6)?,
            reply_to: row.get(7)?,
            edited_at: row.get(8)?,
            edited_by: row.get(9)?,
            deleted: row.get(10)?,
        })
    }

    pub(super) fn is_mine(&self) -> bool {
        self.state != MessageState::Received
    }

    /// It is shown, and says something.
    pub(super) fn is_there(&self) -> bool {
        self.kind == super::Kind::Shown as i64 && !self.deleted
    }
}

const EVENT: i64 = super::Kind::Event as i64;

/// The first version of the message that an id names, where it is known.
pub(in crate::messages) fn resolved(
    tx: &WriteTx<'_>,
    conversation: i64,
    id: MessageId,
) -> Result<MessageId, DbError> {
    let target = Target::by_mimi_id(tx, conversation, &id)?;
    Ok(target.map_or(id, |target| target.mimi_id))
}
