//! How much waits, for the operator's metrics.

use super::Stored;
use super::sql::{Sql, params};

/// Totals over everybody.
pub(crate) struct Figures {
    /// Deliveries that are not acknowledged.
    pub(crate) queued: i64,
    /// Messages that wait for adjudication.
    pub(crate) pooled: i64,
    /// Registered accounts.
    pub(crate) accounts: i64,
}

/// Counts. What lapsed and is not swept yet counts too.
pub(crate) fn figures(sql: &dyn Sql) -> Stored<Figures> {
    sql.one(
        "SELECT (SELECT count(*) FROM queue), (SELECT count(*) FROM messages WHERE pooled = 1),
                (SELECT count(*) FROM accounts)",
        params![],
        |row| {
            Ok(Figures {
                queued: row.get(0)?,
                pooled: row.get(1)?,
                accounts: row.get(2)?,
            })
        },
    )
}
