use super::*;
use crate::testing::{Party, TestClock};
use sotto_wire::conversation::ConversationId;
use sotto_wire::did::Did;
use sotto_wire::random::OsRandom;
use tokio::sync::broadcast::error::TryRecvError;

fn open(path: &Path, key: [u8; 32]) -> Result<Database, DbError> {
    // As the rest of the crate opens it, which the database itself must not know.
    let key = DatabaseKey::new(key);
    sotto_core::messages::open(path, &key, TestClock::new(), Arc::new(OsRandom))
}

fn id(n: u8) -> ConversationId {
    ConversationId::from_bytes([n; 32])
}

#[test]
fn handles_go_between_threads() {
    fn check<T: Send + Sync + Clone>() {}
    check::<Database>();
}

#[test]
fn another_key_is_refused_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    drop(open(&path, [1; 32]).unwrap());
    let error = open(&path, [2; 32]).err().unwrap();
    assert!(matches!(error, DbError::WrongKey), "{error}");
    assert_eq!(error.code(), "database.wrong-key");
    open(&path, [1; 32]).unwrap();
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    std::fs::write(&path, vec![b'x'; 8192]).unwrap();
    assert!(matches!(open(&path, [1; 32]), Err(DbError::WrongKey)));
}

#[test]
fn a_newer_schema_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = open(&path, [1; 32]).unwrap();
    db.write_blocking(|tx| Ok::<_, DbError>(tx.execute_batch("PRAGMA user_version = 99")?))
        .unwrap();
    drop(db);
    assert!(matches!(open(&path, [1; 32]), Err(DbError::Newer)));
}

#[test]
fn changes_are_announced_after_the_commit_and_merged() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db"), [1; 32]).unwrap();
    let mut changes = db.changes();
    let before = db.changes();
    db.write_blocking(move |tx| {
        tx.changed(Change::Outbox);
        tx.changed(Change::Conversations(vec![id(2), id(1)]));
        tx.changed(Change::Messages {
            conversation: id(1),
            ids: vec![5, 3],
        });
        tx.changed(Change::Messages {
            conversation: id(1),
            ids: vec![4, 3],
        });
        tx.changed(Change::Conversations(vec![id(1)]));
        tx.changed(Change::Outbox);
        assert!(before.is_empty(), "not before the commit");
        Ok::<_, DbError>(())
    })
    .unwrap();
    let messages = Change::Messages {
        conversation: id(1),
        ids: vec![3, 4, 5],
    };
    assert_eq!(changes.try_recv().unwrap(), messages);
    assert_eq!(
        changes.try_recv().unwrap(),
        Change::Conversations(vec![id(1), id(2)])
    );
    assert_eq!(changes.try_recv().unwrap(), Change::Outbox);
    assert_eq!(changes.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn a_rollback_announces_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db"), [1; 32]).unwrap();
    let mut changes = db.changes();
    let failed = db.write_blocking(|tx| {
        tx.changed(Change::Account);
        Err::<(), _>(DbError::Closed)
    });
    assert!(failed.is_err());
    assert_eq!(changes.try_recv(), Err(TryRecvError::Empty));

    // Nor does a savepoint that was undone, inside a transaction that was not.
    db.write_blocking(|tx| {
        tx.changed(Change::Outbox);
        let step = tx.savepoint()?;
        tx.changed(Change::Account);
        drop(step);
        let step = tx.savepoint()?;
        tx.changed(Change::Conversations(vec![id(1)]));
        step.commit()
    })
    .unwrap();
    assert_eq!(
        changes.try_recv().unwrap(),
        Change::Conversations(vec![id(1)])
    );
    assert_eq!(changes.try_recv().unwrap(), Change::Outbox);
    assert_eq!(changes.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn a_slow_listener_learns_that_it_missed_something() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db"), [1; 32]).unwrap();
    let mut changes = db.changes();
    for _ in 0..CHANGES_KEPT + 1 {
        db.write_blocking(|tx| {
            tx.changed(Change::Outbox);
            Ok::<_, DbError>(())
        })
        .unwrap();
    }
    assert!(matches!(changes.try_recv(), Err(TryRecvError::Lagged(_))));
}

#[test]
fn readers_cannot_write() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db"), [1; 32]).unwrap();
    let written = db.read_blocking(|tx| {
        tx.execute("DELETE FROM peer", [])?;
        Ok::<_, DbError>(())
    });
    assert!(written.is_err());
}

#[test]
fn a_job_that_panics_is_rolled_back_and_the_next_one_runs() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db"), [1; 32]).unwrap();
    let lost = db.write_blocking(|tx| -> Result<(), DbError> {
        tx.execute_batch("CREATE TABLE half (x INTEGER) STRICT")?;
        panic!("on purpose");
    });
    assert!(matches!(lost, Err(DbError::Closed)));
    let tables: i64 = db
        .write_blocking(|tx| {
            let sql = "SELECT count(*) FROM sqlite_master WHERE name = 'half'";
            Ok::<_, DbError>(tx.query_row(sql, [], |row| row.get(0))?)
        })
        .unwrap();
    assert_eq!(tables, 0);
}

#[test]
fn a_second_process_finds_the_database_locked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let _db = open(&path, [1; 32]).unwrap();
    let busy =
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None);
    assert_eq!(DbError::from(busy).code(), "database.locked");
    let full =
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL), None);
    assert_eq!(DbError::from(full).code(), "database.full");
}

#[test]
fn a_full_disk_is_reported_and_undone() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("db"), [1; 32]).unwrap();
    let limit = |pages: &'static str| {
        db.write_blocking(move |tx| {
            Ok::<_, DbError>(tx.query_row(pages, [], |row| row.get::<_, i64>(0))?)
        })
        .unwrap()
    };
    limit("PRAGMA max_page_count = 100");
    let fill = || {
        db.write_blocking(|tx| {
            tx.execute(
                "INSERT INTO quarantine (digest, code, bytes, at)
                        VALUES (randomblob(32), '', zeroblob(1048576), 0)",
                [],
            )?;
            Ok::<_, DbError>(())
        })
    };
    assert!(matches!(fill(), Err(DbError::Full)));
    limit("PRAGMA max_page_count = 100000");
    fill().unwrap();
}

#[test]
fn the_own_account_in_memory_is_never_one_that_was_rolled_back() {
    let clock = TestClock::new();
    let alice = Party::new("alice", &clock);
    let handle = || alice.write(own::current).unwrap().handle.clone();
    assert_eq!(handle(), "alice.example");
    let mut renamed = alice.own.clone();
    renamed.handle = "renamed.example".into();
    let undone = renamed.clone();
    let failed = alice.db().write_blocking(move |tx| {
        own::store(tx, &undone)?;
        assert_eq!(own::current(tx)?.unwrap().handle, "renamed.example");
        Err::<(), _>(DbError::Closed)
    });
    assert!(failed.is_err());
    assert_eq!(handle(), "alice.example");
    alice.write(move |tx| own::store(tx, &renamed));
    assert_eq!(handle(), "renamed.example");
}

#[test]
fn own_account_and_peers_come_back_as_they_were() {
    let clock = TestClock::new();
    let (alice, bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    let own = alice.read(|tx| own::load(tx)).unwrap();
    assert_eq!(own.did, alice.own.did);
    assert_eq!(own.certificate, alice.own.certificate);
    assert_eq!(own.device_key.public(), alice.own.device_key.public());
    assert_eq!(own.delegate_key.public(), alice.own.delegate_key.public());

    let mut peer = bob.peer();
    peer.avatar = Some(("image/png".into(), vec![1, 2, 3]));
    let did = peer.pin.did.clone();
    let stored = peer.clone();
    let id = alice.write(move |tx| peers::upsert(tx, &stored));
    let found = alice.read(move |tx| peers::by_did(tx, &did)).unwrap();
    assert_eq!((&found.pin, &found.avatar), (&peer.pin, &peer.avatar));
    // A new verification leaves names and pictures alone.
    let mut pin = peer.pin.clone();
    pin.claim_seq += 1;
    let newer = pin.clone();
    assert_eq!(alice.write(move |tx| peers::pin(tx, &newer, 5)), id);
    let found = alice.read(move |tx| peers::get(tx, id)).unwrap();
    assert_eq!(
        (found.pin, found.handle, found.avatar),
        (pin, peer.handle, peer.avatar)
    );
    let nobody = Did::parse("did:web:nobody.example").unwrap();
    assert!(alice.read(move |tx| peers::by_did(tx, &nobody)).is_none());
}
