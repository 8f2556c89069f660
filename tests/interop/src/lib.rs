//! mls-rs, another implementation of RFC 9420, with Sotto's cipher suite, as a peer of Sotto.
//!
//! What is independent of Sotto here: everything of MLS itself (messages, tree, key schedule, secret
//! tree, proposals and commits), HPKE, and the order in which the suite's primitives are used. The
//! primitives alone are shared crates: X-Wing, AES-GCM, HMAC, SHA-256 and Ed25519.
#![expect(
    clippy::expect_used,
    reason = "a double in tests stops where it cannot go on"
)]

pub mod peer;
mod primitives;
mod suite;
