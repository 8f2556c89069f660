//! A server of its own for the tests of this binary, and a schema in it for each of them.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use crate::config::ServerUrl;

/// Ends when its input does, and with it the server: also where this process is killed.
const KEEPER: &str = r#"
trap '' INT TERM
"$0/postgres" -D "$1/data" -k "$1" -c listen_addresses= -c fsync=off -c max_connections=400 \
    -c shared_buffers=32MB >"$1/log" 2>&1 </dev/null &
cat >/dev/null
kill -QUIT $! && wait
rm -rf "$1"
"#;

/// A server that runs until this process ends.
pub(crate) struct Server {
    folder: PathBuf,
    keeper: Mutex<Option<ChildStdin>>,
}

/// The server of all tests.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}

/// The URL of a new schema on it.
pub(crate) fn schema() -> ServerUrl {
    server().schema()
}

impl Server {
    /// Makes a cluster and starts it.
    #[expect(
        clippy::zombie_processes,
        reason = "the keeper ends after this process does"
    )]
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("relay-postgres-")
            .permissions(std::fs::Permissions::from_mode(0o755))
            .tempdir()
            .expect("folder")
            .keep();
        let programs = programs();
        // PostgreSQL refuses to be root.
        let root = std::fs::metadata("/proc/self").is_ok_and(|it| {
            use std::os::unix::fs::MetadataExt as _;
            it.uid() == 0
        });
        if root {
            std::os::unix::fs::chown(&folder, Some(65534), None).expect("owner");
        }
        let as_nobody = |program: &str| {
            if root {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=65534", "--clear-groups", program]);
                command
            } else {
                Command::new(program)
            }
        };
        let made = as_nobody(programs.join("initdb").to_str().expect("path"))
            .args([
                "-U",
                "relay",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-sync",
                "-D",
            ])
            .arg(folder.join("data"))
            .current_dir(&folder)
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "{made:?}");
        let mut keeper = as_nobody("sh")
            .args(["-c", KEEPER])
            .args([&programs, &folder])
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .spawn()
            .expect("server");
        let server = Self {
            folder,
            keeper: Mutex::new(keeper.stdin.take()),
        };
        for _ in 0..600 {
            if server.run("SELECT 1").is_ok() {
                return server;
            }
            pause();
        }
        let mut log = String::new();
        let _ = std::fs::File::open(server.folder.join("log"))
            .map(|mut it| it.read_to_string(&mut log));
        panic!("the server does not start: {log}");
    }

    /// A new schema.
    pub(crate) fn schema(&self) -> ServerUrl {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}", NUMBER.fetch_add(1, Ordering::SeqCst));
        self.run(&format!("CREATE SCHEMA {name}")).expect("schema");
        let host = self.folder.to_str().expect("path").replace('/', "%2F");
        let url = format!("postgres://relay@{host}/postgres?options=-csearch_path%3D{name}");
        ServerUrl::parse(&url).expect("url")
    }

    fn run(&self, sql: &str) -> Result<(), postgres::Error> {
        let mut config = postgres::Config::new();
        config
            .host_path(&self.folder)
            .user("relay")
            .dbname("postgres");
        let sql = sql.to_owned();
        // Its client must not be used, or dropped, among asynchronous tasks.
        std::thread::spawn(move || config.connect(postgres::NoTls)?.batch_execute(&sql))
            .join()
            .expect("thread")
    }

    /// Ends it at once, as a crash would, and starts it again.
    pub(crate) fn crash_and_restart(&self) {
        let data = self.folder.join("data");
        let text = std::fs::read_to_string(data.join("postmaster.pid")).expect("pid");
        let pid = text.lines().next().expect("pid").to_owned();
        let children = Command::new("pkill").args(["-KILL", "-P", &pid]).status();
        let _ = children.expect("pkill");
        assert!(Path::new(&data).exists());
        for _ in 0..600 {
            if self.run("SELECT 1").is_ok() {
                return;
            }
            pause();
        }
        panic!("the server does not come back");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.keeper.lock().expect("lock").take();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a server that starts tells nobody; no task of a test waits here but its own"
)]
fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(50));
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
    folders
        .into_iter()
        .find(|folder| folder.join("initdb").exists())
        .expect("PostgreSQL is needed: install the package postgresql")
}
