//! The KEM, KDF and AEAD of the suite, as mls-rs' HPKE wants them.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes128Gcm, Nonce};
use hmac::{Hmac, Mac};
use mls_rs_core::crypto::{HpkePublicKey, HpkeSecretKey};
use mls_rs_core::error::IntoAnyError;
use mls_rs_crypto_traits::{AeadType, KdfType, KemResult, KemType};
use sha2::Sha256;
use shake::{ExtendableOutput as _, Shake256, Update as _, XofReader as _};
use x_wing::{Decapsulate as _, Decapsulator as _, KeyExport as _, TryKeyInit as _};

/// The primitive does not take what it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unusable;

impl IntoAnyError for Unusable {}

/// X-Wing, draft-connolly-cfrg-xwing-kem.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kem;

impl Kem {
    fn pair(seed: [u8; 32]) -> (HpkeSecretKey, HpkePublicKey) {
        let secret = x_wing::DecapsulationKey::from(seed);
        let public = secret.encapsulation_key().to_bytes().to_vec();
        (seed.to_vec().into(), public.into())
    }

    /// `DeriveKeyPair`: the seed is SHAKE256 of the input.
    pub(crate) fn derive(ikm: &[u8]) -> (HpkeSecretKey, HpkePublicKey) {
        let mut shake = Shake256::default();
        shake.update(ikm);
        let mut seed = [0; 32];
        shake.finalize_xof().read(&mut seed);
        Self::pair(seed)
    }
}

impl KemType for Kem {
    type Error = Unusable;

    fn kem_id(&self) -> u16 {
        0x647a
    }

    fn generate_deterministic(
        &self,
        seed: &[u8],
    ) -> Result<(HpkeSecretKey, HpkePublicKey), Unusable> {
        Ok(Self::pair(seed.try_into().map_err(|_| Unusable)?))
    }

    fn generate(&self) -> Result<(HpkeSecretKey, HpkePublicKey), Unusable> {
        Ok(Self::pair(random()?))
    }

    fn public_key_validate(&self, key: &HpkePublicKey) -> Result<(), Unusable> {
        let key = x_wing::EncapsulationKey::new_from_slice(key.as_ref());
        key.map(drop).map_err(|_| Unusable)
    }

    fn encap(&self, remote_key: &HpkePublicKey) -> Result<KemResult, Unusable> {
        let key = x_wing::EncapsulationKey::new_from_slice(remote_key.as_ref());
        let randomness: [u8; 64] = random()?;
        let key = key.map_err(|_| Unusable)?;
        let (enc, secret) = key.encapsulate_deterministic(&randomness.into());
        Ok(KemResult::new(secret.to_vec(), enc.to_vec()))
    }

    fn decap(
        &self,
        enc: &[u8],
        secret_key: &HpkeSecretKey,
        _local_public: &HpkePublicKey,
    ) -> Result<Vec<u8>, Unusable> {
        let seed: [u8; 32] = secret_key.as_ref().try_into().map_err(|_| Unusable)?;
        let enc = x_wing::Ciphertext::try_from(enc).map_err(|_| Unusable)?;
        let secret = x_wing::DecapsulationKey::from(seed).decapsulate(&enc);
        Ok(secret.to_vec())
    }

    fn seed_length_for_derive(&self) -> usize {
        32
    }
}

/// HKDF-SHA256, RFC 5869.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kdf;

impl Kdf {
    pub(crate) fn mac(key: &[u8], data: &[&[u8]]) -> Result<Vec<u8>, Unusable> {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).map_err(|_| Unusable)?;
        data.iter().for_each(|part| mac.update(part));
        Ok(mac.finalize().into_bytes().to_vec())
    }
}

impl KdfType for Kdf {
    type Error = Unusable;

    fn kdf_id(&self) -> u16 {
        1
    }

    fn expand(&self, prk: &[u8], info: &[u8], len: usize) -> Result<Vec<u8>, Unusable> {
        let mut out = Vec::new();
        let mut block = Vec::new();
        for counter in 1..=u8::MAX {
            if out.len() >= len {
                break;
            }
            block = Self::mac(prk, &[&block, info, &[counter]])?;
            out.extend_from_slice(&block);
        }
        out.truncate(len);
        (out.len() == len).then_some(out).ok_or(Unusable)
    }

    fn extract(&self, salt: &[u8], ikm: &[u8]) -> Result<Vec<u8>, Unusable> {
        Self::mac(salt, &[ikm])
    }

    fn extract_size(&self) -> usize {
        32
    }
}

/// AES-128-GCM.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aead;

impl AeadType for Aead {
    type Error = Unusable;

    fn aead_id(&self) -> u16 {
        1
    }

    fn seal(
        &self,
        key: &[u8],
        data: &[u8],
        aad: Option<&[u8]>,
        nonce: &[u8],
    ) -> Result<Vec<u8>, Unusable> {
        let (msg, aad) = (data, aad.unwrap_or_default());
        let nonce: &[u8; 12] = nonce.try_into().map_err(|_| Unusable)?;
        let cipher = Aes128Gcm::new_from_slice(key).map_err(|_| Unusable)?;
        let sealed = cipher.encrypt(Nonce::from_slice(nonce), Payload { msg, aad });
        sealed.map_err(|_| Unusable)
    }

    fn open(
        &self,
        key: &[u8],
        ciphertext: &[u8],
        aad: Option<&[u8]>,
        nonce: &[u8],
    ) -> Result<Vec<u8>, Unusable> {
        let (msg, aad) = (ciphertext, aad.unwrap_or_default());
        let nonce: &[u8; 12] = nonce.try_into().map_err(|_| Unusable)?;
        let cipher = Aes128Gcm::new_from_slice(key).map_err(|_| Unusable)?;
        let opened = cipher.decrypt(Nonce::from_slice(nonce), Payload { msg, aad });
        opened.map_err(|_| Unusable)
    }

    fn key_size(&self) -> usize {
        16
    }

    fn nonce_size(&self) -> usize {
        12
    }
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], Unusable> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Unusable)?;
    Ok(bytes)
}
