//! The schema, as forward-only steps. A released step is never edited.

use postgres::Client;

use super::super::{StoreError, Stored};
use super::connection::failure;

const STEPS: &[&str] = &[
    include_str!("001_initial.sql"),
    include_str!("002_blocks.sql"),
    include_str!("003_draining.sql"),
];

/// Brings the schema to the newest version: one process at a time, all steps or none.
///
/// # Errors
/// What the server says, or [`StoreError::Newer`].
pub(super) fn apply(client: &mut Client) -> Stored<()> {
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    let mut transaction = client.transaction().map_err(|error| failure(&error))?;
    let mut run = |sql: &str| {
        transaction
            .batch_execute(sql)
            .map_err(|error| failure(&error))
    };
    run("SELECT pg_advisory_xact_lock(current_schema()::regnamespace::oid::int4, 1)")?;
    run("CREATE TABLE IF NOT EXISTS relay_schema (step BIGINT PRIMARY KEY)")?;
    let applied: i64 = transaction
        .query_one("SELECT coalesce(max(step), 0) FROM relay_schema", &[])
        .and_then(|row| row.try_get(0))
        .map_err(|error| failure(&error))?;
    if applied > known {
        return Err(StoreError::Newer);
    }
    let done = usize::try_from(applied).unwrap_or(0);
    for (step, sql) in (1_i64..).zip(STEPS).skip(done) {
        transaction
            .batch_execute(sql)
            .and_then(|()| {
                transaction.execute("INSERT INTO relay_schema (step) VALUES ($1)", &[&step])
            })
            .map_err(|error| failure(&error))?;
    }
    transaction.commit().map_err(|error| failure(&error))
}
