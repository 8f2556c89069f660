//! What the core takes of memory with the long history open, in a process of its own.

use crate::fixture::Fixture;
use crate::past::{self, Size};
use crate::{find, page, read};
use sotto_core::messages::history;
use std::process::Command;

/// MiB at most, of this process and so with the baseline.
const AIM: u32 = 60;
const CHILD: &str = "SOTTO_BENCH_MEMORY";

pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Reads what a person would: the list, conversations, and searches.
pub(crate) fn measure(fixture: &Fixture) {
    let before = proportional();
    let database = fixture.open();
    let list = read(&database, history::conversations);
    for conversation in list.iter().take(20) {
        let id = conversation.id;
        read(&database, move |tx| history::page(tx, &id, None, 50));
    }
    let id = fixture.longest(&database);
    let ids = fixture.ids_of_the_longest(&database);
    for before in ids.iter().rev().step_by(50).take(100).skip(1) {
        page(&database, id, Some(*before));
    }
    drop(ids);
    for rank in [0, 3, 50, 1_000, 30_000] {
        for end in 1..=past::word(rank).len() {
            find(&database, &past::word(rank)[..end], None);
        }
    }
    println!("{before}\t{}", proportional());
}

pub(crate) fn print(size: Size) {
    let program = std::env::current_exe().unwrap();
    let full = std::env::args().any(|argument| argument == "--bench");
    let child = Command::new(program)
        .args(full.then_some("--bench"))
        .env(CHILD, "1")
        .output()
        .unwrap();
    let text = String::from_utf8(child.stdout).unwrap();
    let (before, after) = text.trim().split_once('\t').unwrap();
    let [before, after]: [f64; 2] = [before, after].map(|kib| kib.parse::<f64>().unwrap() / 1024.0);
    let n = size.messages;
    println!("memory before the database is opened (baseline)\t{before:.1}\tMiB\t1.00");
    println!(
        "memory of the core with {n} messages\t{after:.1}\tMiB\t{:.2}\t{AIM}",
        before / after
    );
}

/// Proportional set size of this process in KiB.
fn proportional() -> u64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kib.unwrap_or(0)
}
