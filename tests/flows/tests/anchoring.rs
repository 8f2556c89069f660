//! The own key in the DID document, through a real PDS and directory.
#![expect(
    clippy::unwrap_used,
    reason = "clippy counts only the test functions themselves as tests"
)]

use sotto_core::views::{
    AnchorStanding, AnchoringStep, AnchoringView, AppEvent, AppState, ErrorView,
};
use sotto_testkit::{Client, Decision, Relay, network, until};
use std::time::Duration;

type Answer = Result<AnchoringView, ErrorView>;

/// What is seen, and how far a change has come.
fn stands(answer: &Answer) -> (AnchorStanding, AnchoringStep) {
    let view = answer.as_ref().unwrap();
    (view.standing, view.step)
}

async fn finish(client: &Client) -> Answer {
    let code = network().mailed_code(&client.account).await;
    client.app().finish_anchoring(code).await
}

/// The `#e2ee` that the directory publishes.
async fn published(client: &Client) -> Option<String> {
    let url = format!("{}{}", network().plc(), client.account.did);
    let text = reqwest::get(url).await.unwrap().text().await.unwrap();
    let (_, after) = text.split_once("#e2ee")?;
    let (_, after) = after.split_once("publicKeyMultibase\":\"")?;
    Some(format!("did:key:{}", after.split_once('"')?.0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_anchored_and_taken_out_again() {
    use AnchorStanding::{Absent, Anchored, Unknown};
    use AnchoringStep::{Code, Idle};
    let relay = Relay::start(network()).await;
    let mut alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    assert_eq!(stands(&alice.app().anchoring().await), (Unknown, Idle));
    assert_eq!(stands(&alice.app().check_anchoring().await), (Absent, Idle));

    let mut events = alice.app().events();
    let begun = alice.app().begin_anchoring(false).await;
    assert_eq!(stands(&begun), (Absent, Code));
    assert_eq!(events.next().await, Some(AppEvent::Anchoring));
    // Interrupted here nothing is lost, and nothing is left.
    alice.restart().await;
    assert_eq!(stands(&alice.app().anchoring().await), (Absent, Idle));
    let ended = finish(&alice).await.unwrap_err();
    assert_eq!(ended.code, "anchor.permission_ended");

    alice.app().begin_anchoring(false).await.unwrap();
    let wrong = alice.app().finish_anchoring("AAAAA-AAAAA".into()).await;
    assert_eq!(wrong.unwrap_err().code, "anchor.code_wrong");
    assert_eq!(stands(&alice.app().anchoring().await), (Absent, Code));
    let done = finish(&alice).await;
    assert_eq!(stands(&done), (Anchored, Idle));
    let done = done.unwrap();
    assert!(done.since.is_some() && done.web.is_none());
    assert_eq!(published(&alice).await, Some(done.key.clone()));

    // What was seen is shown without asking, and once it is so nothing more is to be done.
    alice.restart().await;
    assert_eq!(alice.app().anchoring().await.unwrap(), done);
    let again = alice.app().begin_anchoring(false).await;
    assert_eq!(stands(&again), (Anchored, Idle));

    let removing = alice.app().begin_anchoring(true).await.unwrap();
    assert!(removing.removing);
    assert_eq!(stands(&finish(&alice).await), (Absent, Idle));
    assert_eq!(published(&alice).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_code_is_sent_without_asking_for_permission_again() {
    let relay = Relay::start(network()).await;
    let alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    alice.app().begin_anchoring(false).await.unwrap();
    let first = network().mailed_code(&alice.account).await;
    let mut events = alice.app().events();
    alice.app().begin_anchoring(false).await.unwrap();
    assert_ne!(network().mailed_code(&alice.account).await, first);
    // Straight from one code to the next: the browser was not opened.
    let step = alice.app().anchoring().await.unwrap().step;
    assert_eq!(step, AnchoringStep::Code);
    assert_eq!(events.next().await, Some(AppEvent::Anchoring));
    let more = tokio::time::timeout(Duration::from_millis(100), events.next()).await;
    assert!(more.is_err(), "{more:?}");
    let (standing, _) = stands(&finish(&alice).await);
    assert_eq!(standing, AnchorStanding::Anchored);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_denied_cancelled_and_left() {
    let relay = Relay::start(network()).await;
    let mut alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    alice.decision = Decision::Deny;
    alice.restart().await;
    let denied = alice.app().begin_anchoring(false).await.unwrap_err();
    assert_eq!(denied.code, "anchor.denied");
    assert_eq!(
        alice.app().anchoring().await.unwrap().step,
        AnchoringStep::Idle
    );

    alice.decision = Decision::Hesitate;
    alice.restart().await;
    let app = alice.app().clone();
    let pending = tokio::spawn(async move { app.begin_anchoring(false).await });
    until("the browser is open", || async {
        alice.app().anchoring().await.unwrap().step == AnchoringStep::Browser
    })
    .await;
    let cancelled = alice.app().cancel_anchoring().await.unwrap();
    assert_eq!(cancelled.step, AnchoringStep::Idle);
    assert_eq!(pending.await.unwrap().unwrap_err().code, "oauth.cancelled");

    alice.decision = Decision::Approve;
    alice.restart().await;
    alice.app().begin_anchoring(false).await.unwrap();
    let cancelled = alice.app().cancel_anchoring().await.unwrap();
    assert_eq!(cancelled.step, AnchoringStep::Idle);
    assert_eq!(
        finish(&alice).await.unwrap_err().code,
        "anchor.permission_ended"
    );

    alice.app().begin_anchoring(false).await.unwrap();
    assert_eq!(alice.app().sign_out().await.unwrap(), AppState::SignedOut);
    assert!(alice.app().anchoring().await.is_err());
    assert_eq!(published(&alice).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_goes_away_does_not_end_it() {
    let relay = Relay::start(network()).await;
    let alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let page = alice.app().begin_anchoring(false);
    let left = tokio::time::timeout(Duration::from_millis(20), page).await;
    assert!(left.is_err());
    until("the code was sent", || async {
        alice.app().anchoring().await.unwrap().step == AnchoringStep::Code
    })
    .await;
    let (standing, _) = stands(&finish(&alice).await);
    assert_eq!(standing, AnchorStanding::Anchored);
}
