//! What openmls is given to work with: RustCrypto, the open transaction, the device key.

use super::crypto::Crypto;
use super::storage::{Secrets, Store};
use openmls_rust_crypto::RustCrypto;
use openmls_traits::OpenMlsProvider;
use openmls_traits::signatures::{Signer, SignerError};
use openmls_traits::types::SignatureScheme;
use rusqlite::Connection;
use sotto_wire::key::SigningKey;

pub(super) struct Provider<'t> {
    store: Store<'t>,
    crypto: Crypto,
}

impl<'t> Provider<'t> {
    pub(super) fn new(connection: &'t Connection, secrets: Secrets) -> Self {
        Self {
            store: Store::new(connection, secrets),
            crypto: Crypto::default(),
        }
    }
}

impl<'t> OpenMlsProvider for Provider<'t> {
    type CryptoProvider = Crypto;
    type RandProvider = RustCrypto;
    type StorageProvider = Store<'t>;

    fn storage(&self) -> &Store<'t> {
        &self.store
    }

    fn crypto(&self) -> &Crypto {
        &self.crypto
    }

    fn rand(&self) -> &RustCrypto {
        self.crypto.rust()
    }
}

/// The device key as openmls's signer. It keeps the expanded key, where openmls's own key pair
/// would compute the public key again for every signature.
pub(super) struct DeviceSigner<'k>(pub(super) &'k SigningKey);

impl Signer for DeviceSigner<'_> {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(self.0.sign(payload).to_vec())
    }

    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}
