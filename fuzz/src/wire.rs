//! `sotto-wire`: formats between clients, relays and servers.

mod account;
mod messages;
mod names;
mod relay;

use crate::Target;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sotto_wire::cbor;
use sotto_wire::did::Did;
use sotto_wire::key::SigningKey;

/// The targets of this module.
pub const TARGETS: &[Target] = &[
    account::CLAIM,
    account::DELEGATION,
    account::DEVICE_CERTIFICATE,
    account::KEY,
    account::ROSTER,
    account::SAFETY_CODE,
    account::SUCCESSION,
    messages::ATTACHMENT,
    messages::CBOR,
    messages::CONTENT,
    messages::CONVERSATION,
    messages::FIRST_CONTACT,
    messages::FRAME,
    messages::PAYLOAD,
    names::NAMES,
    relay::CHALLENGE,
    relay::ENABLER,
    relay::EVENT,
    relay::GRANT,
    relay::HTTP_SIGNATURE,
    relay::PDS_API,
    relay::RELAY_BODIES,
];
/// Longer inputs than any of these formats may be.
const MAX: usize = 1 << 20;

/// The account that the vectors are about.
fn did() -> Did {
    Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").expect("a DID")
}

/// The delegate key of the vectors.
fn delegate() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

/// A value has one encoding: what was read from bytes must be written as these bytes.
fn same<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    if let Ok(value) = cbor::decode::<T>(bytes, MAX) {
        assert_eq!(cbor::encode(&value), bytes);
    }
}
