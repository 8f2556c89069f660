//! What durable end-to-end encryption costs, beside openmls alone in memory in the same run.
//!
//! `cargo bench -p sotto-core --bench engine` prints one line per figure:
//! `name<TAB>value<TAB>unit<TAB>ratio`, the ratio being the baseline's time by ours (1 = as fast
//! as openmls alone). Every durable figure includes SQLCipher, WAL and `synchronous = FULL`.
//! What has no counterpart in openmls is held against one changed row, made durable the same way.
//! Baseline and backlog take turns and count by their best of seven rounds, as another process on
//! the machine can only make them slower; single messages count by their median.
//! `-- backlog`, `-- single`, `-- healing` or `-- staples` runs that part only, for a profiler.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench prints its figures and stops where something is wrong"
)]

mod baseline;
#[path = "engine/staples.rs"]
mod staples;
#[path = "../src/testing.rs"]
#[expect(dead_code, unreachable_pub, reason = "the tests use the rest")]
mod testing;

use sotto_core::db::DbError;
use sotto_core::messages::{Incoming, Outcome, compose};
use sotto_core::outbox::PutResult;
use std::time::{Duration, Instant};
use testing::{Party, acquainted};

const BACKLOG: usize = 1000;
const SINGLE: usize = 200;
const TURNS: usize = 50;
/// As in the figures this is compared with: 256 bytes of text.
const TEXT: &str = "Sixteen letters. Sixteen letters. Sixteen letters. Sixteen letters. \
                    Sixteen letters. Sixteen letters. Sixteen letters. Sixteen letters. \
                    Sixteen letters. Sixteen letters. Sixteen letters. Sixteen letters. \
                    Sixteen letters. Sixteen letters. Sixteen letters. x";

fn main() {
    // The bench is built by `cargo test --benches` too, where one round says that it still runs.
    let rounds = if std::env::args().any(|argument| argument == "--bench") {
        7
    } else {
        1
    };
    let only = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"));
    let runs = |part: &str| only.as_deref().is_none_or(|only| only == part);
    let mut figures = Figures::default();
    let mut staples = staples::Staples::default();
    for _ in 0..rounds {
        let (seal, open) = baseline::messages(TEXT.as_bytes(), BACKLOG);
        figures.baseline_seal.push(seal / BACKLOG as u32);
        figures.baseline_open.push(open / BACKLOG as u32);
        let (seal, open) = baseline::stored_messages(TEXT.as_bytes(), BACKLOG);
        figures.stored_seal.push(seal / BACKLOG as u32);
        figures.stored_open.push(open / BACKLOG as u32);
        if runs("backlog") {
            backlog(&mut figures);
        }
        if runs("single") {
            single(&mut figures);
        }
        if runs("healing") {
            healing(&mut figures);
        }
        if runs("staples") {
            staples.measure();
        }
    }
    figures.print();
    staples.print();
}

fn compose(alice: &Party, bob: &Party, n: usize) {
    let id = alice.start(bob);
    alice.write(move |tx| (0..n).try_for_each(|_| compose::text(tx, &id, TEXT).map(drop)));
}

fn backlog(figures: &mut Figures) {
    let (alice, bob) = acquainted();
    compose(&alice, &bob, BACKLOG);
    let start = Instant::now();
    let puts = alice.seal(&bob);
    figures.backlog_seal.push(start.elapsed() / BACKLOG as u32);
    let incoming: Vec<Incoming> = puts.iter().map(|put| alice.delivery(put)).collect();
    let start = Instant::now();
    let outcomes = bob.receive_batch(incoming);
    figures.backlog_open.push(start.elapsed() / BACKLOG as u32);
    assert!(outcomes.len() == BACKLOG && outcomes.iter().all(is_message));
}

fn single(figures: &mut Figures) {
    let (alice, bob) = acquainted();
    for _ in 0..SINGLE {
        let start = Instant::now();
        alice.write(|tx| {
            // Another value each time: what stays the same is not written.
            let sql = "UPDATE peer SET verified_at = verified_at + 1";
            Ok::<_, DbError>(tx.execute(sql, []).map(drop)?)
        });
        figures.single_row.push(start.elapsed());
        let start = Instant::now();
        compose(&alice, &bob, 1);
        figures.single_compose.push(start.elapsed());
        let start = Instant::now();
        let put = alice.seal(&bob).remove(0);
        figures.single_seal.push(start.elapsed());
        let incoming = vec![alice.delivery(&put)];
        let start = Instant::now();
        alice.settle(&put, PutResult::Accepted);
        figures.single_settle.push(start.elapsed());
        let start = Instant::now();
        let outcomes = bob.receive_batch(incoming);
        figures.single_open.push(start.elapsed());
        assert!(outcomes.iter().all(is_message));
    }
}

/// Each answers the other, so that every message comes with a commit.
fn healing(figures: &mut Figures) {
    let (mut one, mut other) = acquainted();
    for _ in 0..TURNS {
        let (made, processed) = baseline::commit();
        figures.baseline_commit.push(made);
        figures.baseline_process.push(processed);
        compose(&one, &other, 1);
        let start = Instant::now();
        let put = one.seal(&other).remove(0);
        figures.commit_seal.push(start.elapsed());
        let incoming = vec![one.delivery(&put)];
        one.settle(&put, PutResult::Accepted);
        let start = Instant::now();
        let outcomes = other.receive_batch(incoming);
        figures.commit_open.push(start.elapsed());
        assert!(outcomes.iter().all(is_message));
        std::mem::swap(&mut one, &mut other);
    }
}

fn is_message(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Message(_))
}

#[derive(Default)]
struct Figures {
    baseline_seal: Vec<Duration>,
    baseline_open: Vec<Duration>,
    stored_seal: Vec<Duration>,
    stored_open: Vec<Duration>,
    backlog_seal: Vec<Duration>,
    backlog_open: Vec<Duration>,
    single_row: Vec<Duration>,
    single_compose: Vec<Duration>,
    single_seal: Vec<Duration>,
    single_settle: Vec<Duration>,
    single_open: Vec<Duration>,
    baseline_commit: Vec<Duration>,
    baseline_process: Vec<Duration>,
    commit_seal: Vec<Duration>,
    commit_open: Vec<Duration>,
}

impl Figures {
    fn print(&mut self) {
        let seal = best(&self.baseline_seal);
        let open = best(&self.baseline_open);
        line("openmls alone in memory, seal", seal, seal);
        line("openmls alone in memory, open", open, open);
        let stored = "backlog of 1000, openmls with openmls_sqlite_storage";
        line(&format!("{stored}, seal"), best(&self.stored_seal), seal);
        line(&format!("{stored}, open"), best(&self.stored_open), open);
        line(
            "backlog of 1000, seal, durable",
            best(&self.backlog_seal),
            seal,
        );
        line(
            "backlog of 1000, open, durable",
            best(&self.backlog_open),
            open,
        );
        let row = median(&mut self.single_row);
        line("one row changed, durable (baseline)", row, row);
        line(
            "one at a time, compose, durable",
            median(&mut self.single_compose),
            row,
        );
        line(
            "one at a time, seal, durable",
            median(&mut self.single_seal),
            seal,
        );
        line(
            "one at a time, settle, durable",
            median(&mut self.single_settle),
            row,
        );
        line(
            "one at a time, open, durable",
            median(&mut self.single_open),
            open,
        );
        let made = median(&mut self.baseline_commit);
        let processed = median(&mut self.baseline_process);
        line("openmls alone in memory, commit made", made, made);
        line(
            "openmls alone in memory, commit processed",
            processed,
            processed,
        );
        line(
            "commit made, one message sealed, durable",
            median(&mut self.commit_seal),
            made,
        );
        line(
            "commit processed, one message opened, durable",
            median(&mut self.commit_open),
            processed,
        );
    }
}

/// `None` where it was not run.
fn best(times: &[Duration]) -> Option<Duration> {
    times.iter().min().copied()
}

/// `None` where it was not run.
fn median(times: &mut [Duration]) -> Option<Duration> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

fn line(name: &str, time: Option<Duration>, baseline: Option<Duration>) {
    let Some(time) = time else { return };
    let micros = time.as_secs_f64() * 1e6;
    let ratio = baseline.map_or("-".to_owned(), |baseline| {
        format!("{:.2}", baseline.as_secs_f64() / time.as_secs_f64())
    });
    println!("{name}\t{micros:.1}\tµs\t{ratio}");
}
