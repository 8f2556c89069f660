//! The user's own account: its secrets, signing in, delegating to this device, and what may
//! happen to the key after that.

pub(crate) mod anchoring;
pub(crate) mod data_dir;
pub(crate) mod delegation;
pub(crate) mod moving;
mod policy;
mod publish;
pub(crate) mod relay_name;
mod revocation;
mod rotation;
pub(crate) mod secrets;
pub(crate) mod set_up;
pub(crate) mod takeover;
pub(crate) mod vault;
pub(crate) mod words;

#[cfg(feature = "testing")]
pub(crate) use publish::{by_hand, moved_by_hand};
pub use vault::{Cost, KeyringChoice};
