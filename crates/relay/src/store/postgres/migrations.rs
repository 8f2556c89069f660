//! The schema, as forward-only steps. A released step is never edited.

use postgres::Client;

use super::super::{StoreError, Stored};
use super::connection::failure;

const STEPS: &[&str] = &[
    include_str!("001_initial.sql"),
    include_str!("002_blocks.sql"),
    include_str!("003_draining.sql"),
    include_str!("004_declarations.sql"),
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

// The server of the tests is started as on Unix.
#[cfg(test)]
#[cfg(unix)]
mod tests {
    use postgres::Client;

    use super::super::super::StoreError;
    use super::super::address::Address;
    use super::{STEPS, apply};
    use crate::tests::postgres::schema;

    /// Databases of released versions; each release adds its own.
    const RELEASED: &[&str] = &[include_str!("../released/postgres-001.sql")];

    /// A connection to an empty schema of its own.
    fn empty() -> Client {
        Address::parse(schema().reveal())
            .and_then(|address| address.connect())
            .expect("connects")
    }

    fn texts(client: &mut Client, sql: &str) -> Vec<String> {
        let rows = client.query(sql, &[]).expect("rows");
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Columns, indexes, constraints and triggers, without the name of the schema.
    fn described(client: &mut Client) -> Vec<String> {
        let name = texts(client, "SELECT current_schema()::text").remove(0);
        let all = texts(
            client,
            "SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default,
                    is_identity, collation_name)
             FROM information_schema.columns WHERE table_schema = current_schema()
             UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()
             UNION ALL SELECT concat_ws(' ', conrelid::regclass, pg_get_constraintdef(oid))
             FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
             UNION ALL SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c
             ON c.oid = tgrelid WHERE relnamespace = current_schema()::regnamespace
             AND NOT tgisinternal
             UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc
             WHERE pronamespace = current_schema()::regnamespace ORDER BY 1",
        );
        all.iter().map(|it| it.replace(&name, "S")).collect()
    }

    fn counted(client: &mut Client) -> Vec<(String, i64)> {
        let names = texts(
            client,
            "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()
             AND tablename <> 'relay_schema' ORDER BY 1",
        );
        let count = |name: String| {
            let row = client.query_one(&format!("SELECT count(*) FROM {name}"), &[]);
            (name, row.expect("count").get(0))
        };
        names.into_iter().map(count).collect()
    }

    #[test]
    fn every_released_schema_becomes_the_present_one_and_keeps_its_rows() {
        let mut fresh = empty();
        apply(&mut fresh).expect("fresh");
        let present = described(&mut fresh);
        assert!(present.len() > 50, "{present:?}");
        for released in RELEASED {
            let mut old = empty();
            old.batch_execute(released).expect("released");
            let before = counted(&mut old);
            apply(&mut old).expect("migrated");
            assert_eq!(described(&mut old), present);
            let after = counted(&mut old);
            assert!(before.iter().any(|(_, rows)| *rows > 1));
            assert!(
                before.iter().all(|table| after.contains(table)),
                "{after:?}"
            );
        }
    }

    #[test]
    fn a_schema_of_a_newer_version_is_refused() {
        let mut client = empty();
        apply(&mut client).expect("made");
        let next = i64::try_from(STEPS.len()).expect("few") + 1;
        client
            .execute("INSERT INTO relay_schema (step) VALUES ($1)", &[&next])
            .expect("newer");
        let refused = apply(&mut client).expect_err("refused");
        assert!(matches!(refused, StoreError::Newer), "{refused}");
    }
}
