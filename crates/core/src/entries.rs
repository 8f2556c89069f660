//! Entries to decoders that are not public, for the fuzz targets.

pub use crate::account::vault::entries::vault;
use crate::account::words;
pub use crate::attachments::entries::{fetched, file, named};
use crate::db::WriteTx;
use crate::messages::attach;
use crate::mls::{Message, MlsError, Session};
use crate::safety::picture::{self, Found};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sotto_wire::content::{Body, Content};
use sotto_wire::key::SigningKey;

/// The group that an MLS message names.
///
/// # Errors
/// [`MlsError`].
pub fn mls_message(bytes: &[u8]) -> Result<Vec<u8>, MlsError> {
    Ok(Message::parse(bytes)?.group_id().to_vec())
}

/// Whether a picture shows a safety code.
#[must_use]
pub fn picture(bytes: &[u8]) -> bool {
    matches!(picture::find(&STANDARD.encode(bytes)), Ok(Found::Code(_)))
}

/// The recovery words of a key, read from what somebody typed and written again.
#[must_use]
pub fn words(text: &str) -> Option<String> {
    let words = words::of(&words::key(text).ok()?).ok()?;
    Some(words.join(" "))
}

/// How many of the files that a message names could be fetched.
#[must_use]
pub fn attachments(content: &[u8]) -> usize {
    match Content::decode(content).map(|content| content.body) {
        Ok(Body::Attachments { parts, .. }) => parts.iter().filter_map(attach::checked).count(),
        _ => 0,
    }
}

/// Any bytes as a message of the own send group.
///
/// # Errors
/// [`MlsError`].
pub fn seal(
    tx: &WriteTx<'_>,
    group: &[u8],
    key: &SigningKey,
    payload: &[u8],
) -> Result<Vec<u8>, MlsError> {
    Session::storing_each_time(tx).seal(group, key, payload)
}
