//! Files of strangers, for the fuzz targets.

use super::folder::Folder;
use super::saving::Fetched;
use super::{file_name, sniff, thumbnail};
use sotto_wire::attachment::{AttachmentKey, NONCE};
use std::path::Path;

/// The type of a file and, of a picture, how large its thumbnail is in bytes.
#[must_use]
pub fn file(bytes: &[u8]) -> (&'static str, Option<usize>) {
    let mime = sniff::mime(bytes.get(..sniff::HEAD).unwrap_or(bytes));
    (mime, thumbnail::of(bytes).map(|made| made.jpeg.len()))
}

/// The name under which a file is shown and saved, and its type, from what a message says.
#[must_use]
pub fn named(name: &str, mime: &str) -> (String, String) {
    let (name, mime) = (file_name::safe(name), sniff::declared(mime));
    let _ = sniff::is_dangerous(&name, &mime);
    (name, mime)
}

/// A fetched file out of the pieces in `folder/1`.
#[must_use]
pub fn fetched(
    folder: &Path,
    size: u64,
    key: &AttachmentKey,
    nonce: &[u8; NONCE],
) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let fetched = Fetched {
        folder: &Folder::at(folder.to_owned()),
        id: 1,
        size,
        key,
        nonce,
    };
    fetched.write_to(&mut plain).ok().map(|()| plain)
}
