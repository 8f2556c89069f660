//! Own send groups that are begun anew, now or later.

use super::{DAY, HOUR, asking, silence};
use crate::db::{DbError, ReadTx, WriteTx};
use crate::messages::{EngineError, renew};
use crate::outbox;
use rusqlite::{OptionalExtension, named_params, params};

/// Replaces the own send group of a conversation: what nobody has acknowledged is sealed anew. At
/// most once an hour; before that, the group that is in use now is noted for then. `false`: that was
/// noted before, and nothing is to be done about it.
pub(super) fn begin_anew(tx: &WriteTx<'_>, conversation: i64) -> Result<bool, EngineError> {
    let Some(group) = own_group(tx, conversation)? else {
        // The next one is made as soon as something waits.
        outbox::ask_for_frame(tx, conversation)?;
        return Ok(true);
    };
    let now = tx.clock_now_ms();
    let renewed: Option<u64> = tx
        .prepare_cached("SELECT renewed_at FROM renewal WHERE conversation = ?1")?
        .query_row([conversation], |row| row.get(0))
        .optional()?;
    // A clock that was set back must not put it off for long.
    match renewed.map(|at| at.min(now) + HOUR) {
        Some(due) if due > now => {
            let noted = tx
                .prepare_cached(
                    "UPDATE renewal SET send_group = ?2, due_at = ?3
                     WHERE conversation = ?1 AND send_group IS NOT ?2",
                )?
                .execute(params![conversation, group, due])?;
            Ok(noted > 0)
        }
        _ => {
            replace(tx, conversation)?;
            Ok(true)
        }
    }
}

fn replace(tx: &WriteTx<'_>, conversation: i64) -> Result<(), EngineError> {
    renew::retire(tx, conversation)?;
    tx.prepare_cached("INSERT OR REPLACE INTO renewal (conversation, renewed_at) VALUES (?1, ?2)")?
        .execute(params![conversation, tx.clock_now_ms()])?;
    outbox::ask_for_frame(tx, conversation)?;
    Ok(())
}

fn own_group(tx: &WriteTx<'_>, conversation: i64) -> Result<Option<i64>, DbError> {
    let mut statement = tx.prepare_cached("SELECT id FROM send_group WHERE conversation = ?1")?;
    Ok(statement
        .query_row([conversation], |row| row.get(0))
        .optional()?)
}

const RENEWALS: &str = "SELECT conversation, send_group FROM renewal WHERE due_at <= :now";

/// Whether [`carry_out`] has something to do.
///
/// # Errors
/// When the database fails.
pub(crate) fn is_due(tx: &ReadTx<'_>) -> Result<bool, DbError> {
    let now = tx.clock_now_ms();
    let renewals = tx
        .prepare_cached(RENEWALS)?
        .exists(named_params! { ":now": now })?;
    Ok(renewals || asking::is_due(tx, now)? || silence::is_due(tx)?)
}

/// Does what was put off until now: replaces own send groups, asks once more for what still cannot be
/// read, and gives up waiting for devices that acknowledge nothing.
///
/// # Errors
/// [`EngineError`]; nothing has changed then.
pub(crate) fn carry_out(tx: &WriteTx<'_>) -> Result<(), EngineError> {
    let due = tx
        .prepare_cached(RENEWALS)?
        .query_map(named_params! { ":now": tx.clock_now_ms() }, |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<Result<Vec<(i64, Option<i64>)>, _>>()?;
    for (conversation, group) in due {
        if group.is_some() && group == own_group(tx, conversation)? {
            replace(tx, conversation)?;
        } else {
            let sql = "UPDATE renewal SET send_group = NULL, due_at = NULL WHERE conversation = ?1";
            tx.execute(sql, [conversation])?;
        }
    }
    asking::again(tx)?;
    silence::fall_back(tx)
}

/// Old groups of the peer that are silent for so long are forgotten, in milliseconds: longer than
/// any relay keeps a frame, and than repeated frames are recognised.
const DRAINED: u64 = 40 * DAY;

/// Forgets groups that were replaced, once nothing can come of them any more, and what was asked for
/// long ago.
///
/// # Errors
/// [`EngineError`]; nothing has changed then.
pub(crate) fn forget(tx: &WriteTx<'_>) -> Result<(), EngineError> {
    let before = tx.clock_now_ms().saturating_sub(DRAINED);
    let drained = tx
        .prepare_cached(
            "SELECT id, group_id FROM read_group old
             WHERE heard_at BETWEEN 1 AND ?1
               AND EXISTS (SELECT 1 FROM read_group WHERE peer_device = old.peer_device
                             AND conversation = old.conversation
                             AND id > old.id AND processed > 0)",
        )?
        .query_map([before], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(i64, Vec<u8>)>, _>>()?;
    for (row, group_id) in drained {
        crate::mls::send_group::forget(tx, &group_id)?;
        for sql in [
            "DELETE FROM early_frame WHERE read_group = ?1",
            "UPDATE seen_frame SET read_group = NULL WHERE read_group = ?1",
            "DELETE FROM read_group WHERE id = ?1",
        ] {
            tx.execute(sql, [row])?;
        }
    }
    tx.execute("DELETE FROM lost_group WHERE since <= ?1", [before])?;
    Ok(())
}
