//! The running program, asked by its own page and by pages of others.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; tests/ is not cfg(test) for clippy"
)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
    time::Duration,
};

struct Devshell {
    process: Child,
    /// Kept open for what it says later.
    _log: BufReader<ChildStderr>,
    port: u16,
    folder: tempfile::TempDir,
}

impl Drop for Devshell {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sotto-devshell"));
    command
        .env_clear()
        .env("SOTTO_DEV", "1")
        .env("SOTTO_DATA_DIR", folder.join("data"))
        .env("SOTTO_KEYRING", "file")
        .env("SOTTO_DEVSHELL_UI", folder)
        .env("SOTTO_DEFAULT_RELAY", "localhost:1")
        .env("SOTTO_LOG", "sotto_devshell=info")
        .stderr(Stdio::piped());
    command
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

impl Devshell {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("index.html"), "<!doctype html>the page").unwrap();
        let port = free_port();
        let mut process = command(folder.path())
            .env("SOTTO_DEVSHELL_LISTEN", format!("127.0.0.1:{port}"))
            .env("SOTTO_DEVSHELL_ORIGIN", "http://localhost:1420")
            .spawn()
            .unwrap();
        // Not by connecting until it works: a socket that connects to a port on which nobody listens yet
        // may be given that very port, and is then in the way.
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("listening on") {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "not listening");
        }
        Self {
            process,
            _log: log,
            port,
            folder,
        }
    }

    fn own(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Sends these very lines and reads to the end.
    fn ask(&self, first_line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let length = body.len();
        let text = format!(
            "{first_line} HTTP/1.1\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        // What is too large is answered, and the connection closed, while it is still being sent: only the
        // answer counts.
        let _ = stream.write_all(text.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        Answer(String::from_utf8(answer).unwrap())
    }

    fn post(&self, command: &str, body: &str) -> Answer {
        let own = self.own();
        let origin = format!("http://{own}");
        let headers = [
            ("host", &*own),
            ("origin", &origin),
            ("content-type", "application/json"),
        ];
        self.ask(&format!("POST /api/{command}"), &headers, body)
    }
}

struct Answer(String);

impl Answer {
    fn status(&self) -> &str {
        self.0.split(' ').nth(1).unwrap()
    }

    fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").unwrap().1
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.body()).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let head = self.0.split("\r\n\r\n").next().unwrap();
        head.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

#[test]
fn the_page_and_its_policy() {
    let shell = Devshell::start();
    let answer = shell.ask("GET /", &[("host", &shell.own())], "");
    assert_eq!(answer.status(), "200");
    assert_eq!(answer.body(), "<!doctype html>the page");
    assert!(
        answer
            .header("content-security-policy")
            .unwrap()
            .starts_with("default-src 'none';")
    );
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(answer.header("access-control-allow-origin").is_none());
    let path = "GET /../../../../../etc/passwd";
    assert_ne!(
        shell.ask(path, &[("host", &shell.own())], "").status(),
        "200"
    );
}

#[test]
fn commands_and_their_failures() {
    let shell = Devshell::start();
    let state = shell.post("state", "{}");
    assert_eq!(state.status(), "200");
    assert_eq!(state.json()["kind"], "locked");
    let refused = shell.post("unlock", r#"{"passphrase":"short"}"#);
    assert_eq!(refused.status(), "422");
    assert_eq!(refused.json()["code"], "vault.passphrase_too_short");
    for (command, body, status) in [
        ("nonsense", "{}", "404"),
        ("unlock", "{}", "400"),
        ("unlock", "not json", "400"),
        (
            "messages",
            r#"{"conversationId":"00","before":"x","limit":1}"#,
            "400",
        ),
    ] {
        let answer = shell.post(command, body);
        assert_eq!(answer.status(), status, "{command} {body}");
        assert_eq!(answer.json()["code"], "internal");
    }
    let long = format!(r#"{{"passphrase":"{}"}}"#, "x".repeat(300_000));
    assert_eq!(shell.post("unlock", &long).status(), "413");
    let picture = |length| {
        let data = "A".repeat(length);
        let body = format!(r#"{{"conversationId":"00","picture":"{data}"}}"#);
        shell.post("compare_safety_code", &body).status().to_owned()
    };
    assert_eq!(picture(8 * 1024 * 1024 / 3 * 4), "422");
    assert_eq!(picture(13 * 1024 * 1024), "413");
    assert!(shell.folder.path().exists());
}

/// The two shells offer the same commands.
#[test]
fn every_command_of_the_window_is_here() {
    let shell = Devshell::start();
    let commands = include_str!("../../../src-tauri/build.rs")
        .split_once("= &[")
        .unwrap()
        .1;
    let commands: Vec<&str> = commands
        .split_once("];")
        .unwrap()
        .0
        .split('"')
        .skip(1)
        .step_by(2)
        .collect();
    assert!(commands.len() >= 16, "{commands:?}");
    for command in commands {
        // Arguments that none of them takes: known, but not run.
        assert_ne!(shell.post(command, "[0]").status(), "404", "{command}");
    }
}

#[test]
fn pages_of_others_are_refused() {
    let shell = Devshell::start();
    let own = shell.own();
    let origin = format!("http://{own}");
    let json = ("content-type", "application/json");
    let ask = |headers: &[(&str, &str)]| shell.ask("POST /api/state", headers, "{}");
    assert_eq!(
        ask(&[("host", &own), ("origin", &origin), json]).status(),
        "200"
    );
    // Through Vite, which passes the names of its own on.
    let vite = [
        ("host", "localhost:1420"),
        ("origin", "http://localhost:1420"),
        json,
    ];
    assert_eq!(ask(&vite).status(), "200");
    // DNS rebinding, for the page as well.
    assert_eq!(
        shell
            .ask("GET /", &[("host", "attacker.example")], "")
            .status(),
        "403"
    );
    assert_eq!(
        ask(&[
            ("host", "attacker.example"),
            ("origin", "http://attacker.example"),
            json
        ])
        .status(),
        "403"
    );
    // Another origin, a sandboxed frame, and what names none.
    for other in ["http://attacker.example", "null", "http://127.0.0.1:1"] {
        assert_eq!(
            ask(&[("host", &own), ("origin", other), json]).status(),
            "403",
            "{other}"
        );
    }
    assert_eq!(ask(&[("host", &own), json]).status(), "403");
    // What a form can send.
    let form = [
        ("host", &*own),
        ("origin", &origin),
        ("content-type", "text/plain"),
    ];
    assert_eq!(ask(&form).status(), "415");
    // A preflight is answered with nothing that would allow anything.
    let preflight = shell.ask(
        "OPTIONS /api/state",
        &[("host", &own), ("origin", "http://attacker.example")],
        "",
    );
    assert_eq!(preflight.status(), "403");
}

#[tokio::test]
async fn events_are_for_its_own_page() {
    use tokio_tungstenite::{connect_async, tungstenite::client::IntoClientRequest};
    let shell = Devshell::start();
    let own = shell.own();
    let connect = |origin: Option<String>| {
        let mut request = format!("ws://{own}/api/events")
            .into_client_request()
            .unwrap();
        if let Some(origin) = origin {
            request
                .headers_mut()
                .insert("origin", origin.parse().unwrap());
        }
        connect_async(request)
    };
    assert!(
        connect(Some("http://attacker.example".to_owned()))
            .await
            .is_err()
    );
    assert!(connect(None).await.is_err());
    let (mut socket, _) = connect(Some(format!("http://{own}"))).await.unwrap();

    let unlocked = shell.post("unlock", r#"{"passphrase":"correct horse battery"}"#);
    assert_eq!(unlocked.json()["kind"], "signedOut");
    let event = futures_util::StreamExt::next(&mut socket)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(event.into_text().unwrap().as_str(), r#"{"kind":"state"}"#);
}

#[test]
fn refuses_to_start_where_others_could_reach_it() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str, value: &str| {
        let status = command(folder.path()).env(name, value).status().unwrap();
        assert_eq!(status.code(), Some(1), "{name}={value}");
    };
    refused("SOTTO_DEV", "0");
    refused("SOTTO_DEVSHELL_LISTEN", "0.0.0.0:0");
    refused("SOTTO_DEVSHELL_LISTEN", &format!("[::]:{}", free_port()));
    refused("SOTTO_DEVSHELL_ORIGIN", "http://example.com");
}
