//! Servers that lie: the account's own, the directory, and whoever is in between. Real sockets on
//! loopback. Whatever they do ends in a named error, within bounds of size and time, and never in a
//! `VerifiedAccount`; what no verifier can notice is written down as such.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy counts only the test functions themselves as tests"
)]

#[path = "hostile/account.rs"]
mod account;
#[path = "hostile/bounds.rs"]
mod bounds;
#[path = "hostile/server.rs"]
mod server;

use serde_json::json;
use sotto_identity::did_document::DidDocument;
use sotto_identity::handle::Handle;
use sotto_identity::verify::Level;
use sotto_wire::did::Did;

use account::{Account, Change, DOCUMENT, NOW, RECORD, car, handle, key, network};
use server::Answer;

#[tokio::test]
async fn an_honest_server_is_believed() {
    let account = Account::new(1).await;
    account.publish();
    let verified = account.verify(None).await.unwrap();
    assert_eq!(verified.key(), &key(1).public());
    assert_eq!(account.server.asked(), [DOCUMENT, RECORD]);
}

#[tokio::test]
async fn a_swapped_key_or_domain_breaks_the_claim() {
    for (field, value) in [
        ("key", key(2).public().to_did_key()),
        ("domain", "relay.evil.example".to_owned()),
        ("incoming", "none".to_owned()),
    ] {
        let mut account = Account::new(1).await;
        account.set(field, &value);
        assert_eq!(account.refused(None).await, "account.bad_claim", "{field}");
    }
}

#[tokio::test]
async fn a_swapped_record_is_noticed_by_whoever_knew_the_old_key() {
    let mut account = Account::new(1).await;
    let pin = account.pin().await;
    // The server holds the repository's key: it can sign a whole record of its own.
    account.delegate(2, "relay.evil.example", 6);
    assert_eq!(account.refused(Some(&pin)).await, "account.key_changed");
}

#[tokio::test]
async fn a_replayed_record_is_noticed_by_whoever_saw_a_newer_one() {
    let mut account = Account::new(1).await;
    let pin = account.pin().await;
    account.delegate(1, "relay.example", 4);
    assert_eq!(
        account.refused(Some(&pin)).await,
        "account.claim_rolled_back"
    );
    let mut account = Account::new(1).await;
    let pin = account.pin().await;
    account.rev = "3jzfcijpj2y2a".to_owned();
    assert_eq!(
        account.refused(Some(&pin)).await,
        "account.repo_rolled_back"
    );
}

/// One record for its owner, another for a peer, both good and of the same revision.
#[tokio::test]
async fn equivocation_shows_where_two_views_meet() {
    let mut account = Account::new(1).await;
    let to_owner = account.pin().await;
    account.delegate(2, "relay.evil.example", 5);
    // A peer who never saw the account cannot tell, and is told no more than that the server says so.
    let to_peer = account.pin().await;
    assert_eq!(to_peer.level, Level::Vended);
    // The two keys differ: comparing them is what finds it out.
    assert_ne!(to_peer.key, to_owner.key);
    // Whoever has seen one view is not shown the other unnoticed, in either direction.
    assert_eq!(
        account.refused(Some(&to_owner)).await,
        "account.key_changed"
    );
    account.delegate(1, "relay.example", 5);
    assert_eq!(account.refused(Some(&to_peer)).await, "account.key_changed");
    // A key in the document takes the choice away from the server.
    account.anchor(1);
    account.delegate(2, "relay.evil.example", 5);
    assert_eq!(account.refused(None).await, "account.contradicted");
}

#[tokio::test]
async fn the_document_and_the_record_name_one_key() {
    let mut account = Account::new(1).await;
    account.anchor(2);
    assert_eq!(account.refused(None).await, "account.contradicted");
    let mut account = Account::new(1).await;
    account.anchor(1);
    account.anchor(1);
    assert_eq!(account.refused(None).await, "account.contradicted", "twice");
}

#[tokio::test]
async fn a_forged_proof_proves_nothing() {
    let mut account = Account::new(1).await;
    account.signed_by = k256::ecdsa::SigningKey::from_slice(&[8; 32]).unwrap();
    assert_eq!(account.refused(None).await, "account.bad_signature");

    let mut other = Account::new(1).await;
    other.of = "did:web:b.example".to_owned();
    assert_eq!(other.refused(None).await, "account.bad_proof");

    let account = Account::new(1).await;
    let blocks = account.blocks();
    let mut another = Account::new(2).await;
    another.delegate(2, "relay.evil.example", 5);
    let another = another.blocks();
    // The record of another commit, under its own hash and under that of the right one; a tree
    // without its record; a record alone; the commit twice.
    let mut swapped = blocks.clone();
    swapped[2] = another[2].clone();
    let mut disguised = blocks.clone();
    disguised[2].1.clone_from(&another[2].1);
    for wrong in [
        swapped,
        disguised,
        blocks[..2].to_vec(),
        blocks[2..].to_vec(),
        vec![blocks[0].clone(), blocks[0].clone()],
    ] {
        account.publish();
        account
            .server
            .answer(RECORD, Answer::Whole(200, car(&wrong)));
        let code = account.verify(None).await.unwrap_err().code();
        assert_eq!(code, "account.bad_proof");
    }
    let whole = car(&blocks);
    for cut in [0, 1, 40, whole.len() / 2, whole.len() - 1] {
        let answer = Answer::Whole(200, whole[..cut].to_vec());
        account.server.answer(RECORD, answer);
        let code = account.verify(None).await.unwrap_err().code();
        assert_eq!(code, "account.bad_proof", "{cut}");
    }
}

/// A proof about another record proves that this one is not there; that much a server can do to its
/// account at any time, and nothing is sent then.
#[tokio::test]
async fn a_proof_of_something_else_is_one_of_absence() {
    let mut account = Account::new(1).await;
    let pin = account.pin().await;
    account.path = "app.bsky.actor.profile/self".to_owned();
    assert_eq!(account.refused(Some(&pin)).await, "account.no_delegation");
}

#[tokio::test]
async fn signatures_have_one_form_and_are_in_range() {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36,
        0x41, 0x41,
    ];
    let changes: [(&str, Change); 9] = [
        ("high S", |good| {
            let (r, s) = k256::ecdsa::Signature::from_slice(&good)
                .unwrap()
                .split_scalars();
            let high = k256::ecdsa::Signature::from_scalars(*r, -*s).unwrap();
            high.to_vec()
        }),
        ("r is zero", |good| [&[0; 32], &good[32..]].concat()),
        ("s is zero", |good| [&good[..32], &[0; 32]].concat()),
        ("r is the order", |good| [&ORDER[..], &good[32..]].concat()),
        ("s is the order", |good| [&good[..32], &ORDER[..]].concat()),
        ("all ones", |_| vec![0xff; 64]),
        ("short", |good| good[..63].to_vec()),
        ("long", |good| [&good[..], &[0]].concat()),
        ("DER", |good| {
            let signature = k256::ecdsa::Signature::from_slice(&good).unwrap();
            signature.to_der().as_bytes().to_vec()
        }),
    ];
    for (what, change) in changes {
        let mut account = Account::new(1).await;
        account.signature = change;
        assert_eq!(
            account.refused(None).await,
            "account.bad_signature",
            "{what}"
        );
    }
}

#[tokio::test]
async fn a_handle_is_believed_both_ways_only() {
    let account = Account::new(1).await;
    account.publish();
    let resolver = "/xrpc/com.atproto.identity.resolveHandle";
    let leads_to = |did: &str| {
        let body = json!({ "did": did }).to_string().into_bytes();
        account.server.answer(resolver, Answer::Whole(200, body));
    };
    let network = network(&account.server);
    // The handle leads to this account, whose document names another.
    leads_to(account.did().as_str());
    let found = network.resolve_handle(&handle()).await.unwrap();
    let stolen = Handle::parse("bob.example.com").unwrap();
    let outcome = network.verify_contact(&stolen, &found, None, NOW).await;
    assert_eq!(outcome.unwrap_err().code(), "handle.mismatch");
    // The document names the handle, which leads to somebody else.
    leads_to("did:web:b.example");
    let mut verified = account.verify(None).await.unwrap();
    network.confirm_handle(&mut verified).await;
    assert_eq!(verified.handle(), None);
    leads_to(account.did().as_str());
    network.confirm_handle(&mut verified).await;
    assert_eq!(verified.handle(), Some(&handle()));
}

/// Every way to write an address of a private network.
const INSIDE: [&str; 24] = [
    "https://10.0.0.1",
    "https://172.16.0.1",
    "https://172.31.255.255",
    "https://192.168.0.1",
    "https://169.254.169.254",
    "https://100.64.0.1",
    "https://0.0.0.0",
    "https://[fc00::1]",
    "https://[fd12:3456::1]",
    "https://[fe80::1]",
    "https://[::]",
    "https://[::ffff:10.0.0.1]",
    "https://[::ffff:7f00:1]",
    "https://[::7f00:1]",
    "https://[64:ff9b::a00:1]",
    "https://[2002:a00:1::]",
    "https://167772161",
    "https://0x0a000001",
    "https://0xa.0.0.1",
    "https://012.0.0.1",
    "https://10.1",
    "https://intranet",
    "http://pds.example.com",
    "https://user@pds.example.com",
];

#[tokio::test]
async fn a_document_cannot_send_anyone_inside() {
    for inside in INSIDE {
        let mut account = Account::new(1).await;
        account.document["service"][0]["serviceEndpoint"] = json!(inside);
        assert_eq!(account.refused(None).await, "did.unresolvable", "{inside}");
        assert_eq!(account.server.asked(), [DOCUMENT], "{inside}");
    }
}

#[tokio::test]
async fn outside_development_loopback_is_inside_too() {
    let account = Account::new(1).await;
    let loopback = [
        "https://127.0.0.1",
        "https://127.1",
        "https://2130706433",
        "https://0x7f.1",
        "https://0177.0.0.1",
        "https://[::1]",
        "https://localhost",
        "https://LOCALHOST.",
        "https://a.localhost",
    ];
    for inside in INSIDE.iter().chain(&loopback) {
        let mut document = account.document.clone();
        document["service"][0]["serviceEndpoint"] = json!(inside);
        let read = DidDocument::from_json(&document, &account.did(), false);
        assert_eq!(read, None, "{inside}");
    }
}

#[test]
fn no_did_names_an_address() {
    for host in [
        "10.0.0.1",
        "169.254.169.254",
        "127.0.0.2",
        "[::1]",
        "%5B%3A%3A1%5D",
        "167772161",
        "0x0a000001",
        "10.1",
        "127.0.0.1.",
        "localhost.",
        "127.0.0.1%3A80%2Fx",
        "127.0.0.1%2F",
        "a.example%40127.0.0.1",
        "a.example%2F..",
    ] {
        assert!(Did::parse(&format!("did:web:{host}")).is_err(), "{host}");
    }
}

#[tokio::test]
async fn a_redirect_cannot_send_anyone_inside() {
    for inside in [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:10.0.0.1]/",
        "http://2886729729/",
        "https://127.0.0.1/",
        "file:///etc/passwd",
    ] {
        for (path, code) in [(DOCUMENT, "did.forbidden"), (RECORD, "pds.forbidden")] {
            let account = Account::new(1).await;
            account.publish();
            account
                .server
                .answer(path, Answer::Redirect(inside.to_owned()));
            let error = account.verify(None).await.unwrap_err();
            assert_eq!(error.code(), code, "{path} {inside}");
        }
    }
}
