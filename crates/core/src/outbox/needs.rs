//! Network work that has to be done before sealing can go on.

use super::{MAX_OUTSTANDING, grant_stock};
use crate::db::{DbError, ReadTx, WriteTx};
use rusqlite::named_params;
use sotto_wire::conversation::ConversationId;
use sotto_wire::did::Did;
use sotto_wire::time::Timestamp;

/// Below so many grants in stock, more are asked for.
const STOCK_LOW: usize = 8;
/// How many grants a full stock has.
const STOCK_FULL: usize = 16;

/// Something to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// The peer's roster and key packages, for `mls::send_group::create` (docs/protocol.md §3.4).
    FirstContact {
        /// The conversation that waits.
        conversation: ConversationId,
        /// Its peer.
        did: Did,
    },
    /// So many grants from the own relay, for `outbox::grant_stock::add`.
    Grants(usize),
}

impl Need {
    pub(crate) fn grants(in_stock: usize) -> Self {
        Self::Grants(STOCK_FULL.saturating_sub(in_stock).max(1))
    }
}

/// Conversations for which `messages::seal::next` has something to do: messages wait, or
/// acknowledgements are due and there is a grant to send them by. Not among them: conversations
/// without send group ([`needs`] names them), those that wait for the peer to answer, and those whose
/// peer is held back.
///
/// # Errors
/// When the database fails.
pub fn waiting(tx: &ReadTx<'_>) -> Result<Vec<ConversationId>, DbError> {
    let mut statement = tx.prepare_cached(
        "SELECT key FROM conversation c JOIN send_group g ON g.conversation = c.id
         WHERE NOT EXISTS (SELECT 1 FROM peer_hold WHERE peer = c.peer)
           AND (EXISTS (SELECT 1 FROM outbox WHERE conversation = c.id)
                OR EXISTS (SELECT 1 FROM read_group WHERE conversation = c.id AND ack_due = 1))
           AND (EXISTS (SELECT 1 FROM send_member m JOIN held_grant h USING (peer_device)
                        JOIN peer_device d ON d.id = m.peer_device
                        WHERE m.send_group = g.id AND h.expires_s > :now AND d.silent = 0)
                OR EXISTS (SELECT 1 FROM outbox WHERE conversation = c.id)
                   AND :max > (SELECT count(*) FROM put
                               WHERE send_group = g.id AND seq IS NOT NULL
                                 AND peer_device IS NULL))
         ORDER BY c.id",
    )?;
    let now = tx.clock_now_ms() / 1000;
    let keys = statement
        .query_map(
            named_params! { ":now": now, ":max": MAX_OUTSTANDING },
            |row| row.get(0),
        )?
        .map(|key| key.map(ConversationId::from_bytes))
        .collect::<Result<_, _>>()?;
    Ok(keys)
}

/// What to fetch: key packages for conversations in which something waits and that have no send
/// group, and grants when the stock runs low.
///
/// # Errors
/// When the database fails.
pub fn needs(tx: &ReadTx<'_>) -> Result<Vec<Need>, DbError> {
    let mut statement = tx.prepare_cached(
        "SELECT c.key, peer.did FROM conversation c JOIN peer ON peer.id = c.peer
         WHERE EXISTS (SELECT 1 FROM outbox WHERE conversation = c.id)
           AND NOT EXISTS (SELECT 1 FROM send_group WHERE conversation = c.id)
         ORDER BY c.id",
    )?;
    let mut rows = statement.query([])?;
    let mut needs = Vec::new();
    while let Some(row) = rows.next()? {
        let did: String = row.get(1)?;
        needs.push(Need::FirstContact {
            conversation: ConversationId::from_bytes(row.get(0)?),
            did: Did::parse(&did).map_err(|_| DbError::Stored("did"))?,
        });
    }
    let in_stock = grant_stock::count(tx, Timestamp(tx.clock_now_ms() / 1000))?;
    if in_stock < STOCK_LOW {
        needs.push(Need::grants(in_stock));
    }
    Ok(needs)
}

/// Whether the stock of grants is low.
///
/// # Errors
/// When the database fails.
pub(crate) fn needs_grants(tx: &WriteTx<'_>) -> Result<bool, DbError> {
    Ok(grant_stock::count(tx, tx.now())? < STOCK_LOW)
}
