//! The `sotto` program on a person's data directory, as a process that can be killed.

use crate::client::{Client, PASSPHRASE};
use crate::paths;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

/// How to run `sotto` for someone whose app has been stopped.
pub struct Cli {
    data_dir: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl Cli {
    /// On this person's data directory.
    pub fn of(client: &Client) -> Self {
        let endpoints = client.endpoints();
        let resolver = endpoints.handle_resolver.as_ref().map(ToString::to_string);
        let environment = vec![
            ("SOTTO_DEV", "1".to_owned()),
            ("SOTTO_KEYRING", "file".to_owned()),
            ("SOTTO_VAULT_PASSPHRASE", PASSPHRASE.to_owned()),
            ("SOTTO_DEV_PLC_URL", endpoints.plc.to_string()),
            ("SOTTO_DEV_HANDLE_RESOLVER", resolver.unwrap_or_default()),
            ("SOTTO_DEV_APPVIEW", endpoints.appview.to_string()),
        ];
        Self {
            data_dir: client.data_dir(),
            environment,
        }
    }

    /// `sotto` with these arguments, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(paths::program("sotto"));
        command
            .arg("--data-dir")
            .arg(&self.data_dir)
            .args(arguments)
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("sotto starts")
    }

    /// Starts it with something to read.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(&self, arguments: &[&str], input: &str) -> Child {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("sotto starts");
        let (mut stdin, input) = (child.stdin.take().expect("piped"), input.to_owned());
        std::thread::spawn(move || {
            // It may be killed before it has read everything.
            let _ = stdin.write_all(input.as_bytes());
        });
        child
    }
}
