//! Which peers' accounts are due for another look.

use crate::db::{DbError, ReadTx};
use rusqlite::named_params;
use sotto_wire::did::Did;

/// An account is looked at again after an hour, in milliseconds, where something is on the way to it.
const STALE: u64 = 60 * 60 * 1000;
/// The same where the account did not verify, in milliseconds.
const HELD: u64 = 10 * 60 * 1000;
/// The least time between two looks that a peer can bring about, in milliseconds.
const AGAIN: u64 = 5 * 1000;

/// Accounts to verify anew: those with messages that wait or are not acknowledged and that were not
/// looked at for an hour, and those of whom something came with a certificate that does not verify
/// under the key that is known (docs/protocol.md §1.10).
///
/// # Errors
/// When the database fails.
pub(crate) fn to_check(tx: &ReadTx<'_>) -> Result<Vec<Did>, DbError> {
    let mut statement = tx.prepare_cached(
        "SELECT peer.did FROM peer JOIN conversation c ON c.peer = peer.id
         WHERE (peer.verified_at <= :stale OR peer.verified_at > :ahead OR peer.verified_at <= :held
                AND EXISTS (SELECT 1 FROM peer_hold WHERE peer = peer.id))
           AND (EXISTS (SELECT 1 FROM outbox WHERE conversation = c.id)
                OR EXISTS (SELECT 1 FROM frame JOIN send_group g ON g.id = frame.send_group
                           WHERE g.conversation = c.id AND frame.given_up = 0))
            OR peer.verified_at <= :again
           AND EXISTS (SELECT 1 FROM quarantine q
                       WHERE q.conversation = c.id AND q.code = 'certificate.invalid'
                         AND q.at > peer.verified_at)
         ORDER BY peer.id",
    )?;
    let now = tx.clock_now_ms();
    let dids = statement
        .query_map(
            named_params! {
                ":stale": now.saturating_sub(STALE), ":held": now.saturating_sub(HELD), ":again": now.saturating_sub(AGAIN),
                ":ahead": now.saturating_add(STALE),
            },
            |row| row.get::<_, String>(0),
        )?
        .collect::<Result<Vec<_>, _>>()?;
    dids.iter()
        .map(|did| Did::parse(did).map_err(|_| DbError::Stored("did")))
        .collect()
}
