//! HPKE with the injected randomness: RustCrypto's draws its own from the operating system, and a
//! run that cannot be repeated cannot be looked into (docs/simulation.md).
//!
//! Everything but the randomness is RustCrypto's. The library makes its generator by itself, without
//! anything of ours at hand, so what it is to take is left for it where the call is made.

use hpke_rs::{Hpke, HpkeError, Mode};
use hpke_rs_crypto::error::Error;
use hpke_rs_crypto::types::{AeadAlgorithm, KdfAlgorithm, KemAlgorithm};
use hpke_rs_crypto::{HpkeCrypto, HpkeTestRng, TryCryptoRng, TryRng};
use hpke_rs_rust_crypto::HpkeRustCrypto as Rust;
use openmls_traits::types::{
    CryptoError, ExporterSecret, HpkeAeadType, HpkeCiphertext, HpkeConfig, HpkeKdfType,
    HpkeKemType, KemOutput,
};
use sotto_wire::random::{OsRandom, Random};
use std::cell::RefCell;
use std::convert::Infallible;
use std::sync::Arc;
use x_wing::{Encapsulate as _, EncapsulationKey, TryKeyInit as _};
use zeroize::Zeroize;

thread_local! {
    /// What [`Injected::prng`] takes.
    static RANDOM: RefCell<Option<Arc<dyn Random>>> = const { RefCell::new(None) };
}

/// Encrypts to a public key.
pub(super) fn seal(
    random: &Arc<dyn Random>,
    config: HpkeConfig,
    to: &[u8],
    info: &[u8],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<HpkeCiphertext, CryptoError> {
    let (kem_output, ciphertext) = hpke(random, config)?
        .seal(&to.into(), info, aad, plaintext, None, None, None)
        .map_err(|error| match error {
            HpkeError::InvalidInput => CryptoError::InvalidLength,
            _ => CryptoError::CryptoLibraryError,
        })?;
    Ok(HpkeCiphertext {
        kem_output: kem_output.into(),
        ciphertext: ciphertext.into(),
    })
}

/// A secret shared with the holder of a public key.
pub(super) fn export(
    random: &Arc<dyn Random>,
    config: HpkeConfig,
    to: &[u8],
    info: &[u8],
    context: &[u8],
    length: usize,
) -> Result<(KemOutput, ExporterSecret), CryptoError> {
    let (kem_output, sender) = hpke(random, config)?
        .setup_sender(&to.into(), info, None, None, None)
        .map_err(|_| CryptoError::SenderSetupError)?;
    let exported = sender.export(context, length);
    let exported = exported.map_err(|_| CryptoError::ExporterError)?;
    Ok((kem_output, exported.into()))
}

/// With the algorithms of the one suite that there is.
fn hpke(random: &Arc<dyn Random>, config: HpkeConfig) -> Result<Hpke<Injected>, CryptoError> {
    let HpkeConfig(HpkeKemType::XWingKemDraft6, HpkeKdfType::HkdfSha256, HpkeAeadType::AesGcm128) =
        config
    else {
        return Err(CryptoError::UnsupportedCiphersuite);
    };
    let before = RANDOM.replace(Some(Arc::clone(random)));
    let hpke = Hpke::new(
        Mode::Base,
        KemAlgorithm::XWingDraft06,
        KdfAlgorithm::HkdfSha256,
        AeadAlgorithm::Aes128Gcm,
    );
    RANDOM.set(before);
    Ok(hpke)
}

/// RustCrypto, drawing from elsewhere.
#[derive(Debug)]
struct Injected;

/// The randomness that was left for the library.
struct Drawn(Arc<dyn Random>);

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut out = [0; 4];
        self.0.fill(&mut out);
        Ok(u32::from_le_bytes(out))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut out = [0; 8];
        self.0.fill(&mut out);
        Ok(u64::from_le_bytes(out))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(out);
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}

impl HpkeTestRng for Drawn {
    type Error = Infallible;

    fn try_fill_test_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.try_fill_bytes(out)
    }

    fn seed(&mut self, _: &[u8]) {}
}

impl Zeroize for Drawn {
    /// It keeps nothing.
    fn zeroize(&mut self) {}
}

impl HpkeCrypto for Injected {
    type HpkePrng = Drawn;

    fn name() -> String {
        Rust::name()
    }

    fn supports_kdf(alg: KdfAlgorithm) -> Result<(), Error> {
        Rust::supports_kdf(alg)
    }

    fn supports_kem(alg: KemAlgorithm) -> Result<(), Error> {
        Rust::supports_kem(alg)
    }

    fn supports_aead(alg: AeadAlgorithm) -> Result<(), Error> {
        Rust::supports_aead(alg)
    }

    fn prng() -> Drawn {
        let left = RANDOM.with_borrow(Option::clone);
        Drawn(left.unwrap_or_else(|| Arc::new(OsRandom)))
    }

    fn kdf_extract(alg: KdfAlgorithm, salt: &[u8], ikm: &[u8]) -> Result<Vec<u8>, Error> {
        Rust::kdf_extract(alg, salt, ikm)
    }

    fn kdf_expand(
        alg: KdfAlgorithm,
        prk: &[u8],
        info: &[u8],
        output_size: usize,
    ) -> Result<Vec<u8>, Error> {
        Rust::kdf_expand(alg, prk, info, output_size)
    }

    fn dh(alg: KemAlgorithm, pk: &[u8], sk: &[u8]) -> Result<Vec<u8>, Error> {
        Rust::dh(alg, pk, sk)
    }

    fn secret_to_public(alg: KemAlgorithm, sk: &[u8]) -> Result<Vec<u8>, Error> {
        Rust::secret_to_public(alg, sk)
    }

    fn kem_key_gen(alg: KemAlgorithm, prng: &mut Drawn) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let mut seed = zeroize::Zeroizing::new([0; 32]);
        prng.0.fill(&mut *seed);
        Rust::kem_key_gen_derand(alg, &*seed)
    }

    fn kem_key_gen_derand(alg: KemAlgorithm, seed: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Error> {
        Rust::kem_key_gen_derand(alg, seed)
    }

    fn kem_encaps(
        alg: KemAlgorithm,
        pk_r: &[u8],
        prng: &mut Drawn,
    ) -> Result<(Vec<u8>, Vec<u8>), Error> {
        if alg != KemAlgorithm::XWingDraft06 {
            return Err(Error::UnsupportedKemOperation);
        }
        let to = EncapsulationKey::new_from_slice(pk_r).map_err(|_| Error::KemInvalidPublicKey)?;
        let (ciphertext, shared) = to.encapsulate_with_rng(prng);
        Ok((shared.as_slice().to_vec(), ciphertext.as_slice().to_vec()))
    }

    fn kem_decaps(alg: KemAlgorithm, ct: &[u8], sk_r: &[u8]) -> Result<Vec<u8>, Error> {
        Rust::kem_decaps(alg, ct, sk_r)
    }

    fn dh_validate_sk(alg: KemAlgorithm, sk: &[u8]) -> Result<Vec<u8>, Error> {
        Rust::dh_validate_sk(alg, sk)
    }

    fn aead_seal(
        alg: AeadAlgorithm,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        msg: &[u8],
    ) -> Result<Vec<u8>, Error> {
        Rust::aead_seal(alg, key, nonce, aad, msg)
    }

    fn aead_open(
        alg: AeadAlgorithm,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        msg: &[u8],
    ) -> Result<Vec<u8>, Error> {
        Rust::aead_open(alg, key, nonce, aad, msg)
    }
}
