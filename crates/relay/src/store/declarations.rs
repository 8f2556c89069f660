//! What accounts declare, as it was last seen, and what follows from it for their registrations
//! (§4.3): pausing, resuming, following a key that was endorsed, and setting aside what an
//! unendorsed one must not get.

use sotto_wire::relay_api::Paused;

use super::accounts::{self, Key, Registration};
use super::sql::{Sql, params};
use super::{AccountRow, DeviceRow, Stored};

/// An account whose declaration is to be looked at.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    /// Its row.
    pub(crate) account: AccountRow,
    /// The account.
    pub(crate) did: String,
    /// Looks in a row that brought nothing good.
    pub(crate) failures: i64,
}

/// What a look came to.
#[derive(Debug, Clone)]
pub(crate) enum Seen {
    /// A record that verifies, with the keys that verifiably lead to its key (COSE_Key bytes).
    Key(Key, Vec<Vec<u8>>),
    /// There is none.
    Absent,
    /// What there is does not verify.
    Refused,
}

/// A look that was answered.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    /// The account.
    pub(crate) account: AccountRow,
    /// Revision of the repository; empty where none is known.
    pub(crate) rev: String,
    /// What it said.
    pub(crate) seen: Seen,
}

/// What follows from a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As it was: an older state of the repository, or the account is gone.
    Nothing,
    /// The declared key is the registered one.
    Live,
    /// It is a successor of the registered one, and registered instead. These connections were
    /// signed by the key of before.
    Rebound(Vec<DeviceRow>),
    /// The DID mailbox takes nothing.
    Paused(Paused),
}

/// Whether any declaration is due.
pub(crate) fn any_due(sql: &dyn Sql, now: i64) -> Stored<bool> {
    sql.exists(
        "SELECT 1 FROM declarations WHERE due <= ?1 LIMIT 1",
        params![now],
    )
}

/// Takes declarations that are due, those longest due first. Nobody else gets them until `leased`.
pub(crate) fn take_due(sql: &dyn Sql, now: i64, leased: i64, most: i64) -> Stored<Vec<Watched>> {
    let due: Vec<Watched> = sql.all(
        "SELECT w.account, a.did, w.failures
             FROM declarations w JOIN accounts a ON a.id = w.account
             WHERE w.due <= ?1 ORDER BY w.due, w.account LIMIT ?2
             /*! FOR UPDATE OF w SKIP LOCKED */",
        params![now, most],
        |row| {
            Ok(Watched {
                account: row.get(0)?,
                did: row.get(1)?,
                failures: row.get(2)?,
            })
        },
    )?;
    for watched in &due {
        put_off(sql, watched.account, watched.failures, leased)?;
    }
    Ok(due)
}

/// What is watched of an account.
pub(crate) fn watched(sql: &dyn Sql, account: AccountRow) -> Stored<Option<Watched>> {
    sql.first(
        "SELECT w.account, a.did, w.failures
             FROM declarations w JOIN accounts a ON a.id = w.account WHERE w.account = ?1",
        params![account],
        |row| {
            Ok(Watched {
                account: row.get(0)?,
                did: row.get(1)?,
                failures: row.get(2)?,
            })
        },
    )
}

/// Has a declaration looked at soon, where the account is registered.
pub(crate) fn hurry(sql: &dyn Sql, did: &str, now: i64) -> Stored<()> {
    sql.execute(
        "UPDATE declarations SET due = ?2
             WHERE due > ?2 AND account = (SELECT id FROM accounts WHERE did = ?1)",
        params![did, now],
    )?;
    Ok(())
}

/// Looks again later.
pub(crate) fn put_off(sql: &dyn Sql, account: AccountRow, failures: i64, due: i64) -> Stored<()> {
    sql.execute(
        "UPDATE declarations SET failures = ?2, due = ?3 WHERE account = ?1",
        params![account, failures, due],
    )?;
    Ok(())
}

/// Draws the consequences of a look. The devices are to be told that the account is paused, or no
/// longer.
pub(crate) fn settle(sql: &dyn Sql, look: &Look) -> Stored<(Verdict, Vec<DeviceRow>)> {
    let known: Option<(Vec<u8>, bool)> = sql.first(
        "SELECT delegate_key, anchor FROM accounts WHERE id = ?1 /*! FOR NO KEY UPDATE */",
        params![look.account],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let nothing = (Verdict::Nothing, Vec::new());
    let Some((key, anchor)) = known else {
        return Ok(nothing);
    };
    // After the lock: a registration may have seen more in the meantime.
    if !look.rev.is_empty() && !note_rev(sql, look.account, &look.rev)? {
        return Ok(nothing);
    }
    let verdict = match &look.seen {
        Seen::Key(declared, _) if declared.cose == key => Verdict::Live,
        Seen::Key(declared, before) if before.contains(&key) => {
            rebind(sql, look.account, anchor, declared)?
        }
        Seen::Key(..) => Verdict::Paused(Paused::KeyChanged),
        Seen::Absent => Verdict::Paused(Paused::Gone),
        Seen::Refused => Verdict::Paused(Paused::Refused),
    };
    let paused = match verdict {
        Verdict::Paused(why) => Some(why),
        _ => None,
    };
    let told = if set_paused(sql, look.account, paused)? {
        accounts::devices(sql, look.account)?
    } else {
        Vec::new()
    };
    Ok((verdict, told))
}

/// Registers a successor in the place of the key that led to it: everything else stays. Key packages
/// carry certificates under the key of before; their owners publish new ones.
pub(crate) fn rebind(
    sql: &dyn Sql,
    account: AccountRow,
    anchor: bool,
    key: &Key,
) -> Stored<Verdict> {
    let mut ended = Vec::new();
    if anchor {
        let taken = sql.exists(
            "SELECT 1 FROM devices WHERE thumbprint = ?1 AND account <> ?2",
            params![key.thumbprint.as_slice(), account],
        )?;
        // Its holder has to say where it belongs, by registering.
        if taken {
            return Ok(Verdict::Paused(Paused::KeyChanged));
        }
        ended = accounts::devices(sql, account)?;
        sql.execute(
            "UPDATE devices SET device_key = ?2, thumbprint = ?3 WHERE account = ?1",
            params![account, &key.cose, key.thumbprint.as_slice()],
        )?;
    }
    sql.execute(
        "DELETE FROM key_packages WHERE device IN (SELECT id FROM devices WHERE account = ?1)",
        params![account],
    )?;
    sql.execute(
        "UPDATE accounts SET delegate_key = ?2 WHERE id = ?1",
        params![account, &key.cose],
    )?;
    Ok(Verdict::Rebound(ended))
}

/// Notes a registration: the declaration was seen, and everything is as it should be.
pub(crate) fn registered(sql: &dyn Sql, account: AccountRow, rev: &str, due: i64) -> Stored<()> {
    set_paused(sql, account, None)?;
    sql.execute(
        "INSERT INTO declarations (account, due, rev) VALUES (?1, ?2, ?3)
             ON CONFLICT (account) DO UPDATE
             SET due = excluded.due, rev = excluded.rev, failures = 0",
        params![account, due, rev],
    )?;
    Ok(())
}

/// The revision that was last seen; empty where none was.
pub(crate) fn rev(sql: &dyn Sql, account: AccountRow) -> Stored<String> {
    let rev = sql.first(
        "SELECT rev FROM declarations WHERE account = ?1",
        params![account],
        |row| row.get(0),
    )?;
    Ok(rev.unwrap_or_default())
}

/// Notes a revision; `false` where a later one was seen.
fn note_rev(sql: &dyn Sql, account: AccountRow, rev: &str) -> Stored<bool> {
    let noted = sql.execute(
        "UPDATE declarations SET rev = ?2 WHERE account = ?1 AND rev <= ?2",
        params![account, rev],
    )?;
    Ok(noted > 0)
}

/// Whether that is something else than before.
fn set_paused(sql: &dyn Sql, account: AccountRow, paused: Option<Paused>) -> Stored<bool> {
    let changed = sql.execute(
        "UPDATE accounts SET paused = ?2 WHERE id = ?1 AND paused <> ?2",
        params![account, number(paused)],
    )?;
    Ok(changed > 0)
}

/// As the column has it.
fn number(paused: Option<Paused>) -> i64 {
    match paused {
        None => 0,
        Some(Paused::Gone) => 1,
        Some(Paused::KeyChanged) => 2,
        Some(Paused::Refused) => 3,
    }
}

/// Why an account's DID mailbox takes nothing, out of the column.
pub(super) fn paused(number: i64) -> Option<Paused> {
    match number {
        0 => None,
        1 => Some(Paused::Gone),
        2 => Some(Paused::KeyChanged),
        _ => Some(Paused::Refused),
    }
}

/// Why an account's DID mailbox takes nothing.
pub(crate) fn why_paused(sql: &dyn Sql, account: AccountRow) -> Stored<Option<Paused>> {
    let why = sql.first(
        "SELECT paused FROM accounts WHERE id = ?1",
        params![account],
        |row| row.get(0),
    )?;
    Ok(paused(why.unwrap_or(0)))
}

/// Takes the DID from an account, with everything that stays its devices': nothing of it is for who
/// registers the DID under a key that this account's does not lead to.
pub(super) fn set_aside(sql: &dyn Sql, account: AccountRow, new: &Registration) -> Stored<()> {
    sql.execute(
        "INSERT INTO set_aside (account, did, until) VALUES (?1, ?2, ?3)",
        params![account, &new.did, new.aside_until],
    )?;
    sql.execute(
        "UPDATE accounts SET did = 'set-aside:' || id WHERE id = ?1",
        params![account],
    )?;
    set_paused(sql, account, Some(Paused::KeyChanged))?;
    sql.execute(
        "DELETE FROM declarations WHERE account = ?1",
        params![account],
    )?;
    Ok(())
}

/// Gives the DID back to the account that had it under this very key. The DID is free.
pub(super) fn bring_back(sql: &dyn Sql, new: &Registration) -> Stored<bool> {
    let account: Option<AccountRow> = sql.first(
        "SELECT a.id FROM set_aside s JOIN accounts a ON a.id = s.account
             WHERE s.did = ?1 AND a.delegate_key = ?2 ORDER BY a.id DESC LIMIT 1",
        params![&new.did, &new.key.cose],
        |row| row.get(0),
    )?;
    let Some(account) = account else {
        return Ok(false);
    };
    // Whatever else comes of the registration: it has its DID again.
    registered(sql, account, &new.rev, new.due)?;
    sql.execute("DELETE FROM set_aside WHERE account = ?1", params![account])?;
    sql.execute(
        "UPDATE accounts SET did = ?2 WHERE id = ?1",
        params![account, &new.did],
    )?;
    Ok(true)
}
