//! The database with the long history, which is kept from one run to the next.

use crate::past::{self, Size};
use crate::testing::{self, Party, TestClock};
use sotto_core::db::{Database, DatabaseKey, own};
use sotto_core::messages;
use sotto_wire::conversation::ConversationId;
use sotto_wire::random::OsRandom;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use tokio::runtime::Runtime;

pub(crate) struct Fixture {
    path: PathBuf,
    pub(crate) size: Size,
}

impl Fixture {
    /// The one that is kept, where it has today's tables.
    pub(crate) fn get(size: Size) -> Self {
        let schema = schema();
        let name = format!("size-{}-{schema:016x}.db", size.messages);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let fixture = Self { path, size };
        if !fixture.path.exists() {
            let unfinished = fixture.path.with_extension("unfinished");
            let _ = std::fs::remove_file(&unfinished);
            make(&open(&unfinished), size);
            std::fs::rename(&unfinished, &fixture.path).unwrap();
        }
        fixture
    }

    pub(crate) fn open(&self) -> Database {
        open(&self.path)
    }

    pub(crate) fn longest(&self, database: &Database) -> ConversationId {
        key(database, 1)
    }

    pub(crate) fn shortest(&self, database: &Database) -> ConversationId {
        key(database, self.size.conversations)
    }

    pub(crate) fn ids_of_the_longest(&self, database: &Database) -> Vec<i64> {
        crate::read(database, |tx| {
            let sql = "SELECT id FROM message WHERE conversation = 1 ORDER BY id";
            let mut statement = tx.prepare(sql)?;
            let ids = statement.query_map([], |row| row.get(0))?;
            Ok(ids.collect::<Result<_, _>>()?)
        })
    }
}

fn open(path: &Path) -> Database {
    let key = DatabaseKey::new([7; 32]);
    messages::open(path, &key, TestClock::new(), Arc::new(OsRandom)).unwrap()
}

fn key(database: &Database, row: usize) -> ConversationId {
    crate::read(database, move |tx| {
        let sql = "SELECT key FROM conversation WHERE id = ?1";
        Ok(ConversationId::from_bytes(tx.query_row(
            sql,
            [row],
            |row| row.get(0),
        )?))
    })
}

fn schema() -> u64 {
    let dir = tempfile::tempdir().unwrap();
    let database = open(&dir.path().join("empty.db"));
    let sql: String = crate::read(&database, |tx| {
        let sql = "SELECT group_concat(sql) FROM (SELECT sql FROM sqlite_master ORDER BY name)";
        Ok(tx.query_row(sql, [], |row| row.get(0))?)
    });
    sql.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn make(database: &Database, size: Size) {
    let clock = TestClock::new();
    let own = testing::account("own", Party::new("clock", &clock).clock_now());
    past::write(database, move |tx| own::store(tx, &own));
    past::fill(database, size, 0);
}

pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}
