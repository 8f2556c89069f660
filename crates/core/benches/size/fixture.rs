//! The database with the long history: made by SQL, in one go, the same each time.

use crate::testing::{self, Party, TestClock};
use rusqlite::params;
use sotto_core::db::{Database, DatabaseKey, DbError, OwnAccount, WriteTx, own};
use sotto_core::messages::{self, start};
use sotto_wire::conversation::ConversationId;
use sotto_wire::random::OsRandom;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use tokio::runtime::Runtime;

/// Different words that people use here. A word of rank r is about r times as rare as the first.
pub(crate) const WORDS: usize = 50_000;
/// Messages of one transaction.
const BATCH: usize = 50_000;
/// Between the ids of two messages that came in order.
const STEP: i64 = 4096;

#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) messages: usize,
    pub(crate) conversations: usize,
    pub(crate) longest: usize,
}

impl Size {
    pub(crate) const FULL: Self = Self {
        messages: 500_000,
        conversations: 1_000,
        longest: 100_000,
    };
    pub(crate) const SMALL: Self = Self {
        messages: 2_000,
        conversations: 10,
        longest: 400,
    };
}

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
    write(database, move |tx| own::store(tx, &own));
    for n in 0..size.conversations {
        let peer = peer(&clock, n);
        write(database, move |tx| start::conversation(tx, &peer).map(drop));
    }
    let mut dice = Dice::new();
    let mut made = 0;
    while made < size.messages {
        let until = (made + BATCH).min(size.messages);
        let (batch, mut rolled) = (made..until, dice.clone());
        dice = write(database, move |tx| {
            for n in batch {
                message(tx, size, n, &mut rolled)?;
            }
            Ok::<_, DbError>(rolled)
        });
        made = until;
    }
}

fn peer(clock: &Arc<TestClock>, n: usize) -> sotto_core::db::Peer {
    let own: OwnAccount = testing::account(&format!("peer{n}"), testing_time(clock));
    sotto_core::db::Peer {
        pin: testing::pin(&own),
        handle: Some(format!("peer{n}.example")),
        display_name: Some(format!("{} {}", word(n), word(n + 100))),
        avatar: Some(("image/png".into(), vec![0; 2_000])),
        verified_at: 0,
        last_error: None,
        confirmed_at: None,
    }
}

fn testing_time(clock: &Arc<TestClock>) -> sotto_wire::time::Timestamp {
    use sotto_wire::time::Clock as _;
    clock.now()
}

fn message(tx: &WriteTx<'_>, size: Size, n: usize, dice: &mut Dice) -> Result<(), DbError> {
    let others = size.conversations - 1;
    let long = dice.below(size.messages) < size.longest;
    // The short ones are not all of one length.
    let conversation = if long {
        1
    } else {
        2 + dice.below(others).min(dice.below(others))
    };
    let words = 2 + dice.below(6) + dice.below(20) * usize::from(dice.below(3) == 0);
    let text: Vec<String> = (0..words).map(|_| word(dice.rank())).collect();
    let text = text.join(" ");
    let id = i64::try_from(n + 1).unwrap() * STEP;
    let mut mimi_id = [0; 32];
    mimi_id[..8].copy_from_slice(&dice.next().to_le_bytes());
    mimi_id[8..16].copy_from_slice(&id.to_le_bytes());
    // As much as the encoded content takes.
    let content = [&[0; 40], text.as_bytes()].concat();
    let state = if dice.below(2) == 0 { 2 } else { 4 };
    tx.prepare_cached(
        "INSERT INTO message (id, conversation, state, at, mimi_id, content, text)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        id,
        conversation,
        state,
        1_700_000_000_000 + id,
        mimi_id,
        content,
        text
    ])?;
    Ok(())
}

fn write<T: Send + 'static, E: From<DbError> + std::fmt::Debug + Send + 'static>(
    database: &Database,
    f: impl FnOnce(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
) -> T {
    database.write_blocking(move |tx| f(tx)).unwrap()
}

/// The word of a rank: frequent ones are short.
pub(crate) fn word(rank: usize) -> String {
    const SYLLABLES: [&str; 40] = [
        "the", "an", "to", "we", "re", "in", "so", "ma", "li", "no", "ter", "ka", "mo", "di", "lo",
        "sen", "ra", "tion", "be", "ca", "per", "ha", "ni", "fo", "gu", "vi", "sta", "ve", "pro",
        "ing", "de", "wo", "com", "le", "sur", "bi", "po", "un", "est", "cha",
    ];
    let mut word = String::new();
    let mut rest = rank + 1;
    while rest > 0 {
        word += SYLLABLES[(rest - 1) % SYLLABLES.len()];
        rest = (rest - 1) / SYLLABLES.len();
    }
    word
}

/// The same numbers each time (xorshift).
#[derive(Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    /// As likely as one over itself.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the words"
    )]
    fn rank(&mut self) -> usize {
        let part = self.below(1 << 20) as f64 / f64::from(1 << 20);
        ((WORDS as f64).powf(part) as usize).min(WORDS) - 1
    }
}

pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}
