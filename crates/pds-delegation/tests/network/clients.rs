//! The client of `sotto-identity`, signed in by OAuth through the service.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::json;
use sotto_identity::did_document::Anchor;
use sotto_identity::handle::Handle;
use sotto_identity::oauth::{OAuth, OAuthError, Session, SessionStore, StoreError};
use sotto_identity::pds_api::Published;
use sotto_wire::delegation::DelegationRecord;
use sotto_wire::key::SigningKey;
use sotto_wire::random::OsRandom;
use sotto_wire::time::SystemClock;
use zeroize::Zeroizing;

use crate::account::Account;
use crate::fixture::{anchor, client, log_of, network, node, repository};

#[derive(Default)]
struct MemoryStore(Mutex<HashMap<String, Vec<u8>>>);

#[async_trait]
impl SessionStore for MemoryStore {
    async fn get(&self, key: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(self.0.lock().unwrap().get(key).cloned().map(Zeroizing::new))
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.0
            .lock()
            .unwrap()
            .insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.0.lock().unwrap().remove(key);
        Ok(())
    }
}

/// Signs in as the user would in a browser; `sees` is asked about the page's address.
async fn sign_in(account: &Account) -> Session {
    let store = Arc::<MemoryStore>::default();
    let oauth = OAuth::new(network(), store, Arc::new(SystemClock), Arc::new(OsRandom));
    let handle = Handle::parse(&account.handle).unwrap();
    let pending = oauth.sign_in(&handle).await.unwrap();
    let page = pending.authorize_url().to_owned();
    let asked = page.contains("rpc%253Flxm%253Dchat.sotto.createDelegation");
    assert!(
        asked || page.contains("chat.sotto.createDelegation"),
        "{page}"
    );
    let (user, password) = (account.handle.clone(), account.password.clone());
    let browser = tokio::task::spawn_blocking(move || {
        let output = Command::new(node())
            .arg(repository().join("tests/network/approve.mjs"))
            .args([&page, &user, &password])
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    });
    let callback = async { client().get(browser.await.unwrap()).send().await.unwrap() };
    let (session, _) = tokio::join!(pending.finish(), callback);
    session.unwrap()
}

fn record(account: &Account, key: &SigningKey, seq: u64, chain: &[Vec<u8>]) -> DelegationRecord {
    DelegationRecord::from_json(&account.record(key, seq, chain)).unwrap()
}

#[tokio::test]
async fn a_client_uses_the_api_where_the_pds_offers_it() {
    let account = Account::new("native", 0).await;
    let session = sign_in(&account).await;
    let (first, second) = (
        SigningKey::from_seed(&[1; 32]),
        SigningKey::from_seed(&[2; 32]),
    );
    let published = session
        .publish_delegation(&record(&account, &first, 1, &[]), None, false)
        .await;
    assert_eq!(published, Ok(Published::RecordAndDocument));
    assert_eq!(anchor(&account.did).await, Anchor::Key(first.public()));
    let stands = session.get_delegation().await.unwrap().unwrap();

    let bare = record(&account, &second, 2, &[]);
    for replaces in [None, Some(stands.cid.as_str())] {
        let refused = session.publish_delegation(&bare, replaces, false).await;
        assert_eq!(refused, Err(OAuthError::RecordChanged));
    }
    let chain = [account.succession(&first, &second, 1)];
    let endorsed = record(&account, &second, 2, &chain);
    let published = session
        .publish_delegation(&endorsed, Some(&stands.cid), false)
        .await;
    assert_eq!(published, Ok(Published::RecordAndDocument));
    assert_eq!(anchor(&account.did).await, Anchor::Key(second.public()));

    let stands = session.get_delegation().await.unwrap().unwrap();
    let withdrawn = session.withdraw_delegation(&stands.cid).await;
    assert_eq!(withdrawn, Ok(Published::RecordAndDocument));
    assert_eq!(anchor(&account.did).await, Anchor::Absent);
    assert!(session.get_delegation().await.unwrap().is_none());
}

#[tokio::test]
async fn a_client_writes_the_record_alone_where_the_pds_cannot_do_more() {
    let account = Account::new("byhand", 0).await;
    crate::failures::take_identity_away(&account).await;
    let session = sign_in(&account).await;
    let key = SigningKey::from_seed(&[1; 32]);
    let published = session
        .publish_delegation(&record(&account, &key, 1, &[]), None, false)
        .await;
    assert_eq!(published, Ok(Published::RecordOnly));
    let stands = session.get_delegation().await.unwrap().unwrap();
    assert_eq!(json!(stands.record.unwrap().key), json!(key.public()));
    assert_eq!(log_of(&account.did).await.len(), 2);
    // The document names no key, so that deleting leaves nothing to change in it.
    let withdrawn = session.withdraw_delegation(&stands.cid).await;
    assert_eq!(withdrawn, Ok(Published::RecordAndDocument));
    assert!(session.get_delegation().await.unwrap().is_none());
}
