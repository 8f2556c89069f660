//! The relay program and its PostgreSQL: encryption, a server that is not there, several processes
//! that start at once.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be prepared has failed"
)]

use sotto_testkit::{Postgres, free_port, program};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// An address of this machine that the relay takes for another one.
const ELSEWHERE: &str = "0.0.0.0";

/// A relay that is about to start.
struct Trial {
    folder: TempDir,
    port: u16,
    url: String,
    authority: PathBuf,
}

impl Trial {
    fn new(url: &str, authority: &Path) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            port: free_port(),
            url: url.to_owned(),
            authority: authority.to_owned(),
        }
    }

    fn start(&self) -> Child {
        Command::new(program("sotto-relay"))
            .env_clear()
            .env("SOTTO_RELAY_DOMAIN", "relay.example")
            .env("SOTTO_RELAY_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("SOTTO_RELAY_DATA", &self.url)
            .env("SOTTO_RELAY_ATTACHMENTS", self.folder.path())
            .env("SSL_CERT_FILE", &self.authority)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Waits until it serves.
    async fn serves(&self) -> bool {
        let url = format!("http://127.0.0.1:{}/readyz", self.port);
        for _ in 0..400 {
            if reqwest::get(&url).await.is_ok_and(|it| it.status() == 200) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        false
    }

    /// Waits for its end: the exit code, and what it said.
    fn refused(&self) -> (Option<i32>, String) {
        let Output { status, stderr, .. } = self.start().wait_with_output().unwrap();
        (status.code(), String::from_utf8_lossy(&stderr).into_owned())
    }
}

fn end(mut relay: Child) {
    relay.kill().unwrap();
    relay.wait().unwrap();
}

/// Runs openssl in a folder.
fn openssl(folder: &Path, arguments: &str) {
    let arguments = arguments.split_whitespace();
    let ran = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
}

/// An authority, `NAME.pem`.
fn authority(folder: &Path, name: &str) -> PathBuf {
    openssl(
        folder,
        &format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
             -subj /CN={name} -keyout {name}.key -out {name}.pem"
        ),
    );
    folder.join(format!("{name}.pem"))
}

/// A certificate of the authority `ours` for a server at `address`, `server.pem` and `server.key`.
fn certificate(folder: &Path, address: &str) {
    std::fs::write(folder.join("names"), format!("subjectAltName=IP:{address}")).unwrap();
    openssl(
        folder,
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=database \
         -keyout server.key -out server.csr",
    );
    openssl(
        folder,
        "x509 -req -in server.csr -CA ours.pem -CAkey ours.key -CAcreateserial -days 30 \
         -extfile names -out server.pem",
    );
    // The server's own user reads them, and nobody else may read the key.
    let data = folder.metadata().unwrap();
    for file in ["server.key", "server.pem"] {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
        let path = folder.join(file);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        if data.uid() == 0 {
            chown(&path, Some(65534), None).unwrap();
        }
    }
}

/// A server on TCP.
async fn server(settings: &[&str]) -> (Postgres, u16) {
    let folder = tempfile::tempdir().unwrap().keep();
    let port = free_port();
    let mut all = vec!["listen_addresses = '127.0.0.1'"];
    all.extend(settings);
    (Postgres::in_folder(&folder, port, &all).await, port)
}

/// Whether the relay's sessions are encrypted; nothing where they differ or there is none.
async fn encrypted(server: &Postgres) -> Option<bool> {
    let sessions = server
        .run(
            "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
             WHERE application_name = 'sotto-relay'",
        )
        .await;
    match sessions.as_str() {
        "t" => Some(true),
        "f" => Some(false),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_to_another_machine_is_encrypted_and_the_server_known() {
    let keys = tempfile::tempdir().unwrap();
    let (ours, theirs) = (
        authority(keys.path(), "ours"),
        authority(keys.path(), "theirs"),
    );
    certificate(keys.path(), ELSEWHERE);
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(keys.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let file = |name: &str| keys.path().join(name).display().to_string();
    let (certificate, key) = (
        format!("ssl_cert_file = '{}'", file("server.pem")),
        format!("ssl_key_file = '{}'", file("server.key")),
    );
    let (server, port) = server(&["ssl = on", &certificate, &key]).await;
    let url = format!("postgres://relay:secret@{ELSEWHERE}:{port}/postgres");

    let trial = Trial::new(&url, &ours);
    let relay = trial.start();
    assert!(trial.serves().await);
    assert_eq!(encrypted(&server).await, Some(true));
    end(relay);

    // Another authority, and a name that the certificate is not for.
    let named = format!("postgres://relay:secret@127.0.0.1:{port}/postgres?sslmode=require");
    for (url, authority) in [(&url, &theirs), (&named, &ours)] {
        let (code, said) = Trial::new(url, authority).refused();
        assert_eq!(code, Some(1), "{said}");
        assert!(
            said.contains("database") && said.contains("certificate"),
            "{said}"
        );
        assert!(!said.contains("secret"), "{said}");
    }

    let trial = Trial::new(&format!("{url}?sslmode=disable"), &ours);
    let relay = trial.start();
    assert!(trial.serves().await);
    assert_eq!(encrypted(&server).await, Some(false));
    end(relay);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_encryption_is_refused_unless_the_url_gives_it_up() {
    let (_server, port) = server(&[]).await;
    let keys = tempfile::tempdir().unwrap();
    let ours = authority(keys.path(), "ours");
    let url = format!("postgres://relay@{ELSEWHERE}:{port}/postgres");
    let (code, said) = Trial::new(&url, &ours).refused();
    assert!(code == Some(1) && said.contains("TLS"), "{code:?}: {said}");
    // Without a single authority nothing could be checked.
    let nobody = keys.path().join("none.pem");
    std::fs::write(&nobody, "").unwrap();
    let (code, said) = Trial::new(&url, &nobody).refused();
    assert!(
        code == Some(1) && said.contains("SSL_CERT_FILE"),
        "{code:?}: {said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_named_and_ends_the_start() {
    let url = format!("postgres://relay:secret@127.0.0.1:{}/postgres", free_port());
    let (code, said) = Trial::new(&url, Path::new("/nonexistent")).refused();
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("cannot be reached") && !said.contains("secret"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn three_that_start_at_once_on_an_empty_database_make_it_once() {
    let server = Postgres::start().await;
    let trials = [(); 3].map(|()| Trial::new(&server.url(), Path::new("/nonexistent")));
    let relays: Vec<_> = trials.iter().map(Trial::start).collect();
    for trial in &trials {
        assert!(trial.serves().await, "{}", server.log());
    }
    let steps = server
        .run("SELECT count(*) = max(step) FROM relay_schema")
        .await;
    assert_eq!(steps, "t");
    assert_eq!(server.run("SELECT count(*) FROM secrets").await, "1");
    relays.into_iter().for_each(end);
}
