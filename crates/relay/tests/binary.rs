//! The program: its options, its exit codes, its end.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

fn relay() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sotto-relay"));
    command.env_clear();
    command
}

#[test]
fn help_lists_the_settings_and_version_is_there() {
    let help = relay().arg("--help").output().expect("runs");
    let text = String::from_utf8_lossy(&help.stdout);
    assert!(help.status.success() && text.contains("message_max_bytes") && text.contains("listen"));
    let version = relay().arg("--version").output().expect("runs");
    assert!(String::from_utf8_lossy(&version.stdout).contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_bad_configuration_ends_with_2_and_says_everything() {
    let bad = relay()
        .arg("--check-config")
        .env("SOTTO_RELAY_LISTEN", "nowhere")
        .env("SOTTO_RELAY_TYPO", "1")
        .output()
        .expect("runs");
    assert_eq!(bad.status.code(), Some(2));
    let text = String::from_utf8_lossy(&bad.stderr);
    for name in ["SOTTO_RELAY_LISTEN", "SOTTO_RELAY_TYPO", "domain"] {
        assert!(text.contains(name), "{name} in {text}");
    }
    let good = relay()
        .arg("--check-config")
        .env("SOTTO_RELAY_DOMAIN", "relay.example")
        .output();
    assert!(good.expect("runs").status.success());
}

#[cfg(unix)]
#[test]
fn a_termination_signal_ends_it_in_order() {
    let dir = tempfile::tempdir().expect("dir");
    let data = dir.path().join("relay.db");
    let mut child = relay()
        .env("SOTTO_RELAY_DOMAIN", "relay.example")
        .env("SOTTO_RELAY_LISTEN", "127.0.0.1:0")
        .env("SOTTO_RELAY_DATA", &data)
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut lines = BufReader::new(child.stderr.take().expect("stderr")).lines();
    let started = lines.next().expect("a line").expect("text");
    assert!(started.contains("\"message\":\"started\""), "{started}");
    let killed = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(killed.expect("kill").success());
    assert!(child.wait().expect("ends").success());
    let rest: Vec<_> = lines.map_while(Result::ok).collect();
    assert!(
        rest.iter().any(|line| line.contains("\"stopped\"")),
        "{rest:?}"
    );
    assert!(data.exists() && !dir.path().join("relay.db-wal").exists());
}

#[test]
fn init_writes_a_configuration_that_is_taken_and_never_overwrites() {
    let dir = tempfile::tempdir().expect("dir");
    let init = || {
        relay()
            .current_dir(dir.path())
            .args(["init", "relay.example", "--acme"])
            .output()
            .expect("runs")
    };
    let written = init();
    assert!(written.status.success(), "{written:?}");
    assert!(String::from_utf8_lossy(&written.stdout).contains("--check-config"));
    let check = relay()
        .current_dir(dir.path())
        .args(["--config", "sotto-relay.toml", "--check-config"])
        .output();
    assert!(check.expect("runs").status.success());
    let again = init();
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("exists already"));
}

#[cfg(test)]
#[cfg(unix)]
mod running {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::process::{Command, Stdio};

    /// A relay that is running, and what it says.
    pub(crate) struct Running {
        pub(crate) child: std::process::Child,
        pub(crate) lines: std::io::Lines<BufReader<std::process::ChildStderr>>,
        pub(crate) started: serde_json::Value,
    }

    impl Running {
        pub(crate) fn start(command: &mut Command) -> Self {
            let mut child = command.stderr(Stdio::piped()).spawn().expect("starts");
            let mut lines = BufReader::new(child.stderr.take().expect("stderr")).lines();
            let first = lines.next().expect("a line").expect("text");
            let started = serde_json::from_str(&first).expect("JSON");
            Self {
                child,
                lines,
                started,
            }
        }

        pub(crate) fn get(&self, path: &str) -> String {
            let address = self.started["listen"].as_str().expect("address");
            let address = match path {
                "/metrics" => self.started["metrics"].as_str().expect("address"),
                _ => address,
            };
            let mut stream = std::net::TcpStream::connect(address).expect("connects");
            write!(
                stream,
                "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
            )
            .expect("asked");
            let mut text = String::new();
            stream.read_to_string(&mut text).expect("answered");
            text
        }

        pub(crate) fn terminate(&self) {
            let id = self.child.id().to_string();
            let killed = Command::new("kill").args(["-TERM", &id]).status();
            assert!(killed.expect("kill").success());
        }
    }
}

#[cfg(unix)]
#[test]
fn a_running_relay_is_copied_counted_and_supervised() {
    let dir = tempfile::tempdir().expect("dir");
    let supervisor = dir.path().join("notify");
    let supervisor_socket =
        std::os::unix::net::UnixDatagram::bind(&supervisor).expect("supervisor");
    let data = dir.path().join("relay.db");
    let settings = [
        ("SOTTO_RELAY_DOMAIN", "relay.example"),
        ("SOTTO_RELAY_LISTEN", "127.0.0.1:0"),
        ("SOTTO_RELAY_METRICS", "127.0.0.1:0"),
        ("SOTTO_RELAY_DRAIN", "1"),
        ("SOTTO_RELAY_DATA", data.to_str().expect("path")),
    ];
    let mut running = running::Running::start(
        relay()
            .envs(settings)
            .env("NOTIFY_SOCKET", &supervisor)
            .env("WATCHDOG_USEC", "300000"),
    );
    let told = || {
        let mut buffer = [0; 100];
        let length = supervisor_socket.recv(&mut buffer).expect("told");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    assert!(told().starts_with("READY=1"));
    assert_eq!(told(), "WATCHDOG=1");

    assert!(running.get("/readyz").starts_with("HTTP/1.1 200"));
    let metrics = running.get("/metrics");
    for line in [
        "sotto_relay_ready 1",
        "sotto_relay_sockets 0",
        "sotto_relay_queued 0",
        "sotto_relay_write_seconds_bucket",
        "sotto_relay_exchanges_total{method=\"GET\",route=\"/readyz\",status=\"200\"} 1",
        "# EOF",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert!(running.get("/metrics").starts_with("HTTP/1.1 200"));

    let copy = dir.path().join("copy.db");
    let copied = relay().envs(settings).arg("backup").arg(&copy).output();
    assert!(
        copied.as_ref().expect("runs").status.success(),
        "{copied:?}"
    );
    assert!(copy.exists());
    let again = relay().envs(settings).arg("backup").arg(&copy).output();
    assert_eq!(again.expect("runs").status.code(), Some(1));

    // While it drains it says so, and still serves.
    running.terminate();
    while !told().starts_with("STOPPING=1") {}
    assert!(running.get("/readyz").starts_with("HTTP/1.1 503"));
    assert!(running.get("/healthz").starts_with("HTTP/1.1 200"));
    assert!(running.child.wait().expect("ends").success());
    let rest: Vec<_> = running.lines.by_ref().map_while(Result::ok).collect();
    assert!(rest.iter().any(|it| it.contains("\"stopped\"")), "{rest:?}");
}
