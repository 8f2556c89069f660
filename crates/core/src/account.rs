//! The user's own account: its secrets, signing in, and delegating to this device.

pub(crate) mod anchoring;
pub(crate) mod data_dir;
pub(crate) mod delegation;
mod policy;
pub(crate) mod relay_name;
pub(crate) mod secrets;
pub(crate) mod set_up;
pub(crate) mod vault;

pub use vault::{Cost, KeyringChoice};
