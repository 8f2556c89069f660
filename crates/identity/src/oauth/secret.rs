//! Random texts for `state`, PKCE and token identifiers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sotto_wire::random::{self, Random};

/// 256 random bits in 43 characters of base64url.
pub(super) fn random_text(random: &dyn Random) -> String {
    b64u(random::array::<32>(random))
}

pub(super) fn b64u(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
