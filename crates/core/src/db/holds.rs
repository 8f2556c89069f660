//! Peers for whom nothing is sealed and nothing is put, and why (docs/protocol.md §1.12, §1.13).

use super::{Change, DbError, PeerId, WriteTx, conversations, peers};
use rusqlite::{Connection, OptionalExtension, params};
use sotto_wire::did::Did;
use sotto_wire::key::PublicKey;

/// Why nothing goes out to a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hold {
    /// Code of the reason.
    pub(crate) code: String,
    /// The key that the account names now, where nobody vouches for it.
    pub(crate) key: Option<PublicKey>,
}

/// What holds a peer back.
///
/// # Errors
/// When SQLite fails or the row does not decode.
pub(crate) fn of(connection: &Connection, peer: PeerId) -> Result<Option<Hold>, DbError> {
    let found: Option<(String, Option<String>)> = connection
        .prepare_cached("SELECT code, key FROM peer_hold WHERE peer = ?1")?
        .query_row([peer.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((code, key)) = found else {
        return Ok(None);
    };
    let key = key
        .map(|key| PublicKey::from_did_key(&key).map_err(|_| DbError::Stored("key")))
        .transpose()?;
    Ok(Some(Hold { code, key }))
}

/// Holds a peer back, or lets it go.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn set(tx: &WriteTx<'_>, peer: PeerId, hold: Option<&Hold>) -> Result<(), DbError> {
    if of(tx, peer)?.as_ref() == hold {
        return Ok(());
    }
    match hold {
        Some(Hold { code, key }) => {
            tx.prepare_cached(
                "INSERT OR REPLACE INTO peer_hold (peer, code, key) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![peer.0, code, key.map(|key| key.to_did_key())])?;
        }
        None => {
            tx.prepare_cached("DELETE FROM peer_hold WHERE peer = ?1")?
                .execute([peer.0])?;
        }
    }
    tx.prepare_cached("UPDATE peer SET last_error = ?2 WHERE id = ?1")?
        .execute(params![peer.0, hold.map(|hold| &hold.code)])?;
    if let Some(row) = conversations::with_peer(tx, peer)? {
        let id = conversations::id_of(tx, row)?;
        tx.changed(Change::Conversations(vec![id]));
        tx.changed(Change::Messages {
            conversation: id,
            ids: waiting(tx, row)?,
        });
    }
    tx.changed(Change::Outbox);
    Ok(())
}

/// An account does not verify any more: nothing goes out to it until it does.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn refuse(tx: &WriteTx<'_>, did: &Did, hold: &Hold) -> Result<(), DbError> {
    let Some(peer) = peers::id_of(tx, did)? else {
        return Ok(());
    };
    peers::looked_at(tx, peer)?;
    set(tx, peer, Some(hold))
}

/// Whether the user has compared safety numbers with this peer, under the key known of it.
///
/// # Errors
/// When SQLite fails or the row does not decode.
pub(crate) fn is_confirmed(connection: &Connection, peer: PeerId) -> Result<bool, DbError> {
    Ok(peers::get(connection, peer)?.is_some_and(|peer| peer.is_confirmed()))
}

/// Messages whose view says why they wait.
fn waiting(tx: &WriteTx<'_>, conversation: i64) -> Result<Vec<i64>, DbError> {
    let mut statement = tx.prepare_cached(
        "SELECT message FROM outbox WHERE conversation = ?1 AND message <> 0
         ORDER BY message DESC LIMIT 50",
    )?;
    let ids = statement
        .query_map([conversation], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(ids)
}
