//! What has to end with this process, also where it is killed.

use std::ffi::OsStr;
use std::process::{ChildStdin, Command, Stdio};

/// A shell whose input is ours: once that ends, by a drop or with this process, it cleans up.
pub(crate) struct Lifeline {
    _input: ChildStdin,
}

impl Lifeline {
    /// Runs `script` at the end, with these as `$0`, `$1`, …
    #[expect(
        clippy::zombie_processes,
        reason = "the shell ends after this process does"
    )]
    pub(crate) fn at_the_end(script: &str, arguments: &[&OsStr]) -> Self {
        let mut shell = Command::new("sh")
            .arg("-c")
            .arg(format!("trap '' INT TERM; cat >/dev/null; {script}"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        Self {
            _input: shell.stdin.take().expect("an input"),
        }
    }
}
