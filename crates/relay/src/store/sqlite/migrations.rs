//! The schema, as forward-only steps. A released step is never edited.

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

/// Brings the database to the newest schema.
///
/// # Errors
/// Whatever SQLite says, or a database that is newer than this binary.
pub(super) fn apply(connection: &mut Connection) -> Result<(), rusqlite_migration::Error> {
    Migrations::new(vec![
        M::up(include_str!("001_initial.sql")),
        M::up(include_str!("002_attachments.sql")),
        M::up(include_str!("003_blocks.sql")),
        M::up(include_str!("004_draining.sql")),
    ])
    .to_latest(connection)
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

    #[test]
    fn refuses_a_newer_database() {
        let mut connection = Connection::open_in_memory().expect("sqlite");
        super::apply(&mut connection).expect("first");
        connection
            .pragma_update(None, "user_version", 99)
            .expect("pragma");
        assert!(super::apply(&mut connection).is_err());
    }
}
