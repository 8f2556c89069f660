//! Which AEAD keys were used for what: none of MLS's may be used for two messages.
//!
//! What a write that is rolled back has encrypted never leaves the machine, and is not counted.

use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

type Digest = [u8; 32];

#[derive(Default)]
struct Seen {
    /// Key, and the nonce and text that it was used with.
    used: HashMap<Digest, Digest>,
    under_way: Vec<(Digest, Digest)>,
    reused: u64,
}

/// The keys of one run, over all machines.
#[derive(Default)]
pub struct Keys(Mutex<Seen>);

impl Keys {
    /// Keys that were used for two different things.
    pub fn reused(&self) -> u64 {
        self.lock().reused
    }

    /// Keys that were used.
    pub fn used(&self) -> usize {
        self.lock().used.len()
    }

    pub(crate) fn begins(&self) {
        self.lock().under_way.clear();
    }

    pub(crate) fn encrypted(&self, key: &[u8], nonce: &[u8], data: &[u8]) {
        let text = Sha256::new().chain_update(nonce).chain_update(data);
        let used = (Sha256::digest(key).into(), text.finalize().into());
        self.lock().under_way.push(used);
    }

    pub(crate) fn committed(&self) {
        let mut seen = self.lock();
        for (key, text) in std::mem::take(&mut seen.under_way) {
            if seen.used.insert(key, text).is_some_and(|it| it != text) {
                seen.reused += 1;
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_used_for_two_texts_is_noticed_and_a_rolled_back_use_is_none() {
        let keys = Keys::default();
        keys.begins();
        keys.encrypted(b"key", b"nonce", b"one");
        keys.begins();
        keys.encrypted(b"key", b"nonce", b"two");
        keys.committed();
        assert_eq!((keys.used(), keys.reused()), (1, 0));
        keys.begins();
        keys.encrypted(b"key", b"nonce", b"two");
        keys.committed();
        assert_eq!(keys.reused(), 0, "the same once more is the same bytes");
        keys.begins();
        keys.encrypted(b"key", b"another nonce", b"two");
        keys.committed();
        assert_eq!(keys.reused(), 1);
    }
}
