//! What a person gives: a picture of a safety code, recovery words.

use crate::Target;
use sotto_core::entries;

pub(super) const PICTURE: Target = Target {
    name: "picture",
    run: |bytes| {
        let _ = entries::picture(bytes);
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
