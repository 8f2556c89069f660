//! A PostgreSQL server of our own, with its default settings: `fsync` is on, and so is
//! `synchronous_commit`.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio_postgres::NoTls;

use crate::Done;

/// Ends when its input does, and with it the server: also where this process is killed.
const KEEPER: &str = r#"
trap '' INT TERM
"$0/postgres" -D "$1/data" -k "$1" -c listen_addresses= -c max_connections=200 \
    >"$1/log" 2>&1 </dev/null &
cat >/dev/null
kill -INT $! && wait
"#;

/// `nobody`, as PostgreSQL refuses to be root.
const NOBODY: u32 = 65534;

/// A server that runs until it is dropped.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    keeper: Child,
}

impl Server {
    /// Makes a cluster under `folder` and starts it.
    pub(crate) async fn start(folder: &Path) -> Done<Self> {
        let programs = programs().ok_or("PostgreSQL is needed: install the package postgresql")?;
        let folder = tempfile::Builder::new()
            .prefix("postgres-")
            .permissions(std::fs::Permissions::from_mode(0o755))
            .tempdir_in(folder)?;
        let root = std::fs::metadata("/proc/self")?.uid() == 0;
        if root {
            std::os::unix::fs::chown(folder.path(), Some(NOBODY), None)?;
        }
        let as_nobody = |program: &Path| {
            if root {
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={NOBODY}"))
                    .arg("--clear-groups")
                    .arg(program);
                command
            } else {
                Command::new(program)
            }
        };
        let made = as_nobody(&programs.join("initdb"))
            .args(["-U", "relay", "-A", "trust", "-E", "UTF8", "-D"])
            .arg(folder.path().join("data"))
            .current_dir(folder.path())
            .output()?;
        if !made.status.success() {
            return Err(String::from_utf8_lossy(&made.stderr).into_owned().into());
        }
        let keeper = as_nobody(Path::new("sh"))
            .args(["-c", KEEPER])
            .args([&programs, folder.path()])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .spawn()?;
        let server = Self { folder, keeper };
        for _ in 0..600 {
            if tokio_postgres::connect(&server.url()?, NoTls).await.is_ok() {
                return Ok(server);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("PostgreSQL does not start".into())
    }

    /// Where it is.
    pub(crate) fn url(&self) -> Done<String> {
        let folder = self
            .folder
            .path()
            .to_str()
            .ok_or("a folder's name is no text")?;
        let host = folder.replace('/', "%2F");
        Ok(format!("postgres://relay@{host}/postgres"))
    }

    /// The number of the process whose children serve the connections.
    pub(crate) fn id(&self) -> u32 {
        let file = self.folder.path().join("data/postmaster.pid");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let first = text.lines().next().and_then(|line| line.parse().ok());
        first.unwrap_or(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.keeper.stdin.take();
        let _ = self.keeper.wait();
    }
}

/// Where Debian, or whoever installed it, keeps the programs of the server.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut folders: Vec<_> = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .collect();
    folders.sort();
    folders.reverse();
    folders.extend(["/usr/local/bin", "/usr/bin"].map(PathBuf::from));
    folders.into_iter().find(|it| it.join("initdb").exists())
}
