//! Reading a first contact without letting it in (docs/protocol.md §3.5).

use super::pass::Pass;
use super::{Incoming, Outcome, Refusal};
use crate::db::{OwnAccount, WriteTx};
use rusqlite::params;

/// What a first-contact envelope brings.
pub(in crate::messages) struct Glimpse {
    /// The number of its frame.
    pub(in crate::messages) seq: u64,
    /// Whether it brings a message.
    pub(in crate::messages) brings_message: bool,
    /// What the message says; `None` also where this version does not support it.
    pub(in crate::messages) text: Option<String>,
}

/// Reads an envelope of a sender with whom there is no conversation, and undoes everything that
/// reading it has changed: no group is joined, no key package used, nothing is owed to the sender.
/// `None` where there is nothing in it that would ever have to arrive.
pub(in crate::messages) fn glimpse(
    tx: &WriteTx<'_>,
    own: &OwnAccount,
    envelope: &Incoming,
    welcome_digest: &[u8; 32],
) -> Result<Option<Glimpse>, Refusal> {
    let _undone = tx.savepoint()?;
    let mut pass = Pass::storing_each_time(tx, own);
    let outcome = pass.receive(envelope)?;
    pass.finish()?;
    let seq: u64 = tx
        .prepare_cached(
            "SELECT coalesce((SELECT max(seq) FROM early_frame WHERE read_group = g.id), processed)
             FROM read_group g WHERE welcome_digest = ?1",
        )?
        .query_row(params![welcome_digest], |row| row.get(0))?;
    if seq == 0 {
        return Ok(None);
    }
    let text = match outcome {
        Outcome::Message(id) => tx
            .prepare_cached("SELECT text FROM message WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?,
        _ => None,
    };
    Ok(Some(Glimpse {
        seq,
        brings_message: matches!(outcome, Outcome::Message(_)),
        text,
    }))
}
