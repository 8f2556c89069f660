//! What the vault holds, by name.

use super::data_dir::account_name;
use super::vault::{Vault, VaultError};
use crate::db::DatabaseKey;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sotto_identity::oauth::{SessionStore, StoreError};
use sotto_wire::did::Did;
use sotto_wire::random::{self, Random};
use zeroize::Zeroizing;

const CURRENT: &str = "current";

/// Which account is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Current {
    pub(crate) did: Did,
    /// For display only.
    pub(crate) handle: String,
}

impl Vault {
    /// The account in use.
    pub(crate) async fn current(&self) -> Result<Option<Current>, VaultError> {
        let Some(bytes) = self.get(CURRENT).await else {
            return Ok(None);
        };
        let current = serde_json::from_slice(&bytes);
        current
            .map(Some)
            .map_err(|_| VaultError::Damaged("current account"))
    }

    /// Puts an account in use.
    pub(crate) async fn set_current(&self, current: &Current) -> Result<(), VaultError> {
        let bytes = serde_json::to_vec(current).map_err(|_| VaultError::Damaged("account"))?;
        self.set(CURRENT, &bytes).await
    }

    /// Puts no account in use.
    pub(crate) async fn forget_current(&self) -> Result<(), VaultError> {
        self.delete(CURRENT).await
    }

    /// The key of an account's database; with `make`, a new one where there is none.
    pub(crate) async fn database_key(
        &self,
        did: &Did,
        make: bool,
        random: &dyn Random,
    ) -> Result<DatabaseKey, VaultError> {
        let name = format!("database/{}", account_name(did));
        if let Some(bytes) = self.get(&name).await {
            let key = bytes
                .as_slice()
                .try_into()
                .map_err(|_| VaultError::Damaged("key"))?;
            return Ok(DatabaseKey::new(key));
        }
        if !make {
            return Err(VaultError::Damaged("the key of the database is missing"));
        }
        let key: Zeroizing<[u8; 32]> = Zeroizing::new(random::array(random));
        self.set(&name, key.as_slice()).await?;
        Ok(DatabaseKey::new(*key))
    }
}

/// OAuth sessions in the vault.
pub(crate) struct Sessions(pub(crate) Vault);

fn session(key: &str) -> String {
    format!("session/{key}")
}

fn unusable(error: VaultError) -> StoreError {
    StoreError { code: error.code() }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn get(&self, key: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(self.0.get(&session(key)).await)
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.0.set(&session(key), value).await.map_err(unusable)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.0.delete(&session(key)).await.map_err(unusable)
    }
}
