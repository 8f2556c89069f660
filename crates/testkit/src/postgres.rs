//! A PostgreSQL server of one's own, which can be killed and started again.

use crate::lifeline::Lifeline;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

/// The port that URLs without one mean.
pub(crate) const PORT: u16 = 5432;

/// Who the server runs as where this process is root, which PostgreSQL refuses to be.
const NOBODY: u32 = 65534;

/// A server on a socket in its own folder. Ends when it is dropped.
pub struct Postgres {
    folder: PathBuf,
    /// Of its socket's name, and of TCP where it listens there.
    port: u16,
    /// Its first process, whose end nobody but its parent takes note of.
    first: Mutex<Option<Child>>,
    _end: Lifeline,
}

impl Postgres {
    /// A server with the default settings, as to durability too.
    pub async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("sotto-postgres-").tempdir();
        let folder = folder.expect("a temporary folder").keep();
        Self::in_folder(&folder, PORT, &[]).await
    }

    /// A server whose files are below `folder`, which goes with it, with lines of configuration.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn in_folder(folder: &Path, port: u16, settings: &[&str]) -> Self {
        let readable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder, readable).expect("permissions");
        if is_root() {
            std::os::unix::fs::chown(folder, Some(NOBODY), None).expect("an owner");
        }
        let server = Self {
            folder: folder.to_owned(),
            port,
            first: Mutex::new(None),
            _end: Lifeline::at_the_end(
                "kill -QUIT \"$(head -n 1 \"$0/data/postmaster.pid\")\"; rm -rf \"$0\"",
                &[folder.as_os_str()],
            ),
        };
        let made = server
            .program("initdb")
            .args(["-U", "relay", "-A", "trust", "-E", "UTF8"])
            .output();
        let made = made.await.expect("initdb runs");
        assert!(made.status.success(), "{made:?}");
        let config = server.data().join("postgresql.conf");
        let mut text = std::fs::read_to_string(&config).expect("a configuration");
        let socket = format!("unix_socket_directories = '{}'", folder.display());
        let port = format!("port = {port}");
        for line in [
            socket.as_str(),
            port.as_str(),
            "listen_addresses = ''",
            "max_connections = 200",
        ]
        .iter()
        .chain(settings)
        {
            text.push_str(line);
            text.push('\n');
        }
        std::fs::write(&config, text).expect("a configuration");
        server.begin().await;
        server
    }

    /// The URL of its database.
    #[must_use]
    pub fn url(&self) -> String {
        let host = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://relay@{host}/postgres")
    }

    /// Runs statements, and gives what they say.
    ///
    /// # Panics
    /// When they fail.
    pub async fn run(&self, sql: &str) -> String {
        let said = self.asked(sql).await;
        assert!(said.status.success(), "{said:?}");
        String::from_utf8_lossy(&said.stdout).trim().to_owned()
    }

    async fn asked(&self, sql: &str) -> Output {
        let host = self.folder.display().to_string();
        let port = self.port.to_string();
        let arguments = ["-h", &host, "-p", &port, "-U", "relay", "-d", "postgres"];
        let said = Command::new(programs().join("psql"))
            .args(arguments)
            .args(["-Atqc", sql])
            .output();
        said.await.expect("psql runs")
    }

    /// Kills its first process (SIGKILL); the others end by themselves.
    ///
    /// # Panics
    /// When it is not running.
    pub async fn kill(&self) {
        let mut first = self.first.lock().await.take().expect("a server");
        first.kill().await.expect("the server can be killed");
    }

    /// Ends it in order, without waiting for clients.
    ///
    /// # Panics
    /// When it is not running.
    pub async fn stop(&self) {
        let mut first = self.first.lock().await.take().expect("a server");
        let pid = first.id().expect("a pid").to_string();
        let told = Command::new("kill").args(["-INT", &pid]).status().await;
        assert!(told.expect("kill runs").success());
        first.wait().await.expect("the server ends");
    }

    /// Starts it where it is not running, and waits until it answers.
    ///
    /// # Panics
    /// When that does not work within half a minute.
    pub async fn begin(&self) {
        let mut first = self.first.lock().await;
        for _ in 0..600 {
            let runs = first
                .as_mut()
                .is_some_and(|it| matches!(it.try_wait(), Ok(None)));
            if !runs {
                // What a killed server leaves behind refuses the next one, for a moment.
                *first = Some(self.spawned());
            } else if self.asked("SELECT 1").await.status.success() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server does not start: {}", self.log());
    }

    fn spawned(&self) -> Child {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .expect("a log");
        let mut command = self.program("postgres");
        command.stdin(Stdio::null());
        command.stderr(log.try_clone().expect("a log")).stdout(log);
        command.spawn().expect("the server starts")
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// The folder of its data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A program of the server, on its data.
    fn program(&self, name: &str) -> Command {
        let program = programs().join(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args([&format!("--reuid={NOBODY}"), "--clear-groups"]);
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        command.arg("-D").arg(self.data()).current_dir(&self.folder);
        command
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
}

/// Where Debian, or whoever installed it, keeps the programs of the server.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut folders: Vec<_> = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .collect();
    folders.sort();
    folders.reverse();
    folders.extend(["/usr/local/bin", "/usr/bin"].map(PathBuf::from));
    let found = folders.into_iter().find(|it| it.join("initdb").exists());
    found.expect("PostgreSQL is needed: install the package postgresql")
}
