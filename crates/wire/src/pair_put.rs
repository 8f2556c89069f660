//! Pair puts of the anchor realm (docs/protocol.md §4.5): what an account whose delegate key signs by
//! itself puts into a DID mailbox, as the PMR draft has it.

use ciborium::Value;

use crate::{
    did::Did,
    key::{PublicKey, SigningKey},
    sign1::{self, Sign1Error, SignedObject},
};

/// The type string, with the version of the format.
const TYPE: &str = "chat.sotto/pair-put/v1";
/// The largest pair put in bytes, whatever a relay allows.
pub const MAX_PAIR_PUT: usize = 128 * 1024;

/// What a pair put says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairPut {
    /// The sender's account.
    pub from: Did,
    /// The recipient's account.
    pub to: Did,
    /// Random; a put of the same sender with the same nonce is a repetition.
    pub nonce: [u8; 16],
    /// The sealed message, which no relay reads.
    pub message: Vec<u8>,
}

impl PairPut {
    /// The put as a signed object, under the sender's delegate key.
    #[must_use]
    pub fn sign(&self, delegate_key: &SigningKey) -> Vec<u8> {
        let labels = vec![
            ("to".to_owned(), Value::from(self.to.as_str())),
            ("from".to_owned(), Value::from(self.from.as_str())),
            ("nonce".to_owned(), Value::Bytes(self.nonce.to_vec())),
        ];
        sign1::sign_bytes(TYPE, labels, &self.message, delegate_key)
    }
}

/// A pair put that was read, but whose signature nobody has verified yet.
#[derive(Debug, Clone)]
pub struct UnverifiedPairPut {
    object: SignedObject,
    put: PairPut,
}

impl UnverifiedPairPut {
    /// Reads a pair put.
    ///
    /// # Errors
    /// [`Sign1Error`] where it is not a well-formed put of at most [`MAX_PAIR_PUT`] bytes;
    /// [`Sign1Error::Type`] where it is a signed object of another type.
    pub fn parse(bytes: &[u8]) -> Result<Self, Sign1Error> {
        let object = SignedObject::parse(bytes, TYPE, MAX_PAIR_PUT)?;
        let put = from_parts(&object).ok_or(Sign1Error::Malformed)?;
        Ok(Self { object, put })
    }

    /// The account that the put claims to come from.
    #[must_use]
    pub fn from(&self) -> &Did {
        &self.put.from
    }

    /// The stable bytes of which the relay makes the message id (§4.7).
    #[must_use]
    pub fn payload_bytes(&self) -> &[u8] {
        self.object.payload()
    }

    /// Verifies the signature under the key that the account [`from`](Self::from) declares.
    ///
    /// # Errors
    /// [`Sign1Error`].
    pub fn verify(self, key: &PublicKey) -> Result<PairPut, Sign1Error> {
        self.object.verify(key)?;
        Ok(self.put)
    }
}

/// `None` unless the labels are exactly those of §4.5; their order is that of the encoding.
fn from_parts(object: &SignedObject) -> Option<PairPut> {
    let [(to_label, to), (from_label, from), (nonce_label, nonce)] = object.labels() else {
        return None;
    };
    if [to_label, from_label, nonce_label] != ["to", "from", "nonce"] {
        return None;
    }
    Some(PairPut {
        from: Did::parse(from.as_text()?).ok()?,
        to: Did::parse(to.as_text()?).ok()?,
        nonce: nonce.as_bytes()?.as_slice().try_into().ok()?,
        message: object.payload().to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::first_contact::UnverifiedEnvelope;

    fn did(name: &str) -> Did {
        Did::parse(&format!("did:web:{name}.example")).unwrap()
    }

    fn put() -> PairPut {
        PairPut {
            from: did("alice"),
            to: did("bob"),
            nonce: [7; 16],
            message: b"opaque, and no CBOR".to_vec(),
        }
    }

    fn key(byte: u8) -> SigningKey {
        SigningKey::from_seed(&[byte; 32])
    }

    #[test]
    fn verifies_under_the_declared_key_only() {
        let bytes = put().sign(&key(1));
        let read = UnverifiedPairPut::parse(&bytes).unwrap();
        assert_eq!(read.from(), &did("alice"));
        assert_eq!(read.payload_bytes(), put().message);
        assert_eq!(read.clone().verify(&key(1).public()), Ok(put()));
        assert_eq!(
            read.verify(&key(2).public()),
            Err(Sign1Error::OtherKey),
            "the kid only says that it is another key"
        );
        let mut forged = bytes.clone();
        *forged.last_mut().unwrap() ^= 1;
        let forged = UnverifiedPairPut::parse(&forged).unwrap();
        assert!(forged.verify(&key(1).public()).is_err());
    }

    #[test]
    fn no_type_counts_as_another() {
        let bytes = put().sign(&key(1));
        assert_eq!(
            UnverifiedEnvelope::parse(&bytes).map(drop),
            Err(Sign1Error::Type)
        );
        for typ in ["chat.sotto/pair-put/v2", "chat.sotto/first-contact/v1"] {
            let labels = vec![
                ("to".to_owned(), Value::from("did:web:bob.example")),
                ("from".to_owned(), Value::from("did:web:alice.example")),
                ("nonce".to_owned(), Value::Bytes(vec![7; 16])),
            ];
            let other = sign1::sign_bytes(typ, labels, b"m", &key(1));
            assert_eq!(
                UnverifiedPairPut::parse(&other).map(drop),
                Err(Sign1Error::Type)
            );
        }
    }

    #[test]
    fn labels_and_size_are_checked() {
        let labelled = |labels: &[(&str, Value)]| {
            let labels = labels.iter().map(|(l, v)| ((*l).to_owned(), v.clone()));
            let bytes = sign1::sign_bytes(TYPE, labels.collect(), b"m", &key(1));
            UnverifiedPairPut::parse(&bytes).map(drop)
        };
        let (to, from) = (
            Value::from("did:web:bob.example"),
            Value::from("did:web:alice.example"),
        );
        let nonce = Value::Bytes(vec![7; 16]);
        let short = Value::Bytes(vec![7; 15]);
        let good = [("to", to.clone()), ("from", from.clone()), ("nonce", nonce)];
        assert_eq!(labelled(&good), Ok(()));
        for bad in [
            &good[..2],
            &[good[0].clone(), good[1].clone(), ("nonce", short)],
            &[("to", to), ("from", from), ("cert", Value::Bytes(vec![1]))],
        ] {
            assert_eq!(labelled(bad), Err(Sign1Error::Malformed));
        }
        let large = PairPut {
            message: vec![0; MAX_PAIR_PUT],
            ..put()
        };
        assert_eq!(
            UnverifiedPairPut::parse(&large.sign(&key(1))).map(drop),
            Err(Sign1Error::TooLarge)
        );
    }
}
