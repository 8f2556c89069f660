//! Fuzz targets: every decoder that takes bytes from outside. A target takes any bytes and must come
//! back; where a format has one encoding, what was accepted must also encode to the same bytes.
//!
//! `npm run fuzz` runs them under libFuzzer; the tests run the committed corpus without it.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a property that does not hold, or a world that cannot be set up, is a finding"
)]

pub mod delegation;
pub mod engine;
pub mod identity;
pub mod relay;
mod request;
pub mod wire;

/// One decoder, or a few that read the same kind of bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Names it on the command line, and its folder in `fuzz/corpus`.
    pub name: &'static str,
    /// Reads one input. A panic is a finding.
    pub run: fn(&[u8]),
}

/// Every target there is.
pub fn targets() -> impl Iterator<Item = Target> {
    [
        delegation::TARGETS,
        engine::TARGETS,
        identity::TARGETS,
        relay::TARGETS,
        wire::TARGETS,
    ]
    .concat()
    .into_iter()
}

/// The target with this name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    targets().find(|target| target.name == name)
}
