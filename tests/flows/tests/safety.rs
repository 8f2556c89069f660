//! Two people who compare their safety number, and where their messages came from.
#![expect(clippy::unwrap_used, reason = "tests, and what they share")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{GrayImage, ImageFormat, Luma};
use sotto_core::views::{
    Level, ProvenanceFinding, ProvenanceOutcome, SafetyCodeView, SafetyComparison,
};
use sotto_testkit::{Client, Relay, network};
use std::collections::BTreeSet;
use std::io::Cursor;

/// A screenshot of a code, as the window draws it: a PNG file in base64.
fn screenshot(code: &SafetyCodeView) -> String {
    const MODULE: u32 = 6;
    let side = code.size;
    let mut dark = BTreeSet::new();
    for run in code.path.split('M').skip(1) {
        let mut numbers = run
            .split(|it: char| !it.is_ascii_digit())
            .filter_map(|it| it.parse::<u32>().ok());
        if let (Some(x), Some(y), Some(length)) = (numbers.next(), numbers.next(), numbers.next()) {
            dark.extend((x..x + length).map(|x| (x, y)));
        }
    }
    let whole = (side + 8) * MODULE;
    let image = GrayImage::from_fn(whole, whole, |x, y| {
        let place = ((x / MODULE).wrapping_sub(4), (y / MODULE).wrapping_sub(4));
        Luma([if dark.contains(&place) { 12 } else { 255 }])
    });
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, ImageFormat::Png).unwrap();
    STANDARD.encode(file.into_inner())
}

async fn level(of: &Client, to: &Client, id: &str) -> Level {
    let view = to.app().conversation(id.to_owned()).await.unwrap().unwrap();
    assert_eq!(view.peer.did, of.account.did);
    view.peer.level
}

#[tokio::test(flavor = "multi_thread")]
async fn one_reads_the_number_aloud_and_the_other_scans_the_code() {
    let relay = Relay::start(network()).await;
    let alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let mut bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    alice.write(&bob, "hello").await;
    bob.hears(&alice, &["hello"]).await;
    let id = alice.conversation(&bob).await;

    let hers = alice.app().safety_number(id.clone()).await.unwrap();
    let his = bob.app().safety_number(id.clone()).await.unwrap();
    assert_eq!(hers.number, his.number);
    assert_eq!((hers.number.len(), hers.confirmed_at), (60, None));

    let wrong = "0".repeat(60);
    let refused = alice.app().set_confirmed(id.clone(), true, wrong).await;
    assert_eq!(refused.unwrap_err().code, "safety.number_changed");
    assert_ne!(level(&bob, &alice, &id).await, Level::Confirmed);
    let heard = his.number.clone();
    let confirmed = alice.app().set_confirmed(id.clone(), true, heard).await;
    assert!(confirmed.unwrap().confirmed_at.is_some());
    assert_eq!(level(&bob, &alice, &id).await, Level::Confirmed);

    let scan = |code: &SafetyCodeView| bob.app().compare_safety_code(id.clone(), screenshot(code));
    assert_eq!(scan(&his.code).await.unwrap(), SafetyComparison::OwnCode);
    assert_ne!(level(&alice, &bob, &id).await, Level::Confirmed);
    assert_eq!(scan(&hers.code).await.unwrap(), SafetyComparison::Match);
    assert_eq!(level(&alice, &bob, &id).await, Level::Confirmed);
    let broken = bob.app().compare_safety_code(id.clone(), "AAAA".into());
    assert_eq!(broken.await.unwrap_err().code, "safety.picture_unreadable");

    bob.restart().await;
    assert_eq!(level(&alice, &bob, &id).await, Level::Confirmed);
    let cleared = bob.app().set_confirmed(id.clone(), false, String::new());
    assert_eq!(cleared.await.unwrap().confirmed_at, None);
    assert_ne!(level(&alice, &bob, &id).await, Level::Confirmed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_leads_to_a_device_and_its_key_at_both_ends() {
    let relay = Relay::start(network()).await;
    let alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    let sent = alice.write(&bob, "hello").await;
    bob.hears(&alice, &["hello"]).await;
    let id = alice.conversation(&bob).await;
    let page = bob.app().messages(id, None, 10).await.unwrap();

    let here = alice.app().provenance(sent).await.unwrap();
    let there = bob.app().provenance(page[0].id).await.unwrap();
    assert_eq!((here.mine, there.mine), (true, false));
    assert_eq!(here.lines[1].finding, ProvenanceFinding::ThisDevice);
    assert_eq!(there.lines[1].finding, ProvenanceFinding::DeviceCertified);
    for (own, received) in here.lines.iter().zip(&there.lines) {
        assert_eq!(own.step, received.step);
        assert_eq!(own.value, received.value, "{:?}", own.step);
        assert_eq!(own.outcome, received.outcome, "{:?}", own.step);
    }
    for line in &there.lines[..3] {
        assert_eq!(line.outcome, ProvenanceOutcome::Checked, "{:?}", line.step);
        assert!(line.value.is_some());
    }
    assert!(there.lines[3].revision.is_some());
    let unknown = bob.app().provenance(1).await.unwrap_err();
    assert_eq!(unknown.code, "message.unknown");
}
