//! Logs that were seen before.

use serde_json::json;
use sotto_wire::did::Did;

use super::forks::{before_fork, fork};
use super::{Case, LATER};
use crate::plc::{KnownLog, LogError, entry, verify};
use crate::testing::plc::{GENESIS, TestLog, stranger, strong, weak};

pub(super) fn cases() -> Vec<Case> {
    [grown(), shrunk(), overruled()]
        .into_iter()
        .flatten()
        .collect()
}

fn grown() -> Vec<Case> {
    let mut log = before_fork();
    let same = Case::good("nothing new", &log).after(3, &log);
    let before = log.clone();
    log.follow(2, json!({}), &weak(), 9);
    vec![
        same,
        Case::good("one operation more than before", &log)
            .after(1, &TestLog::usual())
            .after(3, &before),
    ]
}

fn shrunk() -> Vec<Case> {
    let log = before_fork();
    let mut shorter = log.clone();
    shorter.entries.pop();
    let mut other = TestLog::usual();
    other.follow(0, json!({"alsoKnownAs": []}), &weak(), 1);
    other.follow(
        1,
        json!({"alsoKnownAs": ["at://mallory.example.com"]}),
        &weak(),
        2,
    );
    let mut dated = log.clone();
    dated.entries[2]["createdAt"] = GENESIS.plus(3 * 3600).rfc3339().into();
    let mut forgotten = fork(&strong(), 3);
    forgotten.entries.drain(1..3);
    vec![
        Case::bad("the last operation gone", "plc.rolled_back", &shorter).after(3, &log),
        Case::bad("another last operation", "plc.rewritten", &other).after(3, &log),
        Case::bad("another date", "plc.rewritten", &dated).after(3, &log),
        Case::good(
            "a fork without what it overrules, not seen before",
            &forgotten,
        ),
        Case::bad(
            "a fork without what it overrules",
            "plc.rewritten",
            &forgotten,
        )
        .after(3, &log),
    ]
}

fn overruled() -> Vec<Case> {
    let log = before_fork();
    let now = |case: Case, hours: u64| Case {
        now: GENESIS.plus(hours * 3600),
        ..case
    };
    let in_time = Case::good("overruled since", &fork(&strong(), 70)).after(3, &log);
    let backdated = Case::bad(
        "overruled before it was seen to stand, says the directory",
        "plc.illegal_fork",
        &fork(&strong(), 70),
    );
    let seen_twice = backdated.after(3, &log).after(80, &log);
    let long_ago = Case::good(
        "overruled long before it is looked at again",
        &fork(&strong(), 70),
    );
    let after_fork = fork(&strong(), 70);
    let settled = Case::good("overruled long ago, and seen so", &after_fork);
    vec![
        now(in_time, 71),
        now(seen_twice, 81),
        now(long_ago.after(3, &log), 9_000),
        now(
            settled
                .after(3, &log)
                .after(71, &after_fork)
                .after(200, &after_fork),
            9_000,
        ),
    ]
}

#[test]
fn signatures_of_what_is_known_are_not_verified_again() {
    let mut log = before_fork();
    log.follow(2, json!({}), &stranger(), 5);
    let did = Did::parse(&log.did()).unwrap();
    let outcome = |log: &TestLog, known: Option<&KnownLog>| {
        let verified = verify(&log.body(), &did, known, LATER);
        verified.map(|verified| verified.known.len())
    };
    assert_eq!(outcome(&log, None), Err(LogError::Forged));
    let entries = entry::read(&log.body(), &did, LATER).unwrap();
    let believed = KnownLog::of(&did, &entries, &[0; 4], None, LATER);
    assert_eq!(outcome(&log, Some(&believed)), Ok(4));
    // The directory can make no use of that: what differs in anything has another hash.
    let mut other = log.clone();
    other.entries[3]["operation"]["sig"] = json!("AAAA");
    assert_eq!(outcome(&other, Some(&believed)), Err(LogError::BadCid));
    log.follow(3, json!({}), &stranger(), 6);
    assert_eq!(outcome(&log, Some(&believed)), Err(LogError::Forged));
}

#[test]
fn what_is_known_of_another_account_says_nothing() {
    let log = before_fork();
    let did = Did::parse(&log.did()).unwrap();
    let known = verify(&log.body(), &did, None, LATER).unwrap().known;
    let mut other = crate::testing::plc::operation(None);
    other["alsoKnownAs"] = json!(["at://bob.example"]);
    let other = TestLog::new(&crate::testing::plc::signed(other, &weak()));
    let did = Did::parse(&other.did()).unwrap();
    assert!(verify(&other.body(), &did, Some(&known), LATER).is_ok());
}
