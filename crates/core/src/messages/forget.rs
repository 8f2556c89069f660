//! This installation is another device from now on (docs/protocol.md §1.11, §1.13).

use super::{EngineError, renew};
use crate::db::WriteTx;
use crate::mls::{key_packages, send_group};
use crate::outbox::grant_stock;
use sotto_wire::did::Did;

/// Forgets everything that belongs to the device of before: its groups, key packages and grants, and
/// that the account was set up. Messages stay; those not acknowledged are sealed anew.
///
/// # Errors
/// [`EngineError`]; nothing was changed then.
pub(crate) fn device(tx: &WriteTx<'_>, own: &Did) -> Result<(), EngineError> {
    let column = |sql: &str| -> Result<Vec<i64>, EngineError> {
        let mut statement = tx.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    for conversation in column("SELECT conversation FROM send_group ORDER BY id")? {
        renew::retire(tx, conversation)?;
    }
    for row in column("SELECT id FROM read_group ORDER BY id")? {
        let sql = "SELECT group_id FROM read_group WHERE id = ?1";
        let group_id: Vec<u8> = tx.query_row(sql, [row], |row| row.get(0))?;
        send_group::forget(tx, &group_id)?;
    }
    renew::forget_retired(tx, true)?;
    key_packages::forget(tx)?;
    for sql in [
        "DELETE FROM lost_group",
        "DELETE FROM renewal",
        "DELETE FROM early_frame",
        "UPDATE seen_frame SET read_group = NULL",
        "DELETE FROM read_group",
        "DELETE FROM quarantine",
        "DELETE FROM held_grant",
        "DELETE FROM own_move",
        "DELETE FROM former_relay",
        "DELETE FROM outbox WHERE message = 0",
    ] {
        tx.execute(sql, [])?;
    }
    grant_stock::void_all(tx)?;
    // The pin of the own account is the mark that it is set up.
    tx.execute("DELETE FROM peer WHERE did = ?1", [own.as_str()])?;
    Ok(())
}
