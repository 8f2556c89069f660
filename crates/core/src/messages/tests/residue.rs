//! What was deleted is nowhere in the files. They are in the clear here, as only these tests have
//! it, so that every byte can be looked at.

use crate::db::{DatabaseKey, DbError, WriteTx, search_index};
use crate::messages::{ComposeError, content, drafts, open};
use crate::testing::{self, Party, TestClock};
use sotto_wire::random::OsRandom;
use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

fn in_the_clear(name: &str, clock: &Arc<TestClock>) -> Party {
    let dir = tempfile::tempdir().unwrap();
    let own = testing::account(name, testing_now(clock));
    let path = dir.path().join("sotto.db");
    let party = Party {
        db: Some(reopened(&path, clock)),
        own: own.clone(),
        clock: Arc::clone(clock),
        dir,
        queue: Vec::new(),
        packages: std::cell::RefCell::default(),
    };
    party.write(move |tx| crate::db::own::store(tx, &own));
    party.stock(16);
    party
}

fn testing_now(clock: &Arc<TestClock>) -> sotto_wire::time::Timestamp {
    use sotto_wire::time::Clock as _;
    clock.now()
}

fn reopened(path: &Path, clock: &Arc<TestClock>) -> crate::db::Database {
    let key = DatabaseKey::new([0; 32]);
    open(path, &key, clock.clone(), Arc::new(OsRandom)).unwrap()
}

/// How every canary goes on after its beginning, which the index may keep apart from the rest.
const MIDDLE: &[u8] = b"7q7";
const REST: usize = 12;

/// A word like no other.
fn canary(n: usize) -> String {
    let letters: [u8; REST] = sotto_wire::random::array(&OsRandom);
    let letters: String = letters.iter().map(|b| char::from(b'a' + b % 26)).collect();
    let start = char::from(b'a' + u8::try_from(n % 26).unwrap());
    format!("{start}{n:03}7q7{letters}")
}

/// How many of the words are in any file of the directory.
fn found(dir: &Path, canaries: &[String]) -> usize {
    let mut rests = HashSet::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let file = std::fs::read(entry.unwrap().path()).unwrap();
        let middles = file.windows(MIDDLE.len()).enumerate();
        for (at, _) in middles.filter(|(_, window)| *window == MIDDLE) {
            let rest = at + MIDDLE.len();
            rests.extend(file.get(rest..rest + REST).map(<[u8]>::to_vec));
        }
    }
    let rest = |word: &&String| rests.contains(&word.as_bytes()[word.len() - REST..]);
    canaries.iter().filter(rest).count()
}

/// Until the log has been cut off, which comes after the commit.
#[expect(
    clippy::disallowed_methods,
    reason = "no runtime is here to be blocked"
)]
fn cut_off(party: &Party) {
    let log = party.dir.path().join("sotto.db-wal");
    for _ in 0..500 {
        if std::fs::metadata(&log).is_ok_and(|log| log.len() == 0) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the log was never cut off");
}

/// Short texts, and long ones with a canary every few hundred bytes; other messages in between.
fn written(party: &Party, bob: &Party) -> (Vec<i64>, Vec<String>) {
    let (mut ids, mut canaries) = (Vec::new(), Vec::new());
    for n in 0..60 {
        let words = if n % 5 == 0 { 40 } else { 1 };
        let mut text = String::new();
        for word in 0..words {
            let canary = canary(n + word);
            text += &format!(
                "{canary} {}",
                "and so on ".repeat(if words > 1 { 30 } else { 1 })
            );
            canaries.push(canary);
        }
        ids.push(party.say(bob, &text));
        party.say(
            bob,
            &format!("this one stays {n} {}", "hay ".repeat(n * 7 % 50)),
        );
    }
    (ids, canaries)
}

fn erase(party: &Party, ids: Vec<i64>, sql: &'static str) {
    party.write(move |tx| {
        for id in &ids {
            tx.execute(sql, [id])?;
        }
        Ok::<_, DbError>(())
    });
}

const DELETES: [&str; 3] = [
    "DELETE FROM message WHERE id = ?1",
    "UPDATE message SET text = NULL, content = x'00' WHERE id = ?1",
    "UPDATE message SET text = 'edited', content = zeroblob(300) WHERE id = ?1",
];

#[test]
fn deleted_and_overwritten_texts_are_in_no_file() {
    let clock = TestClock::new();
    for noted in [true, false] {
        for sql in DELETES {
            let (alice, bob) = (in_the_clear("alice", &clock), Party::new("bob", &clock));
            let (ids, canaries) = written(&alice, &bob);
            if noted {
                alice.write(search_index::catch_up);
            }
            assert_eq!(found(alice.dir.path(), &canaries), canaries.len());
            alice.write(|tx| Ok::<_, DbError>(tx.execute("DELETE FROM outbox", [])?));
            erase(&alice, ids, sql);
            cut_off(&alice);
            assert_eq!(found(alice.dir.path(), &canaries), 0, "{sql}, {noted}");
        }
    }
}

#[test]
fn what_was_deleted_edited_or_has_run_out_is_in_no_file() {
    type Erase = fn(&WriteTx<'_>, i64) -> Result<(), ComposeError>;
    let ways: [(&str, Erase); 4] = [
        ("for me", |tx, id| content::delete(tx, id, false)),
        ("for everyone", |tx, id| {
            // As if it had been sealed: then the peer is told.
            let sql = "DELETE FROM outbox WHERE message = ?1";
            tx.execute(sql, [id]).map_err(DbError::from)?;
            content::delete(tx, id, true)
        }),
        ("edited before", |tx, id| {
            content::edit(tx, id, "another text")?;
            content::delete(tx, id, false)
        }),
        ("run out", |tx, id| {
            let sql = "UPDATE message SET expires_in = 1, expires_at = 1 WHERE id = ?1";
            tx.execute(sql, [id]).map_err(DbError::from)?;
            Ok(content::sweep(tx).map(drop)?)
        }),
    ];
    let clock = TestClock::new();
    for (way, erase) in ways {
        let (alice, bob) = (in_the_clear("alice", &clock), Party::new("bob", &clock));
        let (ids, canaries) = written(&alice, &bob);
        alice.write(search_index::catch_up);
        assert_eq!(found(alice.dir.path(), &canaries), canaries.len());
        alice.write(move |tx| ids.into_iter().try_for_each(|id| erase(tx, id)));
        cut_off(&alice);
        assert_eq!(found(alice.dir.path(), &canaries), 0, "{way}");
    }
}

#[test]
fn they_would_be_found_if_pages_were_not_overwritten() {
    let clock = TestClock::new();
    for mode in ["PRAGMA secure_delete = FAST", "PRAGMA secure_delete = OFF"] {
        let (alice, bob) = (in_the_clear("alice", &clock), Party::new("bob", &clock));
        alice.write(move |tx| Ok::<_, DbError>(tx.query_row(mode, [], |_| Ok(()))?));
        let (ids, canaries) = written(&alice, &bob);
        alice.write(search_index::catch_up);
        alice.write(|tx| Ok::<_, DbError>(tx.execute("DELETE FROM outbox", [])?));
        erase(&alice, ids, DELETES[0]);
        cut_off(&alice);
        assert!(found(alice.dir.path(), &canaries) > 0, "{mode}");
    }
}

#[test]
fn a_draft_that_was_changed_or_cleared_and_a_request_that_was_declined_are_in_no_file() {
    let clock = TestClock::new();
    let (alice, bob) = (in_the_clear("alice", &clock), Party::new("bob", &clock));
    let id = alice.start(&bob);
    let canaries: Vec<String> = (0..3).map(canary).collect();
    let [first, second, third] = [0, 1, 2].map(|n| canaries[n].clone());
    alice.write(move |tx| drafts::save(tx, &id, &first));
    assert_eq!(found(alice.dir.path(), &canaries), 1);
    alice.write(move |tx| drafts::save(tx, &id, &second.repeat(200)));
    cut_off(&alice);
    assert_eq!(found(alice.dir.path(), &canaries), 1);
    alice.write(move |tx| drafts::save(tx, &id, " \n"));
    alice.write(move |tx| {
        tx.execute(
            "INSERT INTO held_envelope (peer, digest, bytes, welcome_digest, seq, brings_message,
                                        text, at)
             SELECT id, zeroblob(32), x'', zeroblob(32), 1, 1, ?1, 0 FROM peer LIMIT 1",
            [third],
        )?;
        Ok::<_, DbError>(())
    });
    assert_eq!(found(alice.dir.path(), &canaries[2..]), 1);
    alice.write(|tx| Ok::<_, DbError>(tx.execute("DELETE FROM held_envelope", [])?));
    cut_off(&alice);
    assert_eq!(found(alice.dir.path(), &canaries), 0);
}

/// A reader that looks at the database as it is, until it is told to end.
fn reader(
    party: &Party,
) -> (
    mpsc::Sender<()>,
    std::thread::JoinHandle<Result<(), DbError>>,
) {
    let (reads, reading) = mpsc::channel();
    let (go, wait) = mpsc::channel::<()>();
    let database = party.db().clone();
    let reader = std::thread::spawn(move || {
        database.read_blocking(move |tx| {
            tx.query_row("SELECT count(*) FROM draft", [], |_| Ok(()))?;
            reads.send(()).unwrap();
            wait.recv().unwrap();
            Ok::<_, DbError>(())
        })
    });
    reading.recv().unwrap();
    (go, reader)
}

#[test]
fn a_crash_before_the_log_is_cut_off_leaves_nothing_behind_after_the_next_start() {
    let clock = TestClock::new();
    let (alice, bob) = (in_the_clear("alice", &clock), Party::new("bob", &clock));
    let (ids, canaries) = written(&alice, &bob);
    alice.write(|tx| Ok::<_, DbError>(tx.execute("DELETE FROM outbox", [])?));
    let (go, reader) = reader(&alice);
    erase(&alice, ids, DELETES[0]);
    let crashed = tempfile::tempdir().unwrap();
    for file in ["sotto.db", "sotto.db-wal"] {
        std::fs::copy(alice.dir.path().join(file), crashed.path().join(file)).unwrap();
    }
    go.send(()).unwrap();
    reader.join().unwrap().unwrap();
    assert!(found(crashed.path(), &canaries) > 0);
    let database = reopened(&crashed.path().join("sotto.db"), &clock);
    assert_eq!(found(crashed.path(), &canaries), 0);
    drop(database);
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "no runtime is here to be blocked"
)]
fn a_reader_that_is_in_the_way_only_delays_it() {
    let clock = TestClock::new();
    let (alice, bob) = (in_the_clear("alice", &clock), Party::new("bob", &clock));
    let id = alice.start(&bob);
    let word = canary(1);
    let text = word.clone();
    alice.write(move |tx| drafts::save(tx, &id, &text));
    let (go, reader) = reader(&alice);
    alice.write(move |tx| drafts::save(tx, &id, ""));
    // Longer than the writer rests before it tries.
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(found(alice.dir.path(), std::slice::from_ref(&word)), 1);
    go.send(()).unwrap();
    reader.join().unwrap().unwrap();
    cut_off(&alice);
    assert_eq!(found(alice.dir.path(), &[word]), 0);
}
