//! First-contact envelopes (docs/protocol.md §4.5): a sender who has no grant yet shows the relay
//! and the recipient who it is.

use ciborium::Value;
use serde::{Deserialize, Serialize};

use crate::{
    cbor,
    device::DeviceCertificate,
    did::Did,
    key::SigningKey,
    sign1::{self, Sign1Error, SignedObject},
};

/// The type string of envelopes.
const TYPE: &str = "chat.sotto/first-contact/v1";
/// The largest envelope in bytes, whatever a relay allows.
pub const MAX_ENVELOPE: usize = 128 * 1024;

/// What an envelope says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The sender's account.
    pub from: Did,
    /// The recipient's account.
    pub to: Did,
    /// The certificate of the sending device, as a signed object.
    pub cert: Vec<u8>,
    /// Random; an envelope of the same sender with the same nonce is a repetition.
    pub nonce: [u8; 16],
    /// MLSMessage with the Welcome into the sender's send group.
    pub welcome: Vec<u8>,
    /// Sealed frame (§3.1) without a Welcome, under the group's exporter key.
    pub sealed: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopePayload {
    #[serde(with = "serde_bytes")]
    sealed: Vec<u8>,
    #[serde(with = "serde_bytes")]
    welcome: Vec<u8>,
}

impl Envelope {
    /// The envelope as a signed object, under the device key of `cert`.
    #[must_use]
    pub fn sign(&self, device_key: &SigningKey) -> Vec<u8> {
        let labels = vec![
            ("to".to_owned(), Value::from(self.to.as_str())),
            ("cert".to_owned(), Value::Bytes(self.cert.clone())),
            ("from".to_owned(), Value::from(self.from.as_str())),
            ("nonce".to_owned(), Value::Bytes(self.nonce.to_vec())),
        ];
        let payload = EnvelopePayload {
            sealed: self.sealed.clone(),
            welcome: self.welcome.clone(),
        };
        sign1::sign_bytes(TYPE, labels, &cbor::encode(&payload), device_key)
    }
}

/// An envelope that was read, but whose signature nobody has verified yet.
#[derive(Debug, Clone)]
pub struct UnverifiedEnvelope {
    object: SignedObject,
    envelope: Envelope,
}

impl UnverifiedEnvelope {
    /// Reads an envelope.
    ///
    /// # Errors
    /// [`Sign1Error`] where it is not a well-formed envelope of at most [`MAX_ENVELOPE`] bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, Sign1Error> {
        let object = SignedObject::parse(bytes, TYPE, MAX_ENVELOPE)?;
        let payload: EnvelopePayload =
            cbor::decode(object.payload(), MAX_ENVELOPE).map_err(|_| Sign1Error::Payload)?;
        let envelope = from_parts(&object, payload).ok_or(Sign1Error::Malformed)?;
        Ok(Self { object, envelope })
    }

    /// The account that the envelope claims to come from.
    #[must_use]
    pub fn from(&self) -> &Did {
        &self.envelope.from
    }

    /// The account that the envelope is for.
    #[must_use]
    pub fn to(&self) -> &Did {
        &self.envelope.to
    }

    /// The certificate that the sender shows, to be verified under its account's key.
    #[must_use]
    pub fn cert(&self) -> &[u8] {
        &self.envelope.cert
    }

    /// The nonce.
    #[must_use]
    pub fn nonce(&self) -> &[u8; 16] {
        &self.envelope.nonce
    }

    /// The Welcome into the sender's send group.
    #[must_use]
    pub fn welcome(&self) -> &[u8] {
        &self.envelope.welcome
    }

    /// The stable bytes of which the relay makes the message id (§4.7).
    #[must_use]
    pub fn payload_bytes(&self) -> &[u8] {
        self.object.payload()
    }

    /// What the envelope says, taken at its word: for the one who made it and signs it anew.
    #[must_use]
    pub fn into_unverified(self) -> Envelope {
        self.envelope
    }

    /// Verifies the signature under a certificate that verified before (the one of
    /// [`cert`](Self::cert), under the key of the account [`from`](Self::from)).
    ///
    /// # Errors
    /// [`Sign1Error`]; [`Sign1Error::OtherKey`] also where the certificate is of another account.
    pub fn verify(self, certificate: &DeviceCertificate) -> Result<Envelope, Sign1Error> {
        if certificate.did != self.envelope.from {
            return Err(Sign1Error::OtherKey);
        }
        self.object.verify(&certificate.device_key)?;
        Ok(self.envelope)
    }
}

/// `None` unless the labels are exactly those of §4.5; their order is that of the encoding.
fn from_parts(object: &SignedObject, payload: EnvelopePayload) -> Option<Envelope> {
    let [
        (to_label, to),
        (cert_label, cert),
        (from_label, from),
        (nonce_label, nonce),
    ] = object.labels()
    else {
        return None;
    };
    let labels = [to_label, cert_label, from_label, nonce_label];
    if labels != ["to", "cert", "from", "nonce"] {
        return None;
    }
    Some(Envelope {
        from: Did::parse(from.as_text()?).ok()?,
        to: Did::parse(to.as_text()?).ok()?,
        cert: cert.as_bytes()?.clone(),
        nonce: nonce.as_bytes()?.as_slice().try_into().ok()?,
        welcome: payload.welcome,
        sealed: payload.sealed,
    })
}

#[cfg(test)]
#[path = "first_contact/tests.rs"]
mod tests;
