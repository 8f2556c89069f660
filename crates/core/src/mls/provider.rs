//! What openmls is given to work with: RustCrypto, the open transaction and its randomness, the
//! device key.

use super::crypto::Crypto;
use super::storage::{Secrets, Store};
use crate::db::WriteTx;
use openmls_traits::OpenMlsProvider;
use openmls_traits::random::OpenMlsRand;
use openmls_traits::signatures::{Signer, SignerError};
use openmls_traits::types::SignatureScheme;
use sotto_wire::key::SigningKey;
use sotto_wire::random::{self, Random};
use std::convert::Infallible;
use std::sync::Arc;

pub(super) struct Provider<'t> {
    store: Store<'t>,
    crypto: Crypto,
    rand: Rand,
}

/// The injected randomness.
pub(super) struct Rand(Arc<dyn Random>);

impl OpenMlsRand for Rand {
    type Error = Infallible;

    fn random_array<const N: usize>(&self) -> Result<[u8; N], Infallible> {
        Ok(random::array(&*self.0))
    }

    fn random_vec(&self, len: usize) -> Result<Vec<u8>, Infallible> {
        let mut out = vec![0; len];
        self.0.fill(&mut out);
        Ok(out)
    }
}

impl<'t> Provider<'t> {
    pub(super) fn new(tx: &'t WriteTx<'_>, secrets: Secrets) -> Self {
        let random = tx.shared_random();
        #[cfg_attr(
            not(feature = "testing"),
            expect(unused_mut, reason = "nobody looks on")
        )]
        let mut crypto = Crypto::new(Arc::clone(&random));
        #[cfg(feature = "testing")]
        {
            crypto.watch = tx.watch();
        }
        Self {
            store: Store::new(tx, secrets),
            crypto,
            rand: Rand(random),
        }
    }
}

impl<'t> OpenMlsProvider for Provider<'t> {
    type CryptoProvider = Crypto;
    type RandProvider = Rand;
    type StorageProvider = Store<'t>;

    fn storage(&self) -> &Store<'t> {
        &self.store
    }

    fn crypto(&self) -> &Crypto {
        &self.crypto
    }

    fn rand(&self) -> &Rand {
        &self.rand
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
