//! What stands in docs/pmr.md: which test covers which requirement of the PMR draft, and those that
//! belong nowhere else.

use std::path::Path;

use reqwest::Method;
use sotto_wire::http_sig;
use sotto_wire::relay_api::paths;

use super::world::{World, on_postgres};

/// Every Rust source under a folder, one after the other.
fn sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            all.push_str(&std::fs::read_to_string(path).expect("source"));
        }
    }
}

/// Names of functions in the last column: lower case with underscores, nothing that is a path or code.
fn named(row: &str) -> Vec<&str> {
    let last = row.trim_end_matches([' ', '|']).rsplit(" | ").next();
    let quoted = last.unwrap_or_default().split('`').skip(1).step_by(2);
    quoted.collect()
}

#[tokio::test]
async fn no_answer_carries_a_digest() {
    let world = World::new().await;
    let (alice, device) = world.registered("alice").await;
    let grant = world.grants(&device, 1).await.remove(0);
    let envelope = alice.envelope(&device, &alice.did, "x");
    let answers = [
        world.put(&grant, b"message").await,
        world.contact(&alice.did, envelope).await,
        world
            .owner(&device, Method::GET, paths::MESSAGES, None)
            .await,
        world.owner(&device, Method::GET, paths::GRANTS, None).await,
        world.send(Method::GET, "/nowhere", &[], None).await,
    ];
    for answer in answers {
        assert!(!answer.headers.contains_key(http_sig::CONTENT_DIGEST));
    }
}

#[test]
fn every_test_named_in_the_table_exists() {
    if on_postgres() {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let table = std::fs::read_to_string(root.join("docs/pmr.md")).expect("docs/pmr.md");
    let mut code = String::new();
    sources(&root.join("crates"), &mut code);
    let rows = table.lines().filter(|line| line.starts_with("| "));
    let (mut found, mut missing) = (0, Vec::new());
    for name in rows.flat_map(named) {
        if code.contains(&format!("fn {name}(")) {
            found += 1;
        } else {
            missing.push(name);
        }
    }
    assert!(found > 100, "the table was read: {found}");
    assert!(missing.is_empty(), "no such tests: {missing:?}");
}
