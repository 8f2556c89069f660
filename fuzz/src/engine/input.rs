//! What a person gives: a picture of a safety code, recovery words; and what lies on the own disk.

use crate::Target;
use sotto_core::entries;
use sotto_wire::random::OsRandom;

pub(super) const PICTURE: Target = Target {
    name: "picture",
    run: |bytes| {
        let _ = entries::picture(bytes);
    },
};
pub(super) const VAULT: Target = Target {
    name: "vault",
    run: |bytes| {
        let _ = entries::vault(bytes, &OsRandom);
    },
};
pub(super) const WORDS: Target = Target {
    name: "words",
    run: words,
};

fn words(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if let Some(words) = entries::words(text) {
        assert_eq!(entries::words(&words), Some(words));
    }
}
