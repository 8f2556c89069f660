//! Syntax, and the two ways to an account.

use super::*;
use crate::testing::{FakeNet, endpoints};

const ALICE: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const BOB: &str = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
const WELL_KNOWN: &str = "https://alice.example.com/.well-known/atproto-did";

fn alice() -> Handle {
    Handle::parse("Alice.Example.com").unwrap()
}

#[test]
fn syntax() {
    assert_eq!(alice().as_str(), "alice.example.com");
    for good in [
        "a.test",
        "xn--ls8h.test",
        "8.cn",
        "john-doe.bsky.social",
        "a.b-c.d.e3",
    ] {
        assert!(Handle::parse(good).is_ok(), "{good}");
    }
    let long = format!("{}.com", "a.".repeat(130));
    let label = format!("{}.com", "a".repeat(64));
    let bad = [
        "",
        ".",
        "com",
        "@a.com",
        "a..com",
        "a.com.",
        ".a.com",
        "-a.com",
        "a-.com",
        "a.c0m.7",
        "1.1.1.1",
        "a_b.com",
        "ä.com",
        "a.com/x",
        "a.com:1",
        "x.local",
        "x.invalid",
        "x.onion",
        "handle.invalid",
        &long,
        &label,
    ];
    for bad in bad {
        assert_eq!(Handle::parse(bad), Err(InvalidHandle), "{bad}");
    }
}

async fn resolve(net: FakeNet) -> Result<Did, ResolveError> {
    net.network(endpoints()).resolve_handle(&alice()).await
}

#[tokio::test]
async fn either_way_alone_is_enough() {
    let dns = FakeNet::new().txt("_atproto.alice.example.com.", &[&format!("did={ALICE}")]);
    assert_eq!(resolve(dns).await.unwrap().as_str(), ALICE);
    let host = FakeNet::new().answer(WELL_KNOWN, 200, format!("{ALICE}\n"));
    assert_eq!(resolve(host).await.unwrap().as_str(), ALICE);
}

#[tokio::test]
async fn two_answers_have_to_agree() {
    for (host, expected) in [(ALICE, Ok(())), (BOB, Err(ResolveError::Mismatch))] {
        let net = FakeNet::new()
            .txt(
                "_atproto.alice.example.com.",
                &["v=spf1", &format!("did={ALICE}")],
            )
            .answer(WELL_KNOWN, 200, host);
        assert_eq!(resolve(net).await.map(|_| ()), expected);
    }
}

#[tokio::test]
async fn two_records_in_dns_are_no_answer_even_with_a_host() {
    let texts = [format!("did={ALICE}"), format!("did={BOB}")];
    let net = FakeNet::new()
        .txt("_atproto.alice.example.com.", &[&texts[0], &texts[1]])
        .answer(WELL_KNOWN, 200, ALICE);
    assert_eq!(resolve(net).await, Err(ResolveError::Mismatch));
}

#[tokio::test]
async fn unknown_is_not_unreachable() {
    let nobody = FakeNet::new().answer(WELL_KNOWN, 404, "");
    assert_eq!(resolve(nobody).await, Err(ResolveError::Unknown));
    let rubbish = FakeNet::new().answer(WELL_KNOWN, 200, "<html>");
    assert_eq!(resolve(rubbish).await, Err(ResolveError::Unknown));
    assert_eq!(resolve(FakeNet::new()).await, Err(ResolveError::Unknown));
    assert_eq!(
        resolve(FakeNet::new().no_dns()).await,
        Err(ResolveError::Unreachable)
    );
    let half = FakeNet::new().no_dns().answer(WELL_KNOWN, 404, "");
    assert_eq!(resolve(half).await, Err(ResolveError::Unreachable));
}

#[tokio::test]
async fn a_resolver_is_asked_instead() {
    let url =
        "https://resolver.example/xrpc/com.atproto.identity.resolveHandle?handle=alice.example.com";
    let cases = [
        (200, format!("{{\"did\": \"{ALICE}\"}}"), Ok(())),
        (200, "{}".to_owned(), Err(ResolveError::Unknown)),
        (
            400,
            "{\"error\": \"HandleNotFound\"}".to_owned(),
            Err(ResolveError::Unknown),
        ),
        (502, String::new(), Err(ResolveError::Unreachable)),
    ];
    for (status, body, expected) in cases {
        let mut endpoints = endpoints();
        endpoints.handle_resolver = Some(Url::parse("https://resolver.example").unwrap());
        let network = FakeNet::new().answer(url, status, body).network(endpoints);
        assert_eq!(network.resolve_handle(&alice()).await.map(|_| ()), expected);
    }
}
