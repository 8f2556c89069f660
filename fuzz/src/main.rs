//! libFuzzer on one target, named by `SOTTO_FUZZ_TARGET`; without it the names of all targets.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sotto_fuzz::{Target, target, targets};
use std::sync::OnceLock;

static CHOSEN: OnceLock<Target> = OnceLock::new();

fuzz_target!(init: choose(), |bytes: &[u8]| {
    if let Some(target) = CHOSEN.get() {
        (target.run)(bytes);
    }
});

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program"
)]
fn choose() {
    let Some(name) = std::env::var_os("SOTTO_FUZZ_TARGET") else {
        targets().for_each(|target| println!("{}", target.name));
        std::process::exit(0);
    };
    match name.to_str().and_then(target) {
        Some(target) => {
            CHOSEN.get_or_init(|| target);
        }
        None => {
            eprintln!("no such target: {}", name.display());
            std::process::exit(2);
        }
    }
}
