//! Logs that follow the rules and logs that do not. The cases are also the test vectors for other
//! implementations, `tests/vectors/plc.json`.

use std::path::Path;

use serde_json::{Value, json};
use sotto_wire::did::Did;
use sotto_wire::time::Timestamp;

use super::*;
use crate::testing::plc::{GENESIS, TestLog};

mod chains;
mod forgeries;
mod forks;
mod sequels;

const HOUR: u64 = 3600;
/// Long after everything in a log.
const LATER: Timestamp = Timestamp(GENESIS.0 + 10_000 * HOUR);

/// A log to verify, maybe after earlier states of it.
struct Case {
    name: &'static str,
    did: String,
    /// What was seen before, and when.
    earlier: Vec<(Timestamp, Vec<Value>)>,
    now: Timestamp,
    log: Vec<Value>,
    /// The code of the error.
    refused: Option<&'static str>,
}

impl Case {
    fn good(name: &'static str, log: &TestLog) -> Self {
        Self {
            name,
            did: log.did(),
            earlier: Vec::new(),
            now: LATER,
            log: log.entries.clone(),
            refused: None,
        }
    }

    fn bad(name: &'static str, code: &'static str, log: &TestLog) -> Self {
        Self {
            refused: Some(code),
            ..Self::good(name, log)
        }
    }

    /// A state of the log seen `hours` after the first operation.
    fn after(mut self, hours: u64, log: &TestLog) -> Self {
        let entries = log.entries.clone();
        self.earlier.push((GENESIS.plus(hours * HOUR), entries));
        self
    }

    fn json(&self) -> Value {
        let earlier: Vec<Value> = self
            .earlier
            .iter()
            .map(|(at, log)| json!({"at": at.0, "log": log}))
            .collect();
        let outcome = match self.refused {
            Some(code) => json!({"refused": code}),
            None => accepted(&self.verify().unwrap(), &self.did),
        };
        json!({
            "name": self.name, "did": self.did, "earlier": earlier, "now": self.now.0,
            "log": self.log, "outcome": outcome,
        })
    }

    fn verify(&self) -> Result<VerifiedLog, LogError> {
        let did = Did::parse(&self.did).unwrap();
        let mut known: Option<KnownLog> = None;
        for (at, log) in &self.earlier {
            let seen = verify(&bytes(log), &did, known.as_ref(), *at).unwrap();
            // As it is kept in between.
            known = Some(KnownLog::from_bytes(&seen.known.to_bytes()).unwrap());
        }
        verify(&bytes(&self.log), &did, known.as_ref(), self.now)
    }
}

fn bytes(log: &[Value]) -> Vec<u8> {
    serde_json::to_vec(log).unwrap()
}

fn accepted(log: &VerifiedLog, did: &str) -> Value {
    let did = Did::parse(did).unwrap();
    json!({
        "rotationKeys": log.state.rotation_keys,
        "document": log.state.document(&did),
        "anchored": log.anchored.as_ref().map(|it| &it.cid),
        "unanchored": log.unanchored.as_ref().map(|it| &it.cid),
    })
}

fn cases() -> Vec<Case> {
    let parts = [
        chains::cases(),
        forgeries::cases(),
        forks::cases(),
        sequels::cases(),
    ];
    parts.into_iter().flatten().collect()
}

#[test]
fn every_case_ends_as_it_should() {
    for case in cases() {
        let code = case.verify().err().map(|error| error.code());
        assert_eq!(code, case.refused, "{}", case.name);
    }
}

#[test]
fn every_error_has_a_case() {
    let cases = cases();
    for error in [
        LogError::TooLarge,
        LogError::Malformed,
        LogError::BadCid,
        LogError::WrongGenesis,
        LogError::BrokenChain,
        LogError::Forged,
        LogError::IllegalFork,
        LogError::FalseNullification,
        LogError::RolledBack,
        LogError::Rewritten,
        LogError::Tombstoned,
    ] {
        let code = Some(error.code());
        assert!(cases.iter().any(|case| case.refused == code), "{error}");
    }
}

/// `SOTTO_WRITE_VECTORS=1` writes the file anew, which is right only together with a change of
/// docs/protocol.md.
#[test]
fn the_vectors_are_these_cases() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/plc.json");
    let cases: Vec<Value> = cases().iter().map(Case::json).collect();
    let document = json!({"section": "docs/protocol.md §1.5", "cases": cases});
    if std::env::var_os("SOTTO_WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
        std::fs::write(&path, text).unwrap();
        return;
    }
    let stored: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(stored, document, "plc.json differs");
}

#[test]
fn what_is_no_log_is_refused() {
    let log = TestLog::usual();
    let did = Did::parse(&log.did()).unwrap();
    let outcome = |body: &[u8]| verify(body, &did, None, LATER).unwrap_err();
    let good = log.body();
    for garbage in [
        &b""[..],
        b"null",
        b"{}",
        b"[]",
        b"[null]",
        b"[[]]",
        b"\xff\xfe",
        &good[..good.len() - 1],
        &[good.clone(), b"]".to_vec()].concat(),
        "[".repeat(100_000).as_bytes(),
    ] {
        assert_eq!(outcome(garbage), LogError::Malformed);
    }
    let mut spaces = good.clone();
    spaces.resize(MAX_LOG + 1, b' ');
    assert_eq!(outcome(&spaces), LogError::TooLarge);
    let many = vec![log.entries[0].clone(); 4097];
    assert_eq!(outcome(&bytes(&many)), LogError::TooLarge);
}

#[test]
fn what_is_kept_is_short_and_reads_back() {
    let case = Case::good("usual", &TestLog::usual());
    let known = case.verify().unwrap().known;
    assert!(known.to_bytes().len() < 150);
    assert_eq!(KnownLog::from_bytes(&known.to_bytes()), Ok(known.clone()));
    assert_eq!(KnownLog::from_bytes(b"garbage"), Err(InvalidKnownLog));
    let mut grown = TestLog::usual();
    grown.follow(0, json!({}), &crate::testing::plc::weak(), 1);
    let grown = Case::good("grown", &grown).verify().unwrap().known;
    assert!(grown.extends(&known) && !known.extends(&grown));
}
