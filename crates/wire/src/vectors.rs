//! The test vectors in `crates/wire/vectors/`: what this implementation makes of fixed inputs has
//! to equal the files. `SOTTO_WRITE_VECTORS=1 cargo test -p sotto-wire` writes them anew, which is
//! right only together with a change of docs/protocol.md.

use std::{fmt::Debug, fs, path::Path};

use serde_json::{Value, json};

use crate::{did::Did, domain::Domain, key::SigningKey, random::Random, time::Timestamp};

mod account;
mod attachment;
mod content;
mod http;
mod identifiers;
mod messages;
mod pds_api;
mod relay;
mod safety;
mod signed;

const NOW: Timestamp = Timestamp(1_700_000_000);

/// Compares a document with its file, or writes it.
fn check(name: &str, section: &str, cases: Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("vectors")
        .join(format!("{name}.json"));
    let document = json!({ "section": format!("docs/protocol.md §{section}"), "cases": cases });
    if std::env::var_os("SOTTO_WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
        fs::write(&path, text).unwrap();
        return;
    }
    let stored: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(stored, document, "{name}.json differs");
}

/// An encoding that a decoder accepts.
fn accepted(name: &str, input: Value, bytes: &[u8]) -> Value {
    json!({ "name": name, "input": input, "hex": hex::encode(bytes) })
}

/// An encoding that a decoder refuses, with this implementation's name for the reason.
fn refused<T: Debug, E: Debug>(name: &str, bytes: &[u8], result: Result<T, E>) -> Value {
    let error = result.expect_err(name);
    json!({ "name": name, "hex": hex::encode(bytes), "refused": format!("{error:?}") })
}

/// Repeats the bytes 0, 1, 2, …
struct Counting;

impl Random for Counting {
    fn fill(&self, out: &mut [u8]) {
        (0..=u8::MAX)
            .cycle()
            .zip(out)
            .for_each(|(value, byte)| *byte = value);
    }
}

fn alice() -> Did {
    Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap()
}

fn bob() -> Did {
    Did::parse("did:web:bob.example").unwrap()
}

fn relay() -> Domain {
    Domain::parse("relay.example").unwrap()
}

/// A key whose seed is 32 times this byte.
fn key(byte: u8) -> SigningKey {
    SigningKey::from_seed(&[byte; 32])
}

/// Seed and public forms of [`key`], for the inputs of cases.
fn key_input(byte: u8) -> Value {
    let public = key(byte).public();
    json!({ "seed": hex::encode([byte; 32]), "public": hex::encode(public.as_bytes()) })
}
