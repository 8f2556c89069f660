//! Where programs are.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Node 22, as `scripts/node22.mjs` has prepared it.
pub(crate) fn node() -> PathBuf {
    if let Some(path) = std::env::var_os("SOTTO_NODE22") {
        return path.into();
    }
    let path = root().join(".cache/node22-path");
    let path = std::fs::read_to_string(&path)
        .expect(".cache/node22-path: `node scripts/setup.mjs --network` makes it");
    path.trim().into()
}

fn build(folder: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    let packages = ["sotto-relay", "sotto-cli", "sotto-pds-delegation"];
    let packages = packages.iter().flat_map(|name| ["-p", name]);
    build
        .current_dir(root())
        .args(["build", "--quiet"])
        .args(packages);
    if folder.ends_with("release") {
        build.arg("--release");
    }
    let status = build.status().expect("cargo");
    assert!(status.success(), "the programs do not build");
}

/// A program of this workspace, built once per test binary so that it is never an old one.
pub fn program(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        // target/debug/deps/flow-0123 → target/debug
        let test = std::env::current_exe().expect("the test's own path");
        let folder = test
            .parent()
            .and_then(Path::parent)
            .expect("a target folder")
            .to_owned();
        // `npm test` has just built everything, with the features of the whole workspace; building
        // a few packages of it alone would compile their dependencies once more.
        if std::env::var_os("SOTTO_PROGRAMS_ARE_BUILT").is_none() {
            build(&folder);
        }
        folder
    });
    folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
