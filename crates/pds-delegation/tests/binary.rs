//! The program: its options, its exit codes, its log, its end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};

const SECRET: &str = "a secret of the operator";

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sotto-pds-delegation"));
    command.env_clear();
    command
}

fn configured() -> Command {
    let mut command = program();
    command
        .env("PDS_JWT_SECRET", SECRET)
        .env("PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX", "07".repeat(32))
        .env("SOTTO_PDS_DELEGATION_PUBLIC_URL", "https://pds.example")
        .env("SOTTO_PDS_DELEGATION_LISTEN", "127.0.0.1:0")
        // Nobody listens there.
        .env("SOTTO_PDS_DELEGATION_UPSTREAM", "http://127.0.0.1:1");
    command
}

#[test]
fn help_lists_the_settings_and_version_is_there() {
    let help = program().arg("--help").output().expect("runs");
    let text = String::from_utf8_lossy(&help.stdout);
    assert!(help.status.success() && text.contains("upstream") && text.contains("PDS_JWT_SECRET"));
    let version = program().arg("--version").output().expect("runs");
    assert!(String::from_utf8_lossy(&version.stdout).contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_bad_configuration_ends_with_2_and_says_everything_but_secrets() {
    let mut bad = configured();
    bad.arg("--check-config")
        .env("PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX", SECRET)
        .env("SOTTO_PDS_DELEGATION_TYPO", "1");
    let bad = bad.output().expect("runs");
    assert_eq!(bad.status.code(), Some(2));
    let text = String::from_utf8_lossy(&bad.stderr);
    for name in ["PDS_PLC_ROTATION_KEY", "SOTTO_PDS_DELEGATION_TYPO"] {
        assert!(text.contains(name), "{name} in {text}");
    }
    assert!(!text.contains(SECRET), "{text}");
    let good = configured().arg("--check-config").output();
    assert!(good.expect("runs").status.success());
}

#[cfg(unix)]
#[test]
fn it_ends_in_order_and_has_logged_nobody() {
    let mut child = configured().stderr(Stdio::piped()).spawn().expect("starts");
    let mut lines = BufReader::new(child.stderr.take().expect("stderr")).lines();
    let started = lines.next().expect("a line").expect("text");
    let address = started
        .split("\"listen\":\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("an address")
        .to_owned();
    let did = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
    for path in [
        format!("/xrpc/chat.sotto.getDelegation?did={did}"),
        format!("/xrpc/com.atproto.repo.getRecord?repo={did}"),
        format!("/{did}"),
    ] {
        let mut stream = std::net::TcpStream::connect(&address).expect("listens");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: alice.example\r\nAuthorization: Bearer token-of-alice\r\n\
             Connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    }
    let killed = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(killed.expect("kill").success());
    assert!(child.wait().expect("ends").success());
    let rest = lines.map_while(Result::ok).collect::<Vec<_>>().join("\n");
    assert_eq!(rest.matches("\"exchange\"").count(), 3, "{rest}");
    assert!(rest.contains("\"stopped\""), "{rest}");
    for word in [did, "ewvi7", "alice", "127.0.0.1", SECRET, "0707"] {
        assert!(!rest.contains(word), "{word} in {rest}");
    }
}
