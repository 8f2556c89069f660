//! The committed corpus, without libFuzzer: every input comes back, and every target has some.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy counts only the test functions themselves as tests"
)]

use sotto_fuzz::targets;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn inputs(name: &str) -> Vec<Vec<u8>> {
    let folder = std::fs::read_dir(corpus().join(name));
    let mut files: Vec<_> = folder
        .unwrap_or_else(|error| panic!("no corpus of {name}: {error}"))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect()
}

#[test]
fn every_input_of_the_corpus_comes_back() {
    for target in targets() {
        let inputs = inputs(target.name);
        assert!(!inputs.is_empty(), "{}", target.name);
        inputs.iter().for_each(|input| (target.run)(input));
    }
}

#[test]
fn a_name_means_one_target_and_a_folder_is_a_targets() {
    let names: Vec<_> = targets().map(|target| target.name.to_owned()).collect();
    let unique: BTreeSet<_> = names.iter().cloned().collect();
    assert_eq!(names.len(), unique.len());
    let folders: BTreeSet<_> = std::fs::read_dir(corpus())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(folders, unique);
}
