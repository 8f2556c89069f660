//! Signing in, setting up, signing out.

use sotto_core::views::{AppState, ConnectionState};
use sotto_testkit::{Client, Decision, Proxy, Relay, network, until};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_and_set_up() {
    let relay = Relay::start(network()).await;
    let alice = Client::new(network(), "alice", 0).await;
    assert_eq!(alice.app().state().await.unwrap(), AppState::SignedOut);
    let state = alice.sign_in().await.unwrap();
    let AppState::SettingUp { account, .. } = state else {
        panic!("{state:?}")
    };
    assert_eq!(account.handle, alice.account.handle);
    assert_eq!(account.did, alice.account.did);
    assert!(account.display_name.is_some() && account.avatar.unwrap().starts_with("data:image/"));
    let state = alice.set_up(relay.domain()).await.unwrap();
    let AppState::Ready { account } = state else {
        panic!("{state:?}")
    };
    assert_eq!(account.relay.as_deref(), Some(relay.domain()));
    assert!(account.avatar.is_some());
    alice.online().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_is_no_relay_changes_nothing() {
    let relay = Relay::start(network()).await;
    let alice = Client::new(network(), "alice", 0).await;
    alice.sign_in().await.unwrap();
    let pds = network().control().authority().to_owned();
    let nobody = Proxy::start().await.domain();
    for (typed, code) in [
        (format!("http://{pds}"), "relay.not_a_relay"),
        (format!("http://{nobody}"), "relay.unreachable"),
        ("http://relay.example".to_owned(), "relay.insecure"),
        ("no domain".to_owned(), "relay.domain_invalid"),
    ] {
        let error = alice.app().set_up(typed.clone()).await.unwrap_err();
        assert_eq!(error.code, code, "{typed}");
        let state = alice.app().state().await.unwrap();
        assert!(
            matches!(state, AppState::SettingUp { .. }),
            "{typed}: {state:?}"
        );
    }
    // Nothing was published: the account is still free.
    alice.set_up(relay.domain()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_can_be_denied_and_cancelled() {
    let mut alice = Client::new(network(), "alice", 0).await;
    alice.decision = Decision::Deny;
    alice.restart().await;
    assert_eq!(alice.sign_in().await.unwrap_err().code, "oauth.denied");
    assert_eq!(alice.app().state().await.unwrap(), AppState::SignedOut);

    alice.decision = Decision::Hesitate;
    alice.restart().await;
    let (app, handle) = (alice.app().clone(), alice.account.handle.clone());
    let pending = tokio::spawn(async move { app.sign_in(handle).await });
    until("the browser is open", || async {
        matches!(
            alice.app().state().await.unwrap(),
            AppState::SigningIn { .. }
        )
    })
    .await;
    assert_eq!(
        alice.app().cancel_sign_in().await.unwrap(),
        AppState::SignedOut
    );
    assert_eq!(pending.await.unwrap().unwrap_err().code, "oauth.cancelled");
    assert_eq!(
        alice
            .app()
            .sign_in("no handle".into())
            .await
            .unwrap_err()
            .code,
        "handle.invalid"
    );
    let unknown = alice
        .app()
        .sign_in("nobody.pds0.test".into())
        .await
        .unwrap_err();
    assert_eq!(unknown.code, "handle.unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegation_made_elsewhere_is_not_overwritten() {
    let relay = Relay::start(network()).await;
    let first = Client::ready(network(), "alice", 0, relay.domain()).await;
    let second = Client::of(network(), first.account.clone()).await;
    let state = second.sign_in().await.unwrap();
    assert!(
        matches!(state, AppState::DelegationElsewhere { .. }),
        "{state:?}"
    );
    assert!(second.set_up(relay.domain()).await.is_err());

    // The first still receives.
    let bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    bob.write(&first, "still you").await;
    first.hears(&bob, &["still you"]).await;
    assert!(matches!(
        second.app().sign_out().await.unwrap(),
        AppState::SignedOut
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_set_up_at_once_do_not_overwrite_each_other() {
    let relay = Relay::start(network()).await;
    let first = Client::new(network(), "alice", 0).await;
    let second = Client::of(network(), first.account.clone()).await;
    for client in [&first, &second] {
        assert!(matches!(
            client.sign_in().await.unwrap(),
            AppState::SettingUp { .. }
        ));
    }
    let (one, other) = tokio::join!(first.set_up(relay.domain()), second.set_up(relay.domain()));
    let states = [one.unwrap(), other.unwrap()];
    let ready = states
        .iter()
        .filter(|it| matches!(it, AppState::Ready { .. }))
        .count();
    let elsewhere = |it: &&AppState| matches!(it, AppState::DelegationElsewhere { .. });
    assert_eq!(
        (ready, states.iter().filter(elsewhere).count()),
        (1, 1),
        "{states:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_there_at_once_without_any_network() {
    let proxy = Proxy::start().await;
    let _relay = Relay::behind(network(), proxy.target(), &proxy.domain()).await;
    let mut alice = Client::ready(network(), "alice", 0, &proxy.domain()).await;
    proxy.refuse(true);
    let begun = std::time::Instant::now();
    alice.restart().await;
    let state = alice.app().state().await.unwrap();
    assert!(matches!(state, AppState::Ready { .. }), "{state:?}");
    assert_eq!(alice.app().conversations().await.unwrap(), []);
    assert!(begun.elapsed() < Duration::from_secs(5));
    until("offline", || async {
        alice.app().connection().await.unwrap().state == ConnectionState::Offline
    })
    .await;
    proxy.refuse(false);
    alice.online().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_keeps_the_history() {
    let relay = Relay::start(network()).await;
    let alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    alice.write(&bob, "before").await;
    bob.hears(&alice, &["before"]).await;
    assert_eq!(alice.app().sign_out().await.unwrap(), AppState::SignedOut);
    assert!(alice.app().conversations().await.is_err());

    // What is written meanwhile waits at the relay.
    bob.write(&alice, "meanwhile").await;
    let state = alice.sign_in().await.unwrap();
    assert!(matches!(state, AppState::Ready { .. }), "{state:?}");
    alice.hears(&bob, &["meanwhile"]).await;
    assert_eq!(alice.told(&bob).await.first().unwrap().text, "before");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_data_directory_is_for_one_process() {
    let alice = Client::new(network(), "alice", 0).await;
    let config = alice.config(&alice.data_dir());
    let second = sotto_core::app::App::start(config).await.err().unwrap();
    assert_eq!(second.code, "database.locked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_file_needs_its_passphrase() {
    let alice = Client::new(network(), "alice", 0).await;
    let dir = tempfile::tempdir().unwrap();
    let mut config = alice.config(dir.path());
    config.vault_passphrase = None;
    let app = sotto_core::app::App::start(config.clone()).await.unwrap();
    assert_eq!(
        app.state().await.unwrap(),
        AppState::Locked { create: true }
    );
    let short = app.unlock("1234567".into()).await.unwrap_err();
    assert_eq!(short.code, "vault.passphrase_too_short");
    assert_eq!(
        app.unlock("correct horse".into()).await.unwrap(),
        AppState::SignedOut
    );
    app.shutdown().await;
    drop(app);
    let app = sotto_core::app::App::start(config).await.unwrap();
    assert_eq!(
        app.state().await.unwrap(),
        AppState::Locked { create: false }
    );
    let wrong = app.unlock("battery staple".into()).await.unwrap_err();
    assert_eq!(wrong.code, "vault.wrong_passphrase");
    assert_eq!(
        app.unlock("correct horse".into()).await.unwrap(),
        AppState::SignedOut
    );
}
