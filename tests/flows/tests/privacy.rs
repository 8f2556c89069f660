//! What the relay and the network between get to see, and what a thief with the disk does.
#![expect(clippy::unwrap_used, reason = "tests, and what they share")]

use sotto_core::db::DbError;
use sotto_testkit::{Client, Proxy, Relay, network};
use std::path::Path;

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

/// Bytes as they are, and as texts have them.
fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let texts = [
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        hex,
    ];
    std::iter::once(secret.to_vec())
        .chain(texts.map(String::into_bytes))
        .collect()
}

/// What must never leave the device: `(what, bytes)`.
async fn secrets(client: &Client) -> Vec<(&'static str, Vec<u8>)> {
    const QUERIES: [(&str, &str); 6] = [
        ("delegate key", "SELECT delegate_seed FROM own_account"),
        ("device key", "SELECT device_seed FROM own_account"),
        ("group id", "SELECT group_id FROM send_group"),
        (
            "first-contact key",
            "SELECT first_contact_key FROM send_group",
        ),
        ("conversation id", "SELECT key FROM conversation"),
        ("seal key", "SELECT seal FROM issued_grant"),
    ];
    let database = client.app().database().unwrap();
    let read = database.read::<_, DbError>(|tx| {
        let mut found = Vec::new();
        for (what, sql) in QUERIES {
            let mut statement = tx.prepare(sql)?;
            let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
            let before = found.len();
            for row in rows {
                found.push((what, row?));
            }
            assert!(found.len() > before, "{what}");
        }
        Ok(found)
    });
    read.await.unwrap()
}

/// The database with everything that has not been moved into it yet.
fn files(database: &Path) -> Vec<u8> {
    let name = database.file_name().unwrap().to_str().unwrap();
    let files = std::fs::read_dir(database.parent().unwrap()).unwrap();
    let files = files.map(|it| it.unwrap().path());
    let files = files.filter(|it| it.file_name().unwrap().to_str().unwrap().starts_with(name));
    files.flat_map(|it| std::fs::read(it).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_and_the_network_see_nothing_they_should_not() {
    let proxy = Proxy::start().await;
    let relay = Relay::behind(network(), proxy.target(), &proxy.domain()).await;
    let alice = Client::ready(network(), "alice", 0, &proxy.domain()).await;
    let mut bob = Client::ready(network(), "bob", 1, &proxy.domain()).await;
    let texts = [
        "a first secret of alice",
        "an answer of bob",
        "a later secret of alice",
    ];
    alice.write(&bob, texts[0]).await;
    bob.hears(&alice, &[texts[0]]).await;
    bob.write(&alice, texts[1]).await;
    alice.hears(&bob, &[texts[1]]).await;
    alice.delivered(&bob).await;
    // One that lies at the relay.
    let mut hidden = secrets(&alice).await;
    hidden.extend(secrets(&bob).await);
    bob.stop().await;
    alice.write(&bob, texts[2]).await;
    sotto_testkit::until("it is sent", || async {
        let states = alice.states(&bob).await;
        states.last() == Some(&sotto_core::views::MessageState::Sent)
    })
    .await;

    hidden.extend(texts.map(|text| ("text", text.as_bytes().to_vec())));
    let handles = [&alice.account.handle, &bob.account.handle];
    hidden.extend(handles.map(|handle| ("handle", handle.as_bytes().to_vec())));
    let places = [
        ("the wire", proxy.recorded()),
        ("the relay's database", files(&relay.database())),
        ("the relay's log", relay.log().into_bytes()),
    ];
    for (place, bytes) in &places {
        for (what, secret) in &hidden {
            for spelling in spellings(secret) {
                assert!(!holds(bytes, &spelling), "{place} holds a {what}");
            }
        }
    }
    // The search can find something: who is registered is there to be seen.
    let did = alice.account.did.as_bytes();
    assert!(holds(&places[0].1, did) && holds(&places[1].1, did));
    assert!(!holds(&places[2].1, did), "the relay's log holds a DID");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thief_with_the_disk_sees_nothing() {
    let relay = Relay::start(network()).await;
    let mut alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    let text = "a secret that lies on the disk";
    alice.write(&bob, text).await;
    alice.delivered(&bob).await;
    let mut hidden = secrets(&alice).await;
    hidden.push(("text", text.as_bytes().to_vec()));
    for account in [&alice.account, &bob.account] {
        hidden.push(("handle", account.handle.as_bytes().to_vec()));
        hidden.push(("DID", account.did.as_bytes().to_vec()));
    }
    for running in [true, false] {
        if !running {
            alice.stop().await;
        }
        for path in all_files(&alice.data_dir()) {
            let bytes = std::fs::read(&path).unwrap();
            let name = path.to_string_lossy().into_owned().into_bytes();
            for (what, secret) in &hidden {
                for spelling in spellings(secret) {
                    assert!(
                        !holds(&bytes, &spelling),
                        "{} holds a {what}",
                        path.display()
                    );
                    assert!(
                        !holds(&name, &spelling),
                        "{} names a {what}",
                        path.display()
                    );
                }
            }
        }
    }
}

fn all_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|it| {
            if it.is_dir() {
                all_files(&it)
            } else {
                vec![it]
            }
        })
        .collect()
}
