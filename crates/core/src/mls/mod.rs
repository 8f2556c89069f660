//! MLS (docs/protocol.md §2): the only place that names openmls types.
//!
//! A group is loaded inside the open transaction and never outlives it: after a rollback, what
//! memory holds is dropped with it.

mod credential;
mod crypto;
mod error;
mod healing;
mod hpke;
pub mod key_packages;
mod provider;
pub mod send_group;
mod session;
mod storage;

pub(crate) use credential::{Accounts, VerifiedDevice, certified};
pub use error::MlsError;
pub(crate) use healing::{Commit, forget_secret};
pub use key_packages::PublishedPackage;
pub use send_group::PeerDevice;
pub(crate) use session::{Message, Session};
pub(crate) use storage::create_tables;

use openmls::prelude::{
    Capabilities, Ciphersuite, CredentialType, ExtensionType, ProtocolVersion,
    SenderRatchetConfiguration,
};
use sotto_wire::conversation::EXTENSION_TYPE;

const SUITE: Ciphersuite = Ciphersuite::MLS_128_MLKEM768X25519_AES128GCM_SHA256_Ed25519;
/// Past epochs whose messages can still be read (§2).
pub(crate) const MAX_PAST_EPOCHS: usize = 5;
/// How many messages may be overtaken (§2).
const OUT_OF_ORDER: u32 = 50;
/// How far a message may be ahead of the last one read (§2).
const MAX_FORWARD: u32 = 2000;
/// Label of the secret by which commits heal (§3.8).
const HEALING_LABEL: &str = "sotto healing";
/// Label of the key that seals first-contact frames (§4.5).
const FIRST_CONTACT_LABEL: &str = "sotto first contact";

fn capabilities() -> Capabilities {
    Capabilities::new(
        Some(&[ProtocolVersion::Mls10]),
        Some(&[SUITE]),
        Some(&[
            ExtensionType::Unknown(EXTENSION_TYPE),
            ExtensionType::LastResort,
        ]),
        None,
        Some(&[CredentialType::Basic]),
    )
}

fn ratchet() -> SenderRatchetConfiguration {
    SenderRatchetConfiguration::new(OUT_OF_ORDER, MAX_FORWARD)
}

#[cfg(test)]
pub(crate) mod tests;
