//! Own commits until every member has acknowledged them, and the epochs whose secrets commits of the
//! peer may name until then (docs/protocol.md §3.8).

use crate::db::{DbError, WriteTx};
use rusqlite::params;

/// Secrets of retired groups are kept for 40 days at the most, in milliseconds: what is older than
/// that is put no more (§3.3).
const KEPT: u64 = 40 * 24 * 60 * 60 * 1000;

/// An own commit that goes with every frame for whom it may be news.
pub(crate) struct Staple {
    /// The number of the first frame that was sealed after it: who has that one has the commit.
    pub(crate) first_seq: u64,
    /// MLSMessage.
    pub(crate) bytes: Vec<u8>,
}

/// An epoch of an own send group.
pub(crate) struct OwnEpoch {
    pub(crate) group_id: Vec<u8>,
    pub(crate) epoch: u64,
}

/// Notes an own commit that ended `epoch`.
pub(crate) fn insert_commit(
    tx: &WriteTx<'_>,
    group: i64,
    epoch: u64,
    staple: &Staple,
) -> Result<(), DbError> {
    tx.prepare_cached(
        "INSERT INTO own_commit (send_group, epoch, first_seq, bytes) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![group, epoch, staple.first_seq, staple.bytes])?;
    Ok(())
}

/// The commits that not every member has acknowledged, oldest first.
pub(crate) fn staples(tx: &WriteTx<'_>, group: i64) -> Result<Vec<Staple>, DbError> {
    let mut statement = tx.prepare_cached(
        "SELECT first_seq, bytes FROM own_commit WHERE send_group = ?1 ORDER BY epoch",
    )?;
    let staples = statement
        .query_map([group], |row| {
            Ok(Staple {
                first_seq: row.get(0)?,
                bytes: row.get(1)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(staples)
}

/// Drops the commits that every member has acknowledged, and, where every member reads the present
/// group, what is left of those before. Gives the epochs whose secrets nobody can name any more:
/// an acknowledgement comes after every earlier commit of its sender, and later ones name what it
/// acknowledges or something newer.
pub(crate) fn take_acknowledged(
    tx: &WriteTx<'_>,
    conversation: i64,
) -> Result<Vec<OwnEpoch>, DbError> {
    let mut epochs = Vec::new();
    let mut statement = tx.prepare_cached(
        "DELETE FROM own_commit
         WHERE send_group = (SELECT id FROM send_group WHERE conversation = ?1)
           AND first_seq <= (SELECT min(acked) FROM send_member
                             WHERE send_group = own_commit.send_group)
         RETURNING (SELECT group_id FROM send_group WHERE conversation = ?1), epoch",
    )?;
    collect(&mut epochs, &mut statement, params![conversation])?;
    let mut statement = tx.prepare_cached(
        "DELETE FROM retired_epoch
         WHERE conversation = ?1
           AND 0 < (SELECT min(acked) FROM send_member
                    WHERE send_group = (SELECT id FROM send_group WHERE conversation = ?1))
         RETURNING group_id, epoch",
    )?;
    collect(&mut epochs, &mut statement, params![conversation])?;
    Ok(epochs)
}

/// The own groups of before that commits of this conversation's peer may name.
pub(crate) fn retired_groups(tx: &WriteTx<'_>, conversation: i64) -> Result<Vec<Vec<u8>>, DbError> {
    let mut statement =
        tx.prepare_cached("SELECT DISTINCT group_id FROM retired_epoch WHERE conversation = ?1")?;
    let groups = statement
        .query_map([conversation], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(groups)
}

/// Notes an epoch of a group that is about to be retired.
pub(crate) fn retire_epoch(
    tx: &WriteTx<'_>,
    conversation: i64,
    own: &OwnEpoch,
) -> Result<(), DbError> {
    tx.prepare_cached(
        "INSERT INTO retired_epoch (group_id, epoch, conversation, at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![
        own.group_id,
        own.epoch,
        conversation,
        tx.clock_now_ms()
    ])?;
    Ok(())
}

/// Forgets epochs of retired groups past their time; all of them where `all` is set.
pub(crate) fn take_expired(tx: &WriteTx<'_>, all: bool) -> Result<Vec<OwnEpoch>, DbError> {
    let before = tx.clock_now_ms().saturating_sub(KEPT);
    let mut epochs = Vec::new();
    let mut statement =
        tx.prepare("DELETE FROM retired_epoch WHERE ?1 OR at < ?2 RETURNING group_id, epoch")?;
    collect(&mut epochs, &mut statement, params![all, before])?;
    Ok(epochs)
}

fn collect(
    epochs: &mut Vec<OwnEpoch>,
    statement: &mut rusqlite::Statement<'_>,
    params: impl rusqlite::Params,
) -> Result<(), DbError> {
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        epochs.push(OwnEpoch {
            group_id: row.get(0)?,
            epoch: row.get(1)?,
        });
    }
    Ok(())
}
