//! Keys that sign as a PDS or its user does.

use k256::ecdsa::signature::Signer;

/// A key of a test account: of its repository, or one that rotates its keys.
pub(crate) enum RepoSigner {
    K256(k256::ecdsa::SigningKey),
    P256(p256::ecdsa::SigningKey),
}

impl RepoSigner {
    pub(crate) fn k256() -> Self {
        Self::k256_of(7)
    }

    pub(crate) fn p256() -> Self {
        Self::p256_of(7)
    }

    /// The secret is 32 times this byte.
    pub(crate) fn k256_of(byte: u8) -> Self {
        Self::K256(k256::ecdsa::SigningKey::from_slice(&[byte; 32]).unwrap())
    }

    /// The secret is 32 times this byte.
    pub(crate) fn p256_of(byte: u8) -> Self {
        Self::P256(p256::ecdsa::SigningKey::from_slice(&[byte; 32]).unwrap())
    }

    pub(crate) fn did_key(&self) -> String {
        format!("did:key:{}", self.multibase())
    }

    /// The `publicKeyMultibase` of the DID document.
    pub(crate) fn multibase(&self) -> String {
        let bytes = match self {
            Self::K256(key) => [
                &[0xe7, 0x01],
                key.verifying_key().to_encoded_point(true).as_bytes(),
            ]
            .concat(),
            Self::P256(key) => [
                &[0x80, 0x24],
                key.verifying_key().to_encoded_point(true).as_bytes(),
            ]
            .concat(),
        };
        multibase::encode(multibase::Base::Base58Btc, bytes)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::K256(key) => {
                let signature: k256::ecdsa::Signature = key.sign(message);
                signature.to_vec()
            }
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.normalize_s().unwrap_or(signature).to_vec()
            }
        }
    }

    /// The other signature that the equations would accept.
    pub(crate) fn high_s(&self, signature: &[u8]) -> Vec<u8> {
        match self {
            Self::K256(_) => {
                let (r, s) = k256::ecdsa::Signature::from_slice(signature)
                    .unwrap()
                    .split_scalars();
                k256::ecdsa::Signature::from_scalars(*r, -*s)
                    .unwrap()
                    .to_vec()
            }
            Self::P256(_) => {
                let (r, s) = p256::ecdsa::Signature::from_slice(signature)
                    .unwrap()
                    .split_scalars();
                p256::ecdsa::Signature::from_scalars(*r, -*s)
                    .unwrap()
                    .to_vec()
            }
        }
    }
}
