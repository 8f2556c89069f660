//! Who is shown the way to an account on Germ.

use std::collections::BTreeMap;

use ipld_core::ipld::Ipld;

use super::*;
use crate::Network;
use crate::repo::ProofError;
use crate::testing::{FakeNet, TestRepo, endpoints};

const DOCUMENT: &str = "https://plc.example/did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const SERVER: &str = "https://pds.example/xrpc/com.atproto.sync.getRecord?did=did%3Aplc%3Aaaaaaaaaaaaaaaaaaaaaaaaa&collection=";
const RELATIONSHIPS: &str = "https://appview.example/xrpc/app.bsky.graph.getRelationships?actor=did%3Aplc%3Aaaaaaaaaaaaaaaaaaaaaaaaa&others=did%3Aplc%3Abbbbbbbbbbbbbbbbbbbbbbbb";
const FOLLOW: &str = "app.bsky.graph.follow";

fn ipld(value: &Value) -> Ipld {
    match value {
        Value::Object(map) if map.contains_key("$bytes") => {
            let text = map["$bytes"].as_str().unwrap();
            let base64 = multibase::Base::Base64.decode(text).unwrap();
            Ipld::Bytes(base64)
        }
        Value::Object(map) => Ipld::Map(map.iter().map(|(k, v)| (k.clone(), ipld(v))).collect()),
        Value::Array(list) => Ipld::List(list.iter().map(ipld).collect()),
        Value::String(text) => Ipld::String(text.clone()),
        other => panic!("{other}"),
    }
}

/// An account with a declaration that shows its button to `shown`, and a follow of `subject`.
fn net(shown: &str, subject: &str) -> FakeNet {
    let mut declaration = record(&Hello::new(&did(), 1));
    declaration["messageMe"]["showButtonTo"] = json!(shown);
    let text = |text: &str| Ipld::String(text.to_owned());
    let follow = BTreeMap::from([
        ("$type".to_owned(), text(FOLLOW)),
        ("subject".to_owned(), text(subject)),
        ("createdAt".to_owned(), text("2026-01-01T00:00:00Z")),
    ]);
    let repo = TestRepo::new(did().as_str())
        .record(&format!("{COLLECTION}/{RKEY}"), ipld(&declaration))
        .record(&format!("{FOLLOW}/3jzfcijpj2z2a"), Ipld::Map(follow));
    let document = json!({
        "id": did(),
        "alsoKnownAs": ["at://alice.example.com"],
        "verificationMethod": [{
            "id": "#atproto", "type": "Multikey", "publicKeyMultibase": repo.signer.multibase(),
        }],
        "service": [{
            "id": "#atproto_pds", "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": "https://pds.example",
        }],
    });
    let car = repo.car();
    FakeNet::new()
        .answer(DOCUMENT, 200, document.to_string())
        .answer(
            &format!("{SERVER}{COLLECTION}&rkey={RKEY}"),
            200,
            car.clone(),
        )
        .answer(
            &format!("{SERVER}{FOLLOW}&rkey=3jzfcijpj2z2a"),
            200,
            car.clone(),
        )
        .answer(&format!("{SERVER}{FOLLOW}&rkey=3jzfcijpj2z2b"), 200, car)
}

fn says(following: &Value) -> String {
    json!({"actor": did(), "relationships": [
        {"$type": "app.bsky.graph.defs#relationship", "did": mallory(), "following": following},
    ]})
    .to_string()
}

fn followed() -> String {
    says(&json!(format!("at://{}/{FOLLOW}/3jzfcijpj2z2a", did())))
}

async fn link(network: Network) -> Option<String> {
    let found = network.germ_declaration(&did()).await.unwrap();
    assert_eq!(
        found.claimed_handle().unwrap().as_str(),
        "alice.example.com"
    );
    let link = network.germ_link(&found, &mallory()).await;
    link.map(|url| url.to_string())
}

const LINK: &str = "https://landing.ger.mx/newUser/web#did:plc:aaaaaaaaaaaaaaaaaaaaaaaa+did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";

#[tokio::test]
async fn everyone_and_no_one() {
    let ask = async |shown| link(net(shown, mallory().as_str()).network(endpoints())).await;
    assert_eq!(ask("everyone").await.as_deref(), Some(LINK));
    assert_eq!(ask("none").await, None);
    assert_eq!(ask("whoever").await, None);
}

#[tokio::test]
async fn nobody_is_sent_to_write_to_themself() {
    let network = net("everyone", mallory().as_str()).network(endpoints());
    let found = network.germ_declaration(&did()).await.unwrap();
    assert_eq!(network.germ_link(&found, &did()).await, None);
}

#[tokio::test]
async fn whom_the_account_follows_its_repository_proves() {
    let net = net("usersIFollow", mallory().as_str()).answer(RELATIONSHIPS, 200, followed());
    assert_eq!(link(net.network(endpoints())).await.as_deref(), Some(LINK));
}

#[tokio::test]
async fn what_is_not_proved_is_no_follow() {
    let viewer = mallory();
    let of = |uri: String| says(&json!(uri));
    let answers = [
        (503, followed()),
        (200, "garbage".to_owned()),
        (200, json!({"relationships": []}).to_string()),
        (200, says(&json!(null))),
        // A record that is not there, of another account, of another kind, none at all.
        (200, of(format!("at://{}/{FOLLOW}/3jzfcijpj2z2b", did()))),
        (200, of(format!("at://{viewer}/{FOLLOW}/3jzfcijpj2z2a"))),
        (200, of(format!("at://{}/{COLLECTION}/{RKEY}", did()))),
        (200, of(format!("at://{}/{FOLLOW}/../{COLLECTION}", did()))),
        (200, of(format!("at://{}/{FOLLOW}/..", did()))),
    ];
    for (status, answer) in answers {
        let net =
            net("usersIFollow", viewer.as_str()).answer(RELATIONSHIPS, status, answer.clone());
        assert_eq!(link(net.network(endpoints())).await, None, "{answer}");
    }
    let silent = net("usersIFollow", viewer.as_str());
    assert_eq!(link(silent.network(endpoints())).await, None);
    let of_another = net("usersIFollow", did().as_str()).answer(RELATIONSHIPS, 200, followed());
    assert_eq!(
        link(of_another.network(endpoints())).await,
        None,
        "follows somebody else"
    );
}

#[tokio::test]
async fn a_declaration_is_believed_out_of_the_accounts_repository_only() {
    let ask = async |net: FakeNet| {
        let network = net.network(endpoints());
        network.germ_declaration(&did()).await.unwrap_err()
    };
    let record = format!("{SERVER}{COLLECTION}&rkey={RKEY}");
    let good = || net("everyone", mallory().as_str());
    let without = TestRepo::new(did().as_str()).record("a.b.c/self", Ipld::Map(BTreeMap::new()));
    assert_eq!(
        ask(good().answer(&record, 200, without.car())).await,
        GermError::None
    );
    let of_another = TestRepo::new(mallory().as_str());
    assert_eq!(
        ask(good().answer(&record, 200, of_another.car())).await,
        GermError::Fetch(FetchError::Proof(ProofError::WrongAccount))
    );
    let mut forged = TestRepo::new(did().as_str());
    forged.high_s = true;
    assert_eq!(
        ask(good().answer(&record, 200, forged.car())).await,
        GermError::Fetch(FetchError::Proof(ProofError::Signature))
    );
    let large = vec![0; crate::repo::MAX_CAR + 1];
    assert_eq!(
        ask(good().answer(&record, 200, large)).await,
        GermError::Fetch(FetchError::Proof(ProofError::Invalid))
    );
    assert_eq!(
        ask(good().answer(&record, 502, "")).await,
        GermError::Fetch(FetchError::Unreachable)
    );
    assert_eq!(
        ask(FakeNet::new()).await,
        GermError::Document(DocumentError::PlcUnreachable)
    );
}
