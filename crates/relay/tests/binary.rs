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
