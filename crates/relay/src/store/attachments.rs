//! Which objects of attachments there are (§4.8). Their bytes are in [`crate::objects`].

use sotto_wire::attachment::ObjectName;

use super::sql::{Sql, params};
use super::{AccountRow, Stored, accounts};

/// Files looked after at once.
const GONE_AT_ONCE: i64 = 500;

/// An object that an account puts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewObject {
    /// Its name.
    pub(crate) name: ObjectName,
    /// Whose it is.
    pub(crate) account: AccountRow,
    /// Its length in bytes.
    pub(crate) size: i64,
    /// When it goes.
    pub(crate) expires_at: i64,
    /// What the account may keep.
    pub(crate) max_bytes: i64,
}

/// What became of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Added {
    /// It is new for this account.
    Created,
    /// The account had put it before; it is kept for the full time again.
    Renewed,
    /// The account keeps too much already; there is room for this many bytes.
    Full {
        /// Bytes.
        left: u64,
    },
}

/// Notes that a file may be there without a row, until somebody has looked: before it is written,
/// where no start looks through the folder. Until the end of the transaction nobody looks.
pub(crate) fn expect(sql: &dyn Sql, name: &ObjectName) -> Stored<()> {
    sql.execute(
        "INSERT INTO attachments_gone (name) VALUES (?1)
         ON CONFLICT (name) DO UPDATE SET name = excluded.name",
        params![name.as_bytes().as_slice()],
    )
    .map(drop)
}

/// Notes an object whose file is there.
pub(crate) fn add(sql: &dyn Sql, new: &NewObject) -> Stored<Added> {
    accounts::lock(sql, new.account)?;
    let name = new.name.as_bytes().as_slice();
    expect(sql, &new.name)?;
    let renewed = sql.execute(
        "UPDATE attachments SET expires_at = ?3 WHERE name = ?1 AND account = ?2",
        params![name, new.account, new.expires_at],
    )?;
    if renewed > 0 {
        looked_after(sql, &new.name)?;
        return Ok(Added::Renewed);
    }
    let left = left(sql, new)?;
    if left < new.size {
        // Its file is there and may have no row: it is still expected to be looked after.
        let left = u64::try_from(left).unwrap_or(0);
        return Ok(Added::Full { left });
    }
    sql.execute(
        "INSERT INTO attachments (name, account, size, expires_at) VALUES (?1, ?2, ?3, ?4)",
        params![name, new.account, new.size, new.expires_at],
    )?;
    looked_after(sql, &new.name)?;
    Ok(Added::Created)
}

/// What [`add`] would refuse, before a file is written for it.
pub(crate) fn refusal(sql: &dyn Sql, new: &NewObject) -> Stored<Option<u64>> {
    let known: Option<i64> = sql.first(
        "SELECT 1 FROM attachments WHERE name = ?1 AND account = ?2",
        params![new.name.as_bytes().as_slice(), new.account],
        |row| row.get(0),
    )?;
    let left = left(sql, new)?;
    Ok((known.is_none() && left < new.size).then(|| u64::try_from(left).unwrap_or(0)))
}

fn left(sql: &dyn Sql, new: &NewObject) -> Stored<i64> {
    let kept: i64 = sql
        .first(
            "SELECT attachment_bytes FROM accounts WHERE id = ?1",
            params![new.account],
            |row| row.get(0),
        )?
        // Unregistered meanwhile: it has no room.
        .unwrap_or(i64::MAX);
    Ok(new.max_bytes.saturating_sub(kept).max(0))
}

/// The length of an object that is kept at `now`.
pub(crate) fn size(sql: &dyn Sql, name: &ObjectName, now: i64) -> Stored<Option<i64>> {
    sql.first(
        "SELECT size FROM attachments WHERE name = ?1 AND expires_at > ?2 LIMIT 1",
        params![name.as_bytes().as_slice(), now],
        |row| row.get(0),
    )
}

/// An object as its account sees it listed.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// Its name.
    pub(crate) name: ObjectName,
    /// Its length in bytes.
    pub(crate) size: i64,
    /// When it goes.
    pub(crate) expires_at: i64,
}

/// At most `limit` of an account's objects, in the order of their names, from behind `after` on.
pub(crate) fn list(
    sql: &dyn Sql,
    account: AccountRow,
    after: Option<&ObjectName>,
    limit: usize,
    now: i64,
) -> Stored<Vec<Kept>> {
    let after = after.map_or(&[][..], |name| name.as_bytes().as_slice());
    sql.all(
        "SELECT name, size, expires_at FROM attachments
             WHERE account = ?1 AND name > ?2 AND expires_at > ?4 ORDER BY name LIMIT ?3",
        params![
            account,
            after,
            i64::try_from(limit).unwrap_or(i64::MAX),
            now
        ],
        |row| {
            Ok(Kept {
                name: row.get(0).map(ObjectName::from_bytes)?,
                size: row.get(1)?,
                expires_at: row.get(2)?,
            })
        },
    )
}

/// Whether anybody keeps an object.
pub(crate) fn is_kept(sql: &dyn Sql, name: &ObjectName) -> Stored<bool> {
    sql.exists(
        "SELECT 1 FROM attachments WHERE name = ?1 LIMIT 1",
        params![name.as_bytes().as_slice()],
    )
}

/// Removes an account's own object; whether it had one.
pub(crate) fn remove(sql: &dyn Sql, account: AccountRow, name: &ObjectName) -> Stored<bool> {
    let removed = sql.execute(
        "DELETE FROM attachments WHERE name = ?1 AND account = ?2",
        params![name.as_bytes().as_slice(), account],
    )?;
    Ok(removed > 0)
}

/// Some of the names whose files may have no row any more.
pub(crate) fn gone(sql: &dyn Sql) -> Stored<Vec<ObjectName>> {
    sql.all(
        "SELECT name FROM attachments_gone LIMIT ?1",
        params![GONE_AT_ONCE],
        |row| row.get(0).map(ObjectName::from_bytes),
    )
}

/// This name was looked after.
pub(crate) fn looked_after(sql: &dyn Sql, name: &ObjectName) -> Stored<()> {
    sql.execute(
        "DELETE FROM attachments_gone WHERE name = ?1",
        params![name.as_bytes().as_slice()],
    )
    .map(drop)
}
