//! The PDS's own secrets: read once, zeroized at the end, never shown.

use std::fmt;

use k256::ecdsa::SigningKey;
use zeroize::Zeroizing;

/// The PDS's name for what it signs access tokens with.
pub(super) const JWT_SECRET: &str = "PDS_JWT_SECRET";
/// The PDS's name for the private key that signs PLC operations.
pub(super) const ROTATION_KEY: &str = "PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX";

/// What the service acts with in the operator's name.
#[derive(Clone)]
pub struct Secrets {
    pub(crate) jwt: Zeroizing<String>,
    /// Zeroized by its own type.
    pub(crate) rotation_key: SigningKey,
}

/// The secret is missing or malformed. Does not say what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct InvalidSecret {
    name: &'static str,
    problem: &'static str,
}

impl Secrets {
    /// Takes the values of `PDS_JWT_SECRET` and `PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX`.
    ///
    /// # Errors
    /// [`InvalidSecret`], naming the variable.
    pub fn new(
        jwt: Option<Zeroizing<String>>,
        rotation_key: Option<&Zeroizing<String>>,
    ) -> Result<Self, InvalidSecret> {
        let jwt = jwt.filter(|text| !text.is_empty()).ok_or(InvalidSecret {
            name: JWT_SECRET,
            problem: "required",
        })?;
        let missing = InvalidSecret {
            name: ROTATION_KEY,
            problem: "required",
        };
        let malformed = InvalidSecret {
            problem: "expected the 64 hexadecimal digits of a k256 private key",
            ..missing
        };
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(rotation_key.ok_or(missing)?.as_bytes(), &mut *bytes)
            .map_err(|_| malformed)?;
        let rotation_key = SigningKey::from_slice(&*bytes).map_err(|_| malformed)?;
        Ok(Self { jwt, rotation_key })
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[test]
    fn both_are_needed_and_neither_is_shown() {
        let key = text(&"07".repeat(32));
        let secrets = Secrets::new(Some(text("jwt secret")), Some(&key)).unwrap();
        assert_eq!(format!("{secrets:?}"), "Secrets(redacted)");
        let no_jwt = Secrets::new(None, Some(&key)).unwrap_err();
        assert_eq!(no_jwt.to_string(), "PDS_JWT_SECRET: required");
        let none = Secrets::new(Some(text("x")), None).unwrap_err();
        assert!(none.to_string().starts_with(ROTATION_KEY));
        for bad in ["07", &"zz".repeat(32), &"00".repeat(32), &"ff".repeat(32)] {
            let refused = Secrets::new(Some(text("x")), Some(&text(bad))).unwrap_err();
            let shown = refused.to_string();
            assert!(
                shown.starts_with(ROTATION_KEY) && !shown.contains(bad),
                "{shown}"
            );
        }
    }
}
