//! Nonces under which frames were sealed for grants: none may be used for two of them.

use sha2::{Digest as _, Sha256};
use sotto_wire::frame::MAX_SEALED;
use sotto_wire::grant::GrantPut;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use url::Url;

/// The nonce of a sealed frame (docs/protocol.md §3.1), in bytes.
const NONCE: usize = 24;
/// What a put at a grant is beside its message, at most.
const MAX_REST: usize = 4096;

/// An address, which stands for a seal key, with a nonce.
type Under = (String, Vec<u8>);

/// The frames that a network has carried.
#[derive(Default)]
pub struct Seals(Mutex<HashMap<Under, [u8; 32]>>);

impl Seals {
    /// Notes a request, if it is a put at a grant. `false`: its nonce sealed something else before.
    pub fn note(&self, url: &Url, body: &[u8]) -> bool {
        let address = url.path().split_once("/inbox/grant:").map(|(_, rest)| rest);
        let (Some(address), Ok(put)) = (address, GrantPut::decode(body, MAX_SEALED + MAX_REST))
        else {
            return true;
        };
        let Some(nonce) = put.m.get(..NONCE) else {
            return true;
        };
        let sealed = Sha256::digest(&put.m).into();
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *seen
            .entry((address.to_owned(), nonce.to_vec()))
            .or_insert(sealed)
            == sealed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_wire::domain::Domain;
    use sotto_wire::grant::{GrantKey, address};

    #[test]
    fn a_nonce_that_seals_two_frames_is_noticed_and_a_repeated_put_is_none() {
        let (seals, key) = (Seals::default(), GrantKey::from_bytes([1; 32]));
        let address = address(&key, &Domain::parse("relay.example").unwrap());
        let url = format!(
            "https://relay.example/pmr/v1/inbox/grant:{}/messages",
            address.as_str()
        );
        let url = Url::parse(&url).unwrap();
        let put = |message: [u8; 40]| GrantPut::new(&key, &address, "c", message.to_vec()).encode();
        let mut message = [7; 40];
        assert!(seals.note(&url, &put(message)));
        assert!(seals.note(&url, &put(message)));
        message[39] = 8;
        assert!(!seals.note(&url, &put(message)));
        message[0] = 8;
        assert!(seals.note(&url, &put(message)));
    }
}
