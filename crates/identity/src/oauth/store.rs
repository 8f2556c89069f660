//! How sessions are kept. The app gives a [`SessionStore`] that encrypts.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sotto_wire::did::Did;
use thiserror::Error;
use url::Url;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::server::AuthorizationServer;

/// A place for secrets, by key. Keys are short ASCII texts.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// What was set last under `key`.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn get(&self, key: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError>;

    /// Keeps `value` durably; replaces what was there.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError>;

    /// Removes it; nothing to remove is no error.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn delete(&self, key: &str) -> Result<(), StoreError>;
}

/// The store cannot be used.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the session store cannot be used: {code}")]
pub struct StoreError {
    /// The code for the UI, for instance `keyring.locked`.
    pub code: &'static str,
}

/// Everything of a session that outlives the process.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) did: Did,
    pub(super) pds: Url,
    pub(super) server: AuthorizationServer,
    /// The client it was issued to; a later version of the app may be another.
    pub(super) client_id: String,
    pub(super) dpop_key: Secret,
    pub(super) access_token: Secret,
    pub(super) refresh_token: Option<Secret>,
    /// Seconds since 1970 until which the access token is good.
    pub(super) expires_at: u64,
}

/// A text that is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub(super) struct Secret(String);

impl Secret {
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

/// What cannot be read (made by a later version, damaged) is no session.
pub(super) async fn load(
    store: &dyn SessionStore,
    did: &Did,
) -> Result<Option<Stored>, StoreError> {
    let bytes = store.get(&key(did)).await?;
    let stored = bytes.and_then(|bytes| serde_json::from_slice::<Stored>(&bytes).ok());
    Ok(stored.filter(|stored| stored.did == *did))
}

pub(super) async fn save(store: &dyn SessionStore, session: &Stored) -> Result<(), StoreError> {
    // Cannot fail: texts and a number only.
    let bytes = Zeroizing::new(serde_json::to_vec(session).unwrap_or_default());
    store.set(&key(&session.did), &bytes).await
}

pub(super) async fn delete(store: &dyn SessionStore, did: &Did) -> Result<(), StoreError> {
    store.delete(&key(did)).await
}

fn key(did: &Did) -> String {
    format!("oauth/{did}")
}
