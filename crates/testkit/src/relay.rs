//! The real relay, as a process that can be killed.

use crate::dice::Dice;
use crate::network::Network;
use crate::paths;
use std::fs::File;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A relay on loopback. Ends when it is dropped.
pub struct Relay {
    /// What accounts name: `localhost:PORT`.
    domain: String,
    port: u16,
    plc: String,
    data: TempDir,
    settings: Vec<(String, String)>,
    child: Option<Child>,
}

impl Relay {
    /// A relay at its own port.
    pub async fn start(network: &Network) -> Self {
        let port = free_port();
        Self::behind(network, port, &format!("localhost:{port}")).await
    }

    /// A relay that listens on `port` and believes to be reached as `domain`: behind a proxy.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn behind(network: &Network, port: u16, domain: &str) -> Self {
        Self::set_up(network, port, domain, &[]).await
    }

    /// The same with settings other than the default: a process of several, say.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn set_up(
        network: &Network,
        port: u16,
        domain: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let (plc, domain) = (network.plc().to_string(), domain.to_owned());
        let settings = settings.iter();
        let mut relay = Self {
            domain,
            port,
            plc,
            data,
            settings: settings
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            child: None,
        };
        relay.restart().await;
        relay
    }

    /// A relay at its own port with settings other than the default.
    pub async fn with(network: &Network, settings: &[(&str, &str)]) -> Self {
        let port = free_port();
        Self::set_up(network, port, &format!("localhost:{port}"), settings).await
    }

    /// Its discovery domain.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its database.
    pub fn database(&self) -> PathBuf {
        self.data.path().join("relay.db")
    }

    /// The files of attachments that it keeps.
    ///
    /// # Panics
    /// When its folder cannot be read.
    pub fn objects(&self) -> Vec<PathBuf> {
        let root = self.database().with_extension("attachments");
        let folders = std::fs::read_dir(root).expect("a folder of attachments");
        folders
            .flat_map(|folder| std::fs::read_dir(folder.expect("a folder").path()).expect("files"))
            .map(|file| file.expect("a file").path())
            .collect()
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.path().join("relay.log")).unwrap_or_default()
    }

    /// Kills it (SIGKILL): nothing it has not written down survives.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the relay can be killed");
            child.wait().expect("the relay ends");
        }
    }

    /// Starts it (again) on its data.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart(&mut self) {
        self.kill();
        let log = self.data.path().join("relay.log");
        let log = File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("a log");
        let child = Command::new(paths::program("sotto-relay"))
            .env("SOTTO_RELAY_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("SOTTO_RELAY_DOMAIN", &self.domain)
            .env("SOTTO_RELAY_DATA", self.database())
            .env("SOTTO_RELAY_PLC_URL", &self.plc)
            .env("SOTTO_RELAY_DEVELOPMENT", "true")
            // Everyone here has the same address.
            .env("SOTTO_RELAY_CHALLENGES_PER_MINUTE", "100000")
            .env("SOTTO_RELAY_LOOKUPS_PER_MINUTE", "100000")
            .env("SOTTO_RELAY_PUTS_PER_MINUTE", "1000000")
            .env("SOTTO_RELAY_ATTACHMENT_FETCHES_PER_MINUTE", "100000")
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn();
        self.child = Some(child.expect("the relay starts"));
        self.ready().await;
    }

    /// Forgets everything, as after a lost disk; to be started again.
    pub fn lose_data(&mut self) {
        self.kill();
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(self.data.path().join(format!("relay.db{end}")));
        }
    }

    async fn ready(&mut self) {
        let url = format!("http://127.0.0.1:{}/readyz", self.port);
        for _ in 0..600 {
            let answer = reqwest::get(&url).await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the relay is not ready: {}", self.log());
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that nobody listens on at this moment, and that the system gives to nobody who connects
/// somewhere: a relay that was killed finds it free again.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    let mut dice = Dice::new(Dice::seed());
    let tried = std::iter::repeat_with(|| 20_000 + dice.below(12_000)).take(1000);
    let ports = tried.filter_map(|it| u16::try_from(it).ok());
    let mut free = ports.filter(|&it| TcpListener::bind(("127.0.0.1", it)).is_ok());
    free.next().expect("a port")
}
