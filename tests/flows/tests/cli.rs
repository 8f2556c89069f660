//! `sotto` on the command line.
#![expect(clippy::unwrap_used, reason = "tests, and what they share")]

use sotto_testkit::{Cli, Client, Proxy, Relay, network, until};
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

#[tokio::test(flavor = "multi_thread")]
async fn sends_reads_and_watches() {
    let relay = Relay::start(network()).await;
    let mut alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    alice.stop().await;
    let (cli, handle) = (Cli::of(&alice), bob.account.handle.clone());
    let sent = cli.run(&["send", &handle, "hello", "--wait", "delivered"]);
    assert!(sent.status.success(), "{sent:?}");
    bob.hears(&alice, &["hello"]).await;

    let mut watch = cli.command(&["watch", "--json"]);
    let mut watching = watch.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let (heard, hears) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        lines
            .map_while(Result::ok)
            .try_for_each(|line| heard.send(line))
    });
    until("it watches", || async { in_use(&alice) }).await;
    let locked = cli.run(&["conversations"]);
    assert_eq!(locked.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&locked.stderr).contains("database.locked"));
    bob.write(&alice, "hello yourself").await;
    let line = tokio::task::spawn_blocking(move || hears.recv_timeout(sotto_testkit::PATIENCE));
    let line = line.await.unwrap().unwrap();
    assert!(
        line.contains(r#""text":"hello yourself""#) && line.contains(&handle),
        "{line}"
    );
    watching.kill().unwrap();
    watching.wait().unwrap();

    let read = cli.run(&["read", &handle]);
    let text = String::from_utf8(read.stdout).unwrap();
    assert_eq!(text, format!("you: hello\n{handle}: hello yourself\n"));
    let status = cli.run(&["status"]);
    let text = String::from_utf8(status.stdout).unwrap();
    assert!(
        text.contains(&alice.account.did) && text.contains("0 unread"),
        "{text}"
    );
}

/// Whether a process has the data directory.
fn in_use(client: &Client) -> bool {
    let lock = std::fs::File::open(client.data_dir().join("lock")).unwrap();
    matches!(lock.try_lock(), Err(std::fs::TryLockError::WouldBlock))
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_say_what_happened() {
    let proxy = Proxy::start().await;
    let _relay = Relay::behind(network(), proxy.target(), &proxy.domain()).await;
    let mut nobody = Client::new(network(), "nobody", 0).await;
    nobody.stop().await;
    let code = |output: &std::process::Output| output.status.code();
    let cli = Cli::of(&nobody);
    assert_eq!(code(&cli.run(&["status"])), Some(3));
    assert_eq!(code(&cli.run(&["send", "someone"])), Some(2));

    let mut alice = Client::ready(network(), "alice", 0, &proxy.domain()).await;
    let mut bob = Client::ready(network(), "bob", 1, &proxy.domain()).await;
    alice.write(&bob, "one").await;
    alice.delivered(&bob).await;
    alice.stop().await;
    bob.stop().await;
    let (cli, handle) = (Cli::of(&alice), bob.account.handle.clone());
    let wait = [
        "send",
        &handle,
        "two",
        "--wait",
        "delivered",
        "--timeout",
        "2",
    ];
    assert_eq!(code(&cli.run(&wait)), Some(4));
    proxy.refuse(true);
    assert_eq!(
        code(&cli.run(&["send", &handle, "three", "--timeout", "2"])),
        Some(4)
    );
    let unknown = cli.run(&["send", "nobody.pds1.test", "hello"]);
    assert_eq!(code(&unknown), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("handle.unknown"));

    // What was promised to go on later does.
    proxy.refuse(false);
    let sent = cli.run(&["send", &handle, "four"]);
    assert!(sent.status.success(), "{sent:?}");
    bob.start().await.unwrap();
    bob.hears(&alice, &["one", "two", "three", "four"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_in_with_a_printed_url_and_out() {
    let relay = Relay::start(network()).await;
    let mut alice = Client::new(network(), "alice", 0).await;
    alice.stop().await;
    let cli = Cli::of(&alice);
    let url = format!("http://{}", relay.domain());
    let mut sign_in = cli.command(&[
        "sign-in",
        &alice.account.handle,
        "--relay",
        &url,
        "--print-url",
    ]);
    let mut signing_in = sign_in.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(signing_in.stdout.take().unwrap()).lines();
    let page = lines.next().unwrap().unwrap();
    alice.browse(&page);
    let line = lines.next().unwrap().unwrap();
    assert!(signing_in.wait().unwrap().success());
    let expected = format!(
        "{} {} {}",
        alice.account.handle,
        alice.account.did,
        relay.domain()
    );
    assert_eq!(line, expected);
    assert!(cli.run(&["sign-out"]).status.success());
    assert_eq!(cli.run(&["status"]).status.code(), Some(3));
    until("the lock is free", || async {
        cli.run(&["status"]).status.code() == Some(3)
    })
    .await;
}
