//! The vault file without a disk and a keyring, for the fuzz targets.

use super::file::{self, Header, KeySource};
use super::{VaultError, VaultKey};
use sotto_wire::random::Random;

/// Reads a vault file, and one that holds `bytes` under the right key. True where one of them has
/// secrets in it.
#[must_use]
pub fn vault(bytes: &[u8], random: &dyn Random) -> bool {
    let key = VaultKey::new([7; 32]);
    let lying = file::parse(bytes).and_then(|file| file.open(&key));
    let header = Header::new(KeySource::Keyring, random);
    let sealed = file::seal(&header, &key, bytes, random);
    let opened: Result<_, VaultError> = sealed
        .and_then(|sealed| file::parse(&sealed))
        .and_then(|file| file.open(&key));
    lying.is_ok() || opened.is_ok()
}
