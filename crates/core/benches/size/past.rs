//! A long history: made by SQL, the same each time.

use crate::testing;
use rusqlite::params;
use sotto_core::db::{Database, DbError, Peer, WriteTx};
use sotto_core::messages::start;
use sotto_wire::time::{Clock as _, SystemClock};

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

/// Into the database of an account: makes conversations until there are as many as asked for, and puts
/// the longest into the first, after the messages that are there. The peers count as verified at
/// `verified_at`, in milliseconds.
pub(crate) fn fill(database: &Database, size: Size, verified_at: u64) {
    let there = number(database, "SELECT count(*) FROM conversation");
    let last = number(database, "SELECT coalesce(max(id), 0) FROM message");
    for n in usize::try_from(there).unwrap()..size.conversations {
        let peer = peer(n, verified_at);
        write(database, move |tx| start::conversation(tx, &peer).map(drop));
    }
    let mut dice = Dice::new();
    let mut made = 0;
    while made < size.messages {
        let until = (made + BATCH).min(size.messages);
        let (batch, mut rolled) = (made..until, dice.clone());
        dice = write(database, move |tx| {
            for n in batch {
                let id = last + i64::try_from(n + 1).unwrap() * STEP;
                message(tx, size, id, &mut rolled)?;
            }
            Ok::<_, DbError>(rolled)
        });
        made = until;
    }
}

fn number(database: &Database, sql: &'static str) -> i64 {
    let reading = database
        .read_blocking::<_, DbError>(move |tx| Ok(tx.query_row(sql, [], |row| row.get(0))?));
    reading.unwrap()
}

fn peer(n: usize, verified_at: u64) -> Peer {
    let own = testing::account(&format!("peer{n}"), SystemClock.now());
    Peer {
        pin: testing::pin(&own),
        handle: Some(format!("peer{n}.example")),
        display_name: Some(format!("{} {}", word(n), word(n + 100))),
        avatar: Some(("image/png".into(), vec![0; 2_000])),
        verified_at,
        last_error: None,
        confirmed_at: None,
    }
}

fn message(tx: &WriteTx<'_>, size: Size, id: i64, dice: &mut Dice) -> Result<(), DbError> {
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

pub(crate) fn write<T: Send + 'static, E: From<DbError> + std::fmt::Debug + Send + 'static>(
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
