//! The cipher suite of docs/protocol.md for mls-rs.

use crate::primitives::{Aead, Kdf, Kem, Unusable, random};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use mls_rs_core::crypto::{
    CipherSuite, CipherSuiteProvider, CryptoProvider, HpkeCiphertext, HpkePsk, HpkePublicKey,
    HpkeSecretKey, SignaturePublicKey, SignatureSecretKey,
};
use mls_rs_crypto_hpke::context::{ContextR, ContextS};
use mls_rs_crypto_hpke::hpke::{Hpke, HpkeError};
use mls_rs_crypto_traits::{AeadType as _, KdfType as _, KemType as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// `MLS_128_MLKEM768X25519_AES128GCM_SHA256_Ed25519`, draft-ietf-mls-pq-ciphersuites.
pub(crate) const SUITE: CipherSuite = CipherSuite::new(0x004f);

/// Knows the one suite.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Provider;

impl CryptoProvider for Provider {
    type CipherSuiteProvider = Suite;

    fn supported_cipher_suites(&self) -> Vec<CipherSuite> {
        vec![SUITE]
    }

    fn cipher_suite_provider(&self, suite: CipherSuite) -> Option<Suite> {
        (suite == SUITE).then_some(Suite)
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Suite;

fn hpke() -> Hpke<Kem, Kdf, Aead> {
    Hpke::new(Kem, Kdf, Some(Aead))
}

fn refused(_: HpkeError) -> Unusable {
    Unusable
}

impl CipherSuiteProvider for Suite {
    type Error = Unusable;
    type HpkeContextS = ContextS<Kdf, Aead>;
    type HpkeContextR = ContextR<Kdf, Aead>;

    fn cipher_suite(&self) -> CipherSuite {
        SUITE
    }

    fn hash(&self, data: &[u8]) -> Result<Vec<u8>, Unusable> {
        Ok(Sha256::digest(data).to_vec())
    }

    fn mac(&self, key: &[u8], data: &[u8]) -> Result<Vec<u8>, Unusable> {
        Kdf::mac(key, &[data])
    }

    fn aead_seal(
        &self,
        key: &[u8],
        data: &[u8],
        aad: Option<&[u8]>,
        nonce: &[u8],
    ) -> Result<Vec<u8>, Unusable> {
        Aead.seal(key, data, aad, nonce)
    }

    fn aead_open(
        &self,
        key: &[u8],
        ciphertext: &[u8],
        aad: Option<&[u8]>,
        nonce: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unusable> {
        Aead.open(key, ciphertext, aad, nonce).map(Zeroizing::new)
    }

    fn aead_key_size(&self) -> usize {
        Aead.key_size()
    }

    fn aead_nonce_size(&self) -> usize {
        Aead.nonce_size()
    }

    fn kdf_extract(&self, salt: &[u8], ikm: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unusable> {
        Kdf.extract(salt, ikm).map(Zeroizing::new)
    }

    fn kdf_expand(
        &self,
        prk: &[u8],
        info: &[u8],
        len: usize,
    ) -> Result<Zeroizing<Vec<u8>>, Unusable> {
        Kdf.expand(prk, info, len).map(Zeroizing::new)
    }

    fn kdf_extract_size(&self) -> usize {
        Kdf.extract_size()
    }

    fn hpke_seal(
        &self,
        remote_key: &HpkePublicKey,
        info: &[u8],
        aad: Option<&[u8]>,
        pt: &[u8],
    ) -> Result<HpkeCiphertext, Unusable> {
        hpke()
            .seal(remote_key, info, None, aad, pt)
            .map_err(refused)
    }

    fn hpke_seal_psk(
        &self,
        remote_key: &HpkePublicKey,
        info: &[u8],
        aad: Option<&[u8]>,
        pt: &[u8],
        psk: HpkePsk<'_>,
    ) -> Result<HpkeCiphertext, Unusable> {
        hpke()
            .seal(remote_key, info, Some(psk), aad, pt)
            .map_err(refused)
    }

    fn hpke_open(
        &self,
        ciphertext: &HpkeCiphertext,
        local_secret: &HpkeSecretKey,
        local_public: &HpkePublicKey,
        info: &[u8],
        aad: Option<&[u8]>,
    ) -> Result<Zeroizing<Vec<u8>>, Unusable> {
        hpke()
            .open(ciphertext, local_secret, local_public, info, None, aad)
            .map_err(refused)
    }

    fn hpke_open_psk(
        &self,
        ciphertext: &HpkeCiphertext,
        local_secret: &HpkeSecretKey,
        local_public: &HpkePublicKey,
        info: &[u8],
        aad: Option<&[u8]>,
        psk: HpkePsk<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, Unusable> {
        hpke()
            .open(ciphertext, local_secret, local_public, info, Some(psk), aad)
            .map_err(refused)
    }

    fn hpke_setup_s(
        &self,
        remote_key: &HpkePublicKey,
        info: &[u8],
    ) -> Result<(Vec<u8>, Self::HpkeContextS), Unusable> {
        hpke().setup_sender(remote_key, info, None).map_err(refused)
    }

    fn hpke_setup_r(
        &self,
        kem_output: &[u8],
        local_secret: &HpkeSecretKey,
        local_public: &HpkePublicKey,
        info: &[u8],
    ) -> Result<Self::HpkeContextR, Unusable> {
        hpke()
            .setup_receiver(kem_output, local_secret, local_public, info, None)
            .map_err(refused)
    }

    fn kem_derive(&self, ikm: &[u8]) -> Result<(HpkeSecretKey, HpkePublicKey), Unusable> {
        Ok(Kem::derive(ikm))
    }

    fn kem_generate(&self) -> Result<(HpkeSecretKey, HpkePublicKey), Unusable> {
        Kem.generate()
    }

    fn kem_public_key_validate(&self, key: &HpkePublicKey) -> Result<(), Unusable> {
        Kem.public_key_validate(key)
    }

    fn random_bytes(&self, out: &mut [u8]) -> Result<(), Unusable> {
        getrandom::fill(out).map_err(|_| Unusable)
    }

    fn signature_key_generate(&self) -> Result<(SignatureSecretKey, SignaturePublicKey), Unusable> {
        let key = SigningKey::from_bytes(&random()?);
        let public = key.verifying_key().to_bytes().to_vec();
        Ok((key.to_bytes().to_vec().into(), public.into()))
    }

    fn signature_key_derive_public(
        &self,
        secret_key: &SignatureSecretKey,
    ) -> Result<SignaturePublicKey, Unusable> {
        Ok(signer(secret_key)?
            .verifying_key()
            .to_bytes()
            .to_vec()
            .into())
    }

    fn sign(&self, secret_key: &SignatureSecretKey, data: &[u8]) -> Result<Vec<u8>, Unusable> {
        Ok(signer(secret_key)?.sign(data).to_bytes().to_vec())
    }

    fn verify(
        &self,
        public_key: &SignaturePublicKey,
        signature: &[u8],
        data: &[u8],
    ) -> Result<(), Unusable> {
        let key = public_key.as_ref().try_into().map_err(|_| Unusable)?;
        let key = VerifyingKey::from_bytes(key).map_err(|_| Unusable)?;
        let signature = Signature::from_slice(signature).map_err(|_| Unusable)?;
        key.verify_strict(data, &signature).map_err(|_| Unusable)
    }
}

fn signer(secret_key: &SignatureSecretKey) -> Result<SigningKey, Unusable> {
    let seed: &[u8; 32] = secret_key.as_ref().try_into().map_err(|_| Unusable)?;
    Ok(SigningKey::from_bytes(seed))
}
