//! Operations that overrule others.

use serde_json::json;

use super::Case;
use crate::testing::RepoSigner;
use crate::testing::plc::{GENESIS, TestLog, signed, strong, tombstone, weak};

pub(super) fn cases() -> Vec<Case> {
    [allowed(), not_allowed(), marks()]
        .into_iter()
        .flatten()
        .collect()
}

/// Two operations by the weak key, one and two hours after the first, and one that overrules both.
pub(super) fn fork(key: &RepoSigner, hours: u64) -> TestLog {
    let mut log = before_fork();
    log.follow(0, json!({"alsoKnownAs": ["at://back.example"]}), key, hours);
    log.nullify(1);
    log.nullify(2);
    log
}

pub(super) fn before_fork() -> TestLog {
    let mut log = TestLog::usual();
    log.follow(0, json!({"alsoKnownAs": []}), &weak(), 1);
    log.follow(1, json!({}), &weak(), 2);
    log
}

fn allowed() -> Vec<Case> {
    let mut recovered = TestLog::usual();
    let end = signed(tombstone(&recovered.cid(0)), &weak());
    recovered.push(&end, GENESIS.plus(3600));
    recovered.follow(0, json!({}), &strong(), 2);
    recovered.nullify(1);
    let mut part = before_fork();
    part.follow(
        1,
        json!({"alsoKnownAs": ["at://back.example"]}),
        &strong(),
        74,
    );
    part.nullify(2);
    vec![
        Case::good("overruled by the stronger key", &fork(&strong(), 3)),
        Case::good("overruled in the last second", &fork(&strong(), 73)),
        Case::good("a tombstone overruled", &recovered),
        Case::good("only the last operation overruled", &part),
    ]
}

fn not_allowed() -> Vec<Case> {
    let illegal = |name, log: &TestLog| Case::bad(name, "plc.illegal_fork", log);
    let mut by_weaker = TestLog::usual();
    by_weaker.follow(0, json!({"alsoKnownAs": []}), &strong(), 1);
    by_weaker.follow(0, json!({}), &weak(), 2);
    by_weaker.nullify(1);
    let mut on_overruled = fork(&strong(), 3);
    on_overruled.follow(2, json!({}), &strong(), 4);
    // The newest of the overruled is young enough, the oldest is not.
    let late = fork(&strong(), 74);
    vec![
        illegal("overruled by the same key", &fork(&weak(), 3)),
        illegal("overruled by a weaker key", &by_weaker),
        illegal("overruled after 73 hours", &late),
        Case::bad(
            "following an overruled operation",
            "plc.broken_chain",
            &on_overruled,
        ),
    ]
}

fn marks() -> Vec<Case> {
    let lie = |name, log: &TestLog| Case::bad(name, "plc.false_nullification", log);
    let mut unmarked = fork(&strong(), 3);
    unmarked.entries[2]["nullified"] = false.into();
    let mut without_cause = before_fork();
    without_cause.nullify(2);
    let mut of_the_last = fork(&strong(), 3);
    of_the_last.nullify(3);
    vec![
        lie("an overruled operation not marked", &unmarked),
        lie("marked without being overruled", &without_cause),
        lie("the operation in force marked", &of_the_last),
    ]
}
