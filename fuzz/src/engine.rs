//! `sotto-core`: what a peer's device and a person give to the engine. Two or three accounts stand
//! ready, each with a database; whatever an input changes there is rolled back.
//!
//! What has to be genuine to be looked at (a Welcome, an envelope, a key package) is edited: an input
//! says where, and no edit at all must be accepted.

mod files;
mod input;
mod peer;
mod stranger;
#[path = "../../crates/core/src/testing.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "the engine's test bench; the tests use the rest"
)]
mod testing;

use crate::Target;
use sotto_core::db::{DbError, WriteTx};
use sotto_core::messages::{Incoming, Outcome, receive};
use testing::Party;

/// The targets of this module.
pub const TARGETS: &[Target] = &[
    files::ATTACHMENT_PARTS,
    files::FETCHED,
    files::FILE,
    input::PICTURE,
    input::VAULT,
    input::WORDS,
    peer::ENGINE_FRAME,
    peer::ENGINE_PAYLOAD,
    peer::MLS_MESSAGE,
    stranger::ENGINE_ENVELOPE,
    stranger::MLS_KEY_PACKAGE,
    stranger::MLS_WELCOME,
];

/// Carries a result out of a transaction that must leave nothing behind.
#[derive(Debug)]
enum Undone<T> {
    With(T),
    Db(DbError),
}

impl<T> From<DbError> for Undone<T> {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

/// Runs `f` in a transaction that is rolled back.
fn undone<T: Send + std::fmt::Debug + 'static>(
    party: &Party,
    f: impl FnOnce(&WriteTx<'_>) -> T + Send + 'static,
) -> T {
    let outcome = party
        .db()
        .write_blocking(move |tx| Err::<(), _>(Undone::With(f(tx))));
    match outcome {
        Err(Undone::With(result)) => result,
        Err(Undone::Db(error)) => panic!("the database failed: {error}"),
        Ok(()) => panic!("a transaction that always fails was committed"),
    }
}

/// What a batch comes to; the database stays as it was.
fn received(by: &Party, batch: Vec<Incoming>) -> Vec<Outcome> {
    let outcomes = undone(by, move |tx| receive::batch(tx, &batch));
    outcomes.expect("a batch does not fail for what is in it")
}

/// `genuine` with the edits of an input: four bytes each, what to do, where (two), and a byte.
fn edited(genuine: &[u8], script: &[u8]) -> Vec<u8> {
    let mut bytes = genuine.to_vec();
    for edit in script.chunks_exact(4).take(16) {
        let byte = |at: usize| edit.get(at).copied().unwrap_or_default();
        let at = usize::from(u16::from_be_bytes([byte(1), byte(2)]));
        let at = at % bytes.len().max(1);
        match byte(0) % 4 {
            0 if at < bytes.len() => drop(bytes.splice(at..=at, [byte(3)])),
            1 => bytes.insert(at, byte(3)),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            _ => bytes.truncate(at),
        }
    }
    bytes
}
