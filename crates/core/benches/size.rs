//! What a long history costs: 500,000 messages in 1,000 conversations, 100,000 of them in one.
//!
//! `cargo bench -p sotto-core --bench size` prints one line per figure:
//! `name<TAB>value<TAB>unit<TAB>ratio`, and the aim where there is one. Times are held against reading one message by its id in the
//! same database, searches also against reading every text (how many times faster: above 1). The
//! database is made once and kept beside the build; the operating system has its pages in memory.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench prints its figures and stops where something is wrong"
)]

#[path = "size/fixture.rs"]
mod fixture;
#[path = "size/memory.rs"]
mod memory;
#[path = "size/past.rs"]
mod past;
#[path = "../src/testing.rs"]
#[expect(dead_code, unreachable_pub, reason = "the tests use the rest")]
mod testing;

use fixture::Fixture;
use past::{Dice, Size};
use sotto_core::db::{Database, DbError};
use sotto_core::messages::search::{self, Query};
use sotto_core::messages::{around, history};
use sotto_wire::conversation::ConversationId;
use std::time::{Duration, Instant};

/// As many results as the user interface asks for at once.
const HITS: u32 = 30;
const PAGE: u32 = 50;

// What is aimed at, in milliseconds at most.
const FIRST_PAGE: u32 = 50;
const FIRST_RESULTS: u32 = 50;
const LIST: u32 = 1000;

fn main() {
    // The bench is built by `cargo test --benches` too, where a small one says that it still runs.
    let size = if std::env::args().any(|argument| argument == "--bench") {
        Size::FULL
    } else {
        Size::SMALL
    };
    let fixture = Fixture::get(size);
    if memory::is_child() {
        return memory::measure(&fixture);
    }
    let lookup = reading(&fixture);
    searching(&fixture, lookup);
    memory::print(size);
}

fn reading(fixture: &Fixture) -> Duration {
    let database = fixture.open();
    let ids = fixture.ids_of_the_longest(&database);
    let id = fixture.longest(&database);
    let mut each = Dice::new();
    let lookup = times(201, || {
        let one = ids[each.below(ids.len())];
        assert_eq!(
            read(&database, move |tx| history::by_ids(tx, &[one])).len(),
            1
        );
    });
    let n = fixture.size.messages;
    let baseline = median(&lookup);
    line(
        &format!("one message of {n} by its id (baseline)"),
        baseline,
        1.0,
        None,
    );
    let against = |name: &str, times: &[Duration], aim| {
        let value = median(times);
        let ratio = baseline.as_secs_f64() / value.as_secs_f64();
        line(name, value, ratio, aim);
    };
    let opening = times(51, || {
        assert!(read(&database, move |tx| history::conversation(tx, &id)).is_some());
        page(&database, id, None);
    });
    let long = fixture.size.longest;
    against(
        &format!("opening a conversation of {long}, to the first page"),
        &opening,
        Some(FIRST_PAGE),
    );
    let deep = times(51, || {
        page(&database, id, Some(ids[each.below(ids.len() - 60) + 60]));
    });
    against("a page somewhere in it", &deep, None);
    let jump = times(51, || {
        let middle = ids[each.below(ids.len())];
        let found = read(&database, move |tx| around::around(tx, &id, middle, PAGE));
        assert!(found.len() == PAGE as usize);
    });
    against("a page around a message in it", &jump, None);
    drop(database);
    let cold = times(5, || {
        let database = fixture.open();
        let list = read(&database, history::conversations);
        assert_eq!(list.len(), fixture.size.conversations);
    });
    let name = "start of the core to the list of conversations";
    let name = format!("{name}, {}", fixture.size.conversations);
    against(&name, &cold, Some(LIST));
    baseline
}

fn page(database: &Database, id: ConversationId, before: Option<i64>) {
    let found = read(database, move |tx| history::page(tx, &id, before, PAGE));
    assert!(found.len() == PAGE as usize);
}

/// Frequent and rare words, one and two, each as it is typed.
fn searching(fixture: &Fixture, lookup: Duration) {
    let database = fixture.open();
    let start = Instant::now();
    let scanned: i64 = read(&database, |tx| {
        let sql = "SELECT count(*) FROM message WHERE text LIKE '%no such text%'";
        Ok(tx.query_row(sql, [], |row| row.get(0))?)
    });
    let scan = start.elapsed();
    assert_eq!(scanned, 0);
    line(
        "reading every text",
        scan,
        lookup.as_secs_f64() / scan.as_secs_f64(),
        None,
    );
    let places = [
        ("search in all conversations", None),
        (
            "search in the longest one",
            Some(fixture.longest(&database)),
        ),
        ("search in a short one", Some(fixture.shortest(&database))),
    ];
    for (name, place) in places {
        let mut found = Vec::new();
        for typed in typed() {
            // Once before: what is measured is not the first look at a page of the file.
            find(&database, &typed, place);
            let start = Instant::now();
            let hits = find(&database, &typed, place);
            found.push((start.elapsed(), typed, hits));
        }
        found.sort();
        let (worst, slowest, hits) = found.last().unwrap().clone();
        eprintln!("{name}: slowest {slowest:?}, {hits} hits, {worst:?}");
        let middle = found[found.len() / 2].0;
        for (which, value) in [("median", middle), ("worst", worst)] {
            let ratio = scan.as_secs_f64() / value.as_secs_f64();
            let name = format!("{name}, as one types, {which}");
            line(&name, value, ratio, Some(FIRST_RESULTS));
        }
    }
}

fn typed() -> Vec<String> {
    let ranks = [
        0,
        1,
        5,
        20,
        100,
        500,
        2_000,
        10_000,
        40_000,
        past::WORDS - 1,
    ];
    let words: Vec<String> = ranks.iter().map(|rank| past::word(*rank)).collect();
    let mut typed: Vec<String> = Vec::new();
    for word in &words {
        typed.extend((1..=word.len()).map(|end| word[..end].to_owned()));
    }
    for pair in words.windows(2) {
        let [first, second] = pair else { continue };
        typed.extend((1..=second.len()).map(|end| format!("{first} {}", &second[..end])));
    }
    typed.push(words[..4].join(" "));
    typed.push("nosuchword".to_owned());
    typed
}

fn find(database: &Database, text: &str, conversation: Option<ConversationId>) -> usize {
    let query = Query {
        text: text.to_owned(),
        conversation,
        before: None,
        limit: HITS,
    };
    let found = fixture::runtime().block_on(search::search(database, query));
    found.unwrap().hits.len()
}

fn read<T: Send + 'static>(
    database: &Database,
    f: impl FnOnce(&sotto_core::db::ReadTx<'_>) -> Result<T, DbError> + Send + 'static,
) -> T {
    database.read_blocking(f).unwrap()
}

fn times(n: usize, mut f: impl FnMut()) -> Vec<Duration> {
    let mut times: Vec<Duration> = (0..n)
        .map(|_| {
            let start = Instant::now();
            f();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times
}

fn median(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() / 2]
}

/// `aim` in milliseconds.
fn line(name: &str, value: Duration, ratio: f64, aim: Option<u32>) {
    let value = value.as_secs_f64() * 1e3;
    let aim = aim.map_or_else(String::new, |aim| format!("\t{aim}"));
    println!("{name}\t{value:.3}\tms\t{ratio:.4}{aim}");
}
