//! Relays and apps that are killed, connections that break: nothing is lost, nothing doubled,
//! nothing out of order.

use sotto_testkit::{Cli, Client, Proxy, Relay, network, until};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

const MANY: usize = 500;

fn numbered(n: usize) -> Vec<String> {
    (1..=n).map(|n| format!("message {n}")).collect()
}

/// A while, up to `ms` milliseconds.
async fn a_while(ms: u64) {
    let random = RandomState::new().build_hasher().finish() % ms;
    tokio::time::sleep(Duration::from_millis(random)).await;
}

/// Waits for everything, and then for what should not come.
async fn arrives_once_and_in_order(to: &Client, from: &Client, expected: &[String]) {
    let last = expected.len();
    until("everything", || async {
        to.heard(from).await.len() >= last
    })
    .await;
    from.delivered(to).await;
    assert_eq!(to.heard(from).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn relays_killed_at_random_moments() {
    let (mut near, mut far) = (Relay::start(network()).await, Relay::start(network()).await);
    let alice = Client::ready(network(), "alice", 0, near.domain()).await;
    let bob = Client::ready(network(), "bob", 1, far.domain()).await;
    let expected = numbered(MANY);
    let conversation = alice.conversation(&bob).await;
    let writing = async {
        for text in &expected {
            let sent = alice
                .app()
                .send_text(conversation.clone(), text.clone(), None)
                .await;
            sent.unwrap();
            a_while(20).await;
        }
    };
    let killing = async {
        for n in 0..12 {
            let relay = if n % 3 == 0 { &mut near } else { &mut far };
            a_while(800).await;
            relay.kill();
            a_while(300).await;
            relay.restart().await;
        }
    };
    tokio::join!(writing, killing);
    arrives_once_and_in_order(&bob, &alice, &expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_lost_everything_is_told_again() {
    let mut relay = Relay::start(network()).await;
    let alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    relay.lose_data();
    relay.restart().await;
    alice.online().await;
    bob.online().await;
    // First contact needs Bob's registration and key packages to be there again.
    until("bob is found", || async {
        let sent = alice.write(&bob, "found").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        sent > 0 && !bob.heard(&alice).await.is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_killed_at_random_moments() {
    let relays = (Relay::start(network()).await, Relay::start(network()).await);
    let mut alice = Client::ready(network(), "alice", 0, relays.0.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relays.1.domain()).await;
    alice.write(&bob, "message 0").await;
    bob.hears(&alice, &["message 0"]).await;
    alice.stop().await;
    let cli = Cli::of(&alice);
    let handle = bob.account.handle.clone();
    // Each run writes what the runs before have not: what a message that was being written when
    // the process died has become is for the next run to see.
    let mut next = 1;
    while next <= MANY {
        let lines: String = (next..=MANY).map(|n| format!("message {n}\n")).collect();
        let mut running = cli.start(&["send", &handle, "-", "--wait", "delivered"], &lines);
        a_while(2500).await;
        running.kill().unwrap();
        running.wait().unwrap();
        next = written(&mut alice, &bob).await + 1;
    }
    alice.start().await.unwrap();
    let expected: Vec<String> = (0..=MANY).map(|n| format!("message {n}")).collect();
    arrives_once_and_in_order(&bob, &alice, &expected).await;
}

/// The number of the last message in the sender's own history. The app runs only for a moment.
async fn written(alice: &mut Client, bob: &Client) -> usize {
    alice.restart().await;
    let told = alice.told(bob).await;
    let mine: Vec<_> = told.iter().filter(|it| it.mine).collect();
    alice.stop().await;
    assert!(!mine.is_empty());
    mine.len() - 1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_killed_at_random_moments() {
    let relays = (Relay::start(network()).await, Relay::start(network()).await);
    let alice = Client::ready(network(), "alice", 0, relays.0.domain()).await;
    let mut bob = Client::ready(network(), "bob", 1, relays.1.domain()).await;
    let conversation = alice.conversation(&bob).await;
    bob.stop().await;
    let cli = Cli::of(&bob);
    let expected = numbered(MANY);
    let writing = async {
        for text in &expected {
            let sent = alice
                .app()
                .send_text(conversation.clone(), text.clone(), None)
                .await;
            sent.unwrap();
            a_while(10).await;
        }
    };
    let killing = async {
        for _ in 0..15 {
            let mut running = cli.start(&["watch"], "");
            a_while(1500).await;
            running.kill().unwrap();
            running.wait().unwrap();
        }
    };
    tokio::join!(writing, killing);
    bob.start().await.unwrap();
    arrives_once_and_in_order(&bob, &alice, &expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_break_all_the_time() {
    let proxy = Proxy::start().await;
    let _relay = Relay::behind(network(), proxy.target(), &proxy.domain()).await;
    let alice = Client::ready(network(), "alice", 0, &proxy.domain()).await;
    let bob = Client::ready(network(), "bob", 1, &proxy.domain()).await;
    let conversation = alice.conversation(&bob).await;
    let answers = bob.conversation(&alice).await;
    proxy.break_within(60_000);
    let (there, back) = (numbered(100), numbered(50));
    for (n, text) in there.iter().enumerate() {
        alice
            .app()
            .send_text(conversation.clone(), text.clone(), None)
            .await
            .unwrap();
        if let Some(text) = back.get(n) {
            bob.app()
                .send_text(answers.clone(), text.clone(), None)
                .await
                .unwrap();
        }
        a_while(40).await;
    }
    proxy.break_within(0);
    arrives_once_and_in_order(&bob, &alice, &there).await;
    arrives_once_and_in_order(&alice, &bob, &back).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_up_that_was_killed_goes_on() {
    let relay = Relay::start(network()).await;
    let alice = Client::new(network(), "alice", 0).await;
    alice.sign_in().await.unwrap();
    let (mut alice, domain) = (alice, relay.domain().to_owned());
    for ms in [5, 20, 60, 120, 200, 300, 500] {
        // Dropping the future is a crash at whatever it was waiting for.
        let set_up = alice.set_up(&domain);
        let finished = tokio::time::timeout(Duration::from_millis(ms), set_up).await;
        alice.restart().await;
        let state = alice.app().state().await.unwrap();
        use sotto_core::views::AppState::{Ready, SettingUp};
        match (finished, state) {
            (Ok(Ok(_)) | Err(_), Ready { .. }) => break,
            (Err(_), SettingUp { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    if matches!(
        alice.app().state().await.unwrap(),
        sotto_core::views::AppState::SettingUp { .. }
    ) {
        alice.set_up(&domain).await.unwrap();
    }
    let bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    bob.write(&alice, "set up").await;
    alice.hears(&bob, &["set up"]).await;
}
