//! Sealed bytes, where they go, and what came of it.

use super::schedule;
use super::{MessageState, frames, fresh};
use crate::db::{Change, DbError, Peer, ReadTx, WriteTx, conversations, peers};
use rusqlite::{Connection, OptionalExtension, Row, params};
use sotto_wire::conversation::ConversationId;
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::grant::{self, Address, GrantKey};

/// At most so many puts at a time; the rest is due right after.
const DUE_AT_ONCE: u32 = 128;

/// Where sealed bytes go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// To one device, by a grant it gave (docs/protocol.md §4.6).
    Grant {
        /// The peer's relay.
        host: Domain,
        /// The grant's address there.
        address: Address,
        /// Makes the tag.
        key: GrantKey,
    },
    /// To every device of an account that has given no grant yet (§4.5).
    DidMailbox {
        /// The peer's relay.
        domain: Domain,
        /// The peer.
        did: Did,
    },
}

/// One put to do. The bytes are stored and stay the same however often they are put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// For [`settle`].
    pub id: i64,
    /// Puts of one conversation are done in their order.
    pub conversation: ConversationId,
    /// Where to.
    pub route: Route,
    /// A sealed frame, or a signed first-contact envelope for the DID mailbox.
    pub bytes: Vec<u8>,
}

/// What came of a put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutResult {
    /// 202.
    Accepted,
    /// 429.
    Full {
        /// What `Retry-After` says, in milliseconds.
        retry_after_ms: u64,
    },
    /// No answer, or none that means anything.
    Unreachable,
    /// 400, 413 and other final answers, with the code to show.
    Refused(String),
}

/// Puts that are due at `now_ms`, oldest first; not all at once. A frame that no relay has taken
/// yet holds back the later ones of its group: overtaken by too many, it could never be read
/// (docs/protocol.md §2, out-of-order tolerance). Also those for other devices: the DID mailbox is
/// for all of them, and frames by a grant must not overtake those that wait to go there. Nor must
/// acknowledgements, which are steps of the same ratchet. Nothing is due for a peer that is held back.
///
/// # Errors
/// When the database fails.
pub fn due(tx: &ReadTx<'_>, now_ms: u64) -> Result<Vec<Put>, DbError> {
    let mut statement = tx.prepare_cached(
        "WITH held_back AS
           (SELECT send_group, min(id) AS first FROM put
            WHERE next_at > ?1 AND next_at <= ?3 AND accepted = 0
            GROUP BY send_group)
         SELECT put.id, put.bytes, held.host, held.key, conversation.peer, conversation.key
         FROM put
         JOIN send_group ON send_group.id = put.send_group
         JOIN conversation ON conversation.id = send_group.conversation
         LEFT JOIN held_grant held ON held.id = put.held_grant
         LEFT JOIN held_back ON held_back.send_group = put.send_group
         WHERE (put.next_at <= ?1 OR put.next_at > ?3)
           AND NOT EXISTS (SELECT 1 FROM peer_hold WHERE peer = conversation.peer)
           AND (put.accepted > 0 OR held_back.first IS NULL OR put.id < held_back.first)
         ORDER BY put.id LIMIT ?2",
    )?;
    let far = now_ms.saturating_add(schedule::LONGEST);
    let mut rows = statement.query(params![now_ms, DUE_AT_ONCE, far])?;
    let mut puts = Vec::new();
    while let Some(row) = rows.next()? {
        puts.push(read(tx, row)?);
    }
    Ok(puts)
}

/// When [`due`] will have the next put, in milliseconds since 1970.
///
/// # Errors
/// When the database fails.
pub fn next_due(tx: &ReadTx<'_>) -> Result<Option<u64>, DbError> {
    // Of the frames that no relay has taken, only the first one of a group counts. (SQLite takes
    // the other columns of a group from the row of its `min`.)
    let mut statement = tx.prepare_cached(
        "SELECT min(next_at) FROM
           (SELECT next_at FROM put WHERE accepted > 0
            UNION ALL
            SELECT next_at FROM
              (SELECT next_at, min(id) FROM put WHERE accepted = 0 GROUP BY send_group))",
    )?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

fn read(connection: &Connection, row: &Row<'_>) -> Result<Put, DbError> {
    let host: Option<String> = row.get(2)?;
    let key: Option<[u8; 32]> = row.get(3)?;
    let route = match host.zip(key) {
        Some((host, key)) => grant_route(&host, key)?,
        None => mailbox_route(connection, row.get(4)?)?,
    };
    let conversation = ConversationId::from_bytes(row.get(5)?);
    Ok(Put {
        id: row.get(0)?,
        conversation,
        bytes: row.get(1)?,
        route,
    })
}

fn grant_route(host: &str, key: [u8; 32]) -> Result<Route, DbError> {
    let host = Domain::parse(host).map_err(|_| DbError::Stored("domain"))?;
    let key = GrantKey::from_bytes(key);
    Ok(Route::Grant {
        address: grant::address(&key, &host),
        host,
        key,
    })
}

fn mailbox_route(connection: &Connection, peer: i64) -> Result<Route, DbError> {
    let Peer { pin, .. } =
        peers::get(connection, peers::PeerId(peer))?.ok_or(DbError::Stored("peer"))?;
    Ok(Route::DidMailbox {
        domain: pin.domain,
        did: pin.did,
    })
}

struct Settled {
    group: i64,
    seq: Option<u64>,
    accepted: u64,
    failures: u64,
}

/// Notes what came of a put. A put that is gone (acknowledged in the meantime) is no error.
///
/// # Errors
/// When the database fails.
pub fn settle(tx: &WriteTx<'_>, put: i64, result: &PutResult) -> Result<(), DbError> {
    let found = tx
        .prepare_cached("SELECT send_group, seq, accepted, failures FROM put WHERE id = ?1")?
        .query_row([put], |row| {
            Ok(Settled {
                group: row.get(0)?,
                seq: row.get(1)?,
                accepted: row.get(2)?,
                failures: row.get(3)?,
            })
        })
        .optional()?;
    let Some(before) = found else { return Ok(()) };
    let now = tx.clock_now_ms();
    match (result, before.seq) {
        // Acknowledgements alone are not kept: once is enough.
        (PutResult::Accepted | PutResult::Refused(_), None) => delete(tx, put),
        (PutResult::Accepted, Some(seq)) => {
            let accepted = before.accepted + 1;
            tx.prepare_cached(
                "UPDATE put SET accepted = ?2, failures = 0, next_at = ?3 WHERE id = ?1",
            )?
            .execute(params![
                put,
                accepted,
                now + schedule::until_repeat(accepted, tx.random())
            ])?;
            if accepted >= fresh::FROM {
                fresh::seal(tx, put)?;
            }
            sent(tx, before.group, seq)
        }
        (PutResult::Refused(code), Some(seq)) => frames::give_up(tx, before.group, seq, code),
        (PutResult::Full { retry_after_ms }, _) => postpone(
            tx,
            put,
            before.failures,
            now + schedule::bounded(*retry_after_ms, tx.random()),
        ),
        (PutResult::Unreachable, _) => {
            let failures = before.failures + 1;
            postpone(
                tx,
                put,
                failures,
                now + schedule::until_retry(failures, tx.random()),
            )
        }
    }
}

fn postpone(tx: &WriteTx<'_>, put: i64, failures: u64, next_at: u64) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE put SET failures = ?2, next_at = ?3 WHERE id = ?1")?
        .execute(params![put, failures, next_at])?;
    Ok(())
}

fn delete(tx: &WriteTx<'_>, put: i64) -> Result<(), DbError> {
    tx.prepare_cached("DELETE FROM put WHERE id = ?1")?
        .execute([put])?;
    Ok(())
}

/// A message is sent when every addressed relay has taken its frame.
fn sent(tx: &WriteTx<'_>, group: i64, seq: u64) -> Result<(), DbError> {
    let message: Option<(i64, i64)> = tx
        .prepare_cached(
            "UPDATE message SET state = :sent,
               expires_at = coalesce(expires_at, :now + expires_in * 1000)
             WHERE id = (SELECT message FROM frame WHERE send_group = :group AND seq = :seq)
               AND state = :sending
               AND NOT EXISTS (SELECT 1 FROM put
                               WHERE send_group = :group AND seq = :seq AND accepted = 0)
             RETURNING id, conversation",
        )?
        .query_row(
            rusqlite::named_params! {
                ":group": group, ":seq": seq,
                ":sent": MessageState::Sent as i64, ":sending": MessageState::Sending as i64,
                ":now": tx.clock_now_ms(),
            },
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    if let Some((message, conversation)) = message {
        let conversation = conversations::id_of(tx, conversation)?;
        tx.changed(Change::Messages {
            conversation,
            ids: vec![message],
        });
        tx.changed(Change::Conversations(vec![conversation]));
    }
    Ok(())
}

/// Everything that waits for an unreachable relay is due now: the network is back.
///
/// # Errors
/// When the database fails.
pub fn due_now(tx: &WriteTx<'_>) -> Result<(), DbError> {
    tx.execute(
        "UPDATE put SET next_at = ?1 WHERE failures > 0",
        [tx.clock_now_ms()],
    )?;
    Ok(())
}
