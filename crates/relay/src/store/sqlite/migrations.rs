//! The schema, as forward-only steps. A released step is never edited.

use rusqlite::Connection;
use rusqlite_migration::{Error, M, MigrationDefinitionError, Migrations};

use super::super::{StoreError, Stored};

/// Brings the database to the newest schema.
///
/// # Errors
/// Whatever SQLite says, or [`StoreError::Newer`].
pub(super) fn apply(connection: &mut Connection) -> Stored<()> {
    let done = Migrations::new(vec![
        M::up(include_str!("001_initial.sql")),
        M::up(include_str!("002_attachments.sql")),
        M::up(include_str!("003_blocks.sql")),
        M::up(include_str!("004_draining.sql")),
        M::up(include_str!("005_declarations.sql")),
    ])
    .to_latest(connection);
    done.map_err(|error| match error {
        Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
            StoreError::Newer
        }
        error => error.into(),
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    #[test]
    fn applies_to_an_empty_database_and_twice() {
        let mut connection = Connection::open_in_memory().expect("sqlite");
        super::apply(&mut connection).expect("first");
        super::apply(&mut connection).expect("second");
        let tables: i64 = connection
            .query_row(
                "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'journal'",
                [],
                |row| row.get(0),
            )
            .expect("count");
        assert_eq!(tables, 1);
    }

    /// Databases of released versions; each release adds its own.
    const RELEASED: &[&str] = &[include_str!("../released/sqlite-001.sql")];

    fn schema(connection: &Connection) -> Vec<String> {
        let mut statement = connection
            .prepare("SELECT type || name || coalesce(sql, '') FROM sqlite_master ORDER BY 1")
            .expect("statement");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        rows.collect::<Result<_, _>>().expect("schema")
    }

    fn rows(connection: &Connection) -> Vec<(String, i64)> {
        let mut statement = connection
            .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
            .expect("statement");
        let names = statement.query_map([], |row| row.get::<_, String>(0));
        let count = |name: String| {
            let sql = format!("SELECT count(*) FROM {name}");
            let rows = connection.query_row(&sql, [], |row| row.get(0));
            (name, rows.expect("count"))
        };
        names
            .expect("rows")
            .map(|it| count(it.expect("name")))
            .collect()
    }

    #[test]
    fn every_released_schema_becomes_the_present_one_and_keeps_its_rows() {
        let mut fresh = Connection::open_in_memory().expect("sqlite");
        super::apply(&mut fresh).expect("fresh");
        for released in RELEASED {
            let mut old = Connection::open_in_memory().expect("sqlite");
            old.execute_batch(released).expect("released");
            let before = rows(&old);
            super::apply(&mut old).expect("migrated");
            assert_eq!(schema(&old), schema(&fresh));
            let after = rows(&old);
            assert!(before.iter().any(|(_, rows)| *rows > 1));
            assert!(
                before.iter().all(|table| after.contains(table)),
                "{after:?}"
            );
            old.execute_batch(
                "PRAGMA foreign_keys = ON; DELETE FROM messages; DELETE FROM accounts",
            )
            .expect("what refers to each other still does");
        }
    }

    #[test]
    fn refuses_a_newer_database() {
        let mut connection = Connection::open_in_memory().expect("sqlite");
        super::apply(&mut connection).expect("first");
        connection
            .pragma_update(None, "user_version", 99)
            .expect("pragma");
        let refused = super::apply(&mut connection).expect_err("refused");
        assert_eq!(
            refused.to_string(),
            "the database was made by a newer version of this program"
        );
    }
}
