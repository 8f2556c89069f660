//! Which AEAD keys were used for what: none of MLS's may be used for two messages.
//!
//! What a write that is rolled back has encrypted never leaves the machine, and is not counted.

use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

type Digest = [u8; 32];

/// A nonce and a text.
type Use = (Vec<u8>, Digest);

#[derive(Default)]
struct Seen {
    used: HashMap<Digest, Use>,
    under_way: Vec<(Digest, Use)>,
    keys_reused: u64,
    nonces_reused: u64,
}

/// The keys of one run, over all machines.
#[derive(Default)]
pub struct Keys(Mutex<Seen>);

impl Keys {
    /// How often a key was used for another text than before, under another nonce: only a device that
    /// was set back may do that, with a commit (docs/protocol.md §3.8).
    pub fn reused(&self) -> u64 {
        self.lock().keys_reused
    }

    /// How often a key was used for another text than before, under the same nonce.
    pub fn nonces_reused(&self) -> u64 {
        self.lock().nonces_reused
    }

    /// Keys that were used.
    pub fn used(&self) -> usize {
        self.lock().used.len()
    }

    pub(crate) fn begins(&self) {
        self.lock().under_way.clear();
    }

    pub(crate) fn encrypted(&self, key: &[u8], nonce: &[u8], data: &[u8]) {
        let used = (nonce.to_vec(), Sha256::digest(data).into());
        let mut seen = self.lock();
        seen.under_way.push((Sha256::digest(key).into(), used));
    }

    pub(crate) fn committed(&self) {
        let mut seen = self.lock();
        for (key, used) in std::mem::take(&mut seen.under_way) {
            match seen.used.insert(key, used.clone()) {
                Some(before) if before == used => {}
                Some((nonce, _)) if nonce == used.0 => seen.nonces_reused += 1,
                Some(_) => seen.keys_reused += 1,
                None => {}
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
        let found = (keys.reused(), keys.nonces_reused());
        assert_eq!(found, (0, 0), "the same once more is the same bytes");
        keys.begins();
        keys.encrypted(b"key", b"another nonce", b"three");
        keys.committed();
        assert_eq!((keys.reused(), keys.nonces_reused()), (1, 0));
        keys.begins();
        keys.encrypted(b"key", b"another nonce", b"four");
        keys.committed();
        assert_eq!((keys.reused(), keys.nonces_reused()), (1, 1));
    }
}
