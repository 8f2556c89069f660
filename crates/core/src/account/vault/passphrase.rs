//! A key from a passphrase: Argon2id.

use super::{VaultError, VaultKey};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use sotto_wire::random::Random;
use zeroize::Zeroizing;

/// In characters.
pub(super) const MIN_PASSPHRASE: usize = 8;
/// A damaged file must not make us allocate everything.
const MAX_MEMORY_KIB: u32 = 1024 * 1024;
const MAX_PASSES: u32 = 16;

/// What a guess costs.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Cost {
    /// 64 MiB, three passes: about a quarter of a second.
    pub const INTERACTIVE: Self = Self {
        memory_kib: 64 * 1024,
        passes: 3,
    };
}

/// Everything but the passphrase.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Salted {
    memory_kib: u32,
    passes: u32,
    salt: String,
}

impl Salted {
    pub(super) fn new(cost: Cost, random: &dyn Random) -> Self {
        let mut salt = [0; 16];
        random.fill(&mut salt);
        Self {
            memory_kib: cost.memory_kib,
            passes: cost.passes,
            salt: hex::encode(salt),
        }
    }

    /// Runs on a blocking thread.
    pub(super) async fn derive(
        &self,
        passphrase: Zeroizing<String>,
    ) -> Result<VaultKey, VaultError> {
        let salted = self.clone();
        tokio::task::spawn_blocking(move || salted.derive_blocking(&passphrase))
            .await
            .map_err(|_| VaultError::Damaged("interrupted"))?
    }

    fn derive_blocking(&self, passphrase: &str) -> Result<VaultKey, VaultError> {
        if self.memory_kib > MAX_MEMORY_KIB || self.passes > MAX_PASSES {
            return Err(VaultError::Damaged("cost"));
        }
        let salt = hex::decode(&self.salt).map_err(|_| VaultError::Damaged("salt"))?;
        let params = Params::new(self.memory_kib, self.passes, 1, Some(32))
            .map_err(|_| VaultError::Damaged("cost"))?;
        let mut key = VaultKey::default();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &salt, key.as_mut_slice())
            .map_err(|_| VaultError::Damaged("salt"))?;
        Ok(key)
    }
}

pub(super) fn check_length(passphrase: &str) -> Result<(), VaultError> {
    if passphrase.chars().count() < MIN_PASSPHRASE {
        return Err(VaultError::TooShort);
    }
    Ok(())
}
