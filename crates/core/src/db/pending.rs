//! The own keys over time: the chain of successions, a rotation under way, and whether the words of
//! the current key still have to be written down (docs/protocol.md §1.3, §1.10, §1.11).

use super::own::{self, OwnAccount};
use super::{Change, DbError, WriteTx};
use rusqlite::{Connection, OptionalExtension, named_params};
use sotto_wire::key::SigningKey;
use sotto_wire::succession::MAX_SUCCESSIONS;
use zeroize::Zeroizing;

/// A rotation that is about to be published: what the own account will be.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    /// The successor.
    pub(crate) delegate_key: SigningKey,
    /// This device, under the successor.
    pub(crate) certificate: Vec<u8>,
    /// All devices, under the successor.
    pub(crate) roster: Vec<u8>,
    pub(crate) roster_seq: u64,
    pub(crate) claim_seq: u64,
    /// The succession, signed by the key in use.
    pub(crate) step: Vec<u8>,
}

impl Pending {
    /// The account as it is once the record names the successor.
    pub(crate) fn account(&self, own: &OwnAccount) -> OwnAccount {
        OwnAccount {
            delegate_key: self.delegate_key.clone(),
            certificate: self.certificate.clone(),
            roster: self.roster.clone(),
            roster_seq: self.roster_seq,
            claim_seq: self.claim_seq,
            ..own.clone()
        }
    }
}

/// The chain that leads to the own delegate key, oldest first.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn succession(connection: &Connection) -> Result<Vec<Vec<u8>>, DbError> {
    let mut statement =
        connection.prepare_cached("SELECT object FROM own_succession ORDER BY place")?;
    let chain = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(chain)
}

/// The chain with one more step; the oldest ones go where the record would have too many.
pub(crate) fn lengthened(mut chain: Vec<Vec<u8>>, step: Vec<u8>) -> Vec<Vec<u8>> {
    chain.push(step);
    let beyond = chain.len().saturating_sub(MAX_SUCCESSIONS);
    chain.split_off(beyond)
}

/// Writes the chain down, in place of what was there.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn set_succession(tx: &WriteTx<'_>, chain: &[Vec<u8>]) -> Result<(), DbError> {
    tx.execute("DELETE FROM own_succession", [])?;
    let mut statement = tx.prepare_cached("INSERT INTO own_succession (object) VALUES (?1)")?;
    for object in chain {
        statement.execute([object])?;
    }
    Ok(())
}

/// The rotation under way.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn load(connection: &Connection) -> Result<Option<Pending>, DbError> {
    let mut statement = connection.prepare_cached(
        "SELECT delegate_seed, certificate, roster, roster_seq, claim_seq, step FROM own_pending",
    )?;
    let found = statement.query_row([], |row| {
        let seed = row.get::<_, [u8; 32]>(0).map(Zeroizing::new)?;
        Ok(Pending {
            delegate_key: SigningKey::from_seed(&seed),
            certificate: row.get(1)?,
            roster: row.get(2)?,
            roster_seq: row.get(3)?,
            claim_seq: row.get(4)?,
            step: row.get(5)?,
        })
    });
    Ok(found.optional()?)
}

/// Writes a rotation down before any of it is published.
///
/// # Errors
/// When SQLite fails; also where another one is under way.
pub(crate) fn store(tx: &WriteTx<'_>, pending: &Pending) -> Result<(), DbError> {
    tx.prepare_cached(
        "INSERT INTO own_pending
           (id, delegate_seed, certificate, roster, roster_seq, claim_seq, step)
         VALUES (1, :seed, :certificate, :roster, :roster_seq, :claim_seq, :step)",
    )?
    .execute(named_params! {
        ":seed": pending.delegate_key.seed().as_slice(),
        ":certificate": pending.certificate,
        ":roster": pending.roster,
        ":roster_seq": pending.roster_seq,
        ":claim_seq": pending.claim_seq,
        ":step": pending.step,
    })?;
    Ok(())
}

/// Forgets the rotation under way.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn clear(tx: &WriteTx<'_>) -> Result<(), DbError> {
    tx.execute("DELETE FROM own_pending", [])?;
    Ok(())
}

/// Whether the words of the own key have to be written down.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn words_due(connection: &Connection) -> Result<bool, DbError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM own_words_due")?
        .exists([])?)
}

/// The words have to be written down, or no longer.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn set_words_due(tx: &WriteTx<'_>, due: bool) -> Result<(), DbError> {
    if due {
        tx.execute("INSERT OR IGNORE INTO own_words_due (id) VALUES (1)", [])?;
    } else {
        tx.execute("DELETE FROM own_words_due", [])?;
    }
    tx.changed(Change::Account);
    Ok(())
}

/// The account becomes what the rotation made of it, in one step with everything else that depends
/// on its key.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn promote(
    tx: &WriteTx<'_>,
    own: &OwnAccount,
    pending: &Pending,
) -> Result<OwnAccount, DbError> {
    let account = pending.account(own);
    own::store(tx, &account)?;
    let chain = lengthened(succession(tx)?, pending.step.clone());
    set_succession(tx, &chain)?;
    set_words_due(tx, true)?;
    clear(tx)?;
    Ok(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_keeps_the_newest_steps() {
        let mut chain = Vec::new();
        for n in 0..40 {
            chain = lengthened(chain, vec![n]);
        }
        assert_eq!(chain.len(), MAX_SUCCESSIONS);
        assert_eq!(
            (chain.first(), chain.last()),
            (Some(&vec![8]), Some(&vec![39]))
        );
    }
}
