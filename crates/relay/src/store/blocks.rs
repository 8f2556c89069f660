//! Blocked senders (§4.5), and what they are answered (PMR, "Blocked senders"): nothing of what they
//! put is kept, and whether it seems to find room is made up, so that it says nothing of whoever
//! blocked them.

use sha2::{Digest as _, Sha256};

use super::sql::{Sql, params};
use super::{AccountRow, Stored, accounts};

/// What chance a put brings along, drawn for each of them.
pub(crate) type Chance = [u32; 2];

/// One of this many stays of the made-up recipient is one at hand.
const AT_HAND: u32 = 4;
/// It is away so many times as long as it is at hand.
const AWAY: f64 = 6.0;
/// The longest stay in seconds.
const LONGEST: f64 = 30.0 * 86_400.0;

/// A blocked sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blocked {
    /// Whether it had a reservation when it was blocked, which it may find full.
    pub(crate) reserved: bool,
    /// Seconds for which the made-up recipient stays away, in the mean.
    pace: i64,
    waiting: u64,
    present: bool,
    until: i64,
}

impl Blocked {
    /// After one more put at `now`; nothing where the reservation seems to be full.
    pub(crate) fn after_put(self, reservation: u64, now: i64, chance: Chance) -> Option<Self> {
        let mut after = self;
        if now >= self.until {
            // Someone came by.
            let [which, how_long] = chance;
            after.waiting = 0;
            after.present = which % AT_HAND == 0;
            after.until = now.saturating_add(stay(self.pace, after.present, how_long));
        }
        if after.present {
            return Some(after);
        }
        after.waiting = after.waiting.saturating_add(1);
        (after.waiting <= reservation).then_some(after)
    }
}

/// How long something without memory lasts: how it went on before says nothing about its end.
fn stay(pace: i64, present: bool, chance: u32) -> i64 {
    let away = f64::from(u32::try_from(pace).unwrap_or(u32::MAX));
    let mean = if present { away / AWAY } else { away };
    let unit = (f64::from(chance) + 1.0) / (f64::from(u32::MAX) + 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a whole number of seconds between the bounds"
    )]
    let seconds = (-unit.ln() * mean).clamp(1.0, LONGEST) as i64;
    seconds
}

/// What is remembered of a put of a blocked sender: another digest than of one that is kept, so that
/// the same put arrives once its sender is blocked no longer.
pub(crate) fn digest(of: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"blocked\0");
    hash.update(of);
    hash.finalize().into()
}

/// An account's blocked senders, in the order of their DIDs.
pub(crate) fn list(sql: &dyn Sql, account: AccountRow) -> Stored<Vec<String>> {
    sql.all(
        "SELECT sender FROM blocked WHERE account = ?1 ORDER BY sender",
        params![account],
        |row| row.get(0),
    )
}

/// Blocks a sender; what it has in the pool goes. `false` where the account has `max` of them
/// already. Blocking again changes nothing.
pub(crate) fn block(
    sql: &dyn Sql,
    account: AccountRow,
    sender: &str,
    pace: i64,
    max: u64,
) -> Stored<bool> {
    accounts::lock(sql, account)?;
    if find(sql, account, sender)?.is_some() {
        return Ok(true);
    }
    let held: i64 = sql.one(
        "SELECT count(*) FROM blocked WHERE account = ?1",
        params![account],
        |row| row.get(0),
    )?;
    if u64::try_from(held).unwrap_or(u64::MAX) >= max {
        return Ok(false);
    }
    let reserved = sql.exists(
        "SELECT 1 FROM provisioned WHERE account = ?1 AND sender = ?2",
        params![account, sender],
    )?;
    sql.execute(
        "INSERT INTO blocked (account, sender, reserved, pace) VALUES (?1, ?2, ?3, ?4)",
        params![account, sender, reserved, pace],
    )?;
    sql.execute(
        "DELETE FROM messages WHERE account = ?1 AND pooled = 1 AND sender = ?2",
        params![account, sender],
    )?;
    Ok(true)
}

/// Unblocks a sender. One that is not blocked is no error.
pub(crate) fn unblock(sql: &dyn Sql, account: AccountRow, sender: &str) -> Stored<()> {
    accounts::lock(sql, account)?;
    sql.execute(
        "DELETE FROM blocked WHERE account = ?1 AND sender = ?2",
        params![account, sender],
    )?;
    Ok(())
}

/// The sender, if it is blocked.
pub(crate) fn find(sql: &dyn Sql, account: AccountRow, sender: &str) -> Stored<Option<Blocked>> {
    sql.first(
        "SELECT reserved, pace, waiting, present, until FROM blocked
             WHERE account = ?1 AND sender = ?2",
        params![account, sender],
        |row| {
            Ok(Blocked {
                reserved: row.get(0)?,
                pace: row.get(1)?,
                waiting: u64::try_from(row.get::<i64>(2)?).unwrap_or(0),
                present: row.get(3)?,
                until: row.get(4)?,
            })
        },
    )
}

/// Keeps how a sender stands.
pub(crate) fn keep(
    sql: &dyn Sql,
    account: AccountRow,
    sender: &str,
    blocked: Blocked,
) -> Stored<()> {
    let waiting = i64::try_from(blocked.waiting).unwrap_or(i64::MAX);
    sql.execute(
        "UPDATE blocked SET waiting = ?3, present = ?4, until = ?5
             WHERE account = ?1 AND sender = ?2",
        params![account, sender, waiting, blocked.present, blocked.until],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Blocked, Chance, LONGEST, stay};

    const NEW: Blocked = Blocked {
        reserved: true,
        pace: 10_000,
        waiting: 0,
        present: false,
        until: 0,
    };
    const AWAY: Chance = [1, u32::MAX / 2];
    const AT_HAND: Chance = [0, u32::MAX / 2];

    #[test]
    fn a_reservation_seems_to_fill_while_nobody_is_at_hand() {
        let mut blocked = NEW;
        for _ in 0..3 {
            blocked = blocked.after_put(3, 5, AWAY).expect("room");
        }
        assert_eq!(blocked.after_put(3, 5, AWAY), None);
        let ended = blocked.until;
        assert_eq!(blocked.after_put(3, ended - 1, AT_HAND), None);
        let emptied = blocked.after_put(3, ended, AWAY).expect("room again");
        assert_eq!((emptied.waiting, emptied.present), (1, false));
    }

    #[test]
    fn nothing_seems_to_wait_while_somebody_is_at_hand() {
        let mut blocked = NEW;
        for _ in 0..10 {
            blocked = blocked.after_put(3, 5, AT_HAND).expect("room");
        }
        assert_eq!((blocked.waiting, blocked.present), (0, true));
    }

    #[test]
    fn stays_are_bounded_and_have_the_mean_they_should() {
        assert_eq!(stay(1, true, u32::MAX), 1);
        assert!(stay(i64::MAX, false, 0) <= LONGEST as i64);
        let step = u32::MAX / 1000;
        let sum: i64 = (0..1000).map(|n| stay(3600, false, n * step)).sum();
        assert!((3500..3700).contains(&(sum / 1000)), "{}", sum / 1000);
    }
}
