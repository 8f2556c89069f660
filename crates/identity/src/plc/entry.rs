//! The entries of a log as the directory lists them, each with its hash checked.

use serde::Deserialize;
use serde_json::Value;
use sotto_wire::did::Did;
use sotto_wire::time::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::LogError;
use super::operation::{self, Operation};

/// Operations of one account; the directory takes 100 a week.
const MAX_ENTRIES: usize = 4096;
/// The directory's clock may be this many seconds ahead of this machine's.
const MAX_AHEAD: u64 = 24 * 60 * 60;

/// One entry whose operation has the CID that it is listed under.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) operation: Operation,
    /// What the CID is made of: SHA-256 of the signed operation.
    pub(super) digest: [u8; 32],
    pub(super) cid: String,
    /// As the directory says.
    pub(super) nullified: bool,
    /// When the directory took it, milliseconds since 1970.
    pub(super) created_at: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    did: String,
    operation: Value,
    cid: String,
    nullified: bool,
    created_at: String,
}

/// Reads the directory's answer.
pub(super) fn read(body: &[u8], did: &Did, now: Timestamp) -> Result<Vec<Entry>, LogError> {
    if body.len() > super::MAX_LOG {
        return Err(LogError::TooLarge);
    }
    let listed: Vec<Listed> = serde_json::from_slice(body).map_err(|_| LogError::Malformed)?;
    match listed.len() {
        0 => Err(LogError::Malformed),
        1..=MAX_ENTRIES => listed
            .into_iter()
            .map(|entry| check(entry, did, now))
            .collect(),
        _ => Err(LogError::TooLarge),
    }
}

fn check(listed: Listed, did: &Did, now: Timestamp) -> Result<Entry, LogError> {
    if listed.did != did.as_str() {
        return Err(LogError::Malformed);
    }
    let created_at = milliseconds(&listed.created_at).ok_or(LogError::Malformed)?;
    if created_at / 1000 > now.plus(MAX_AHEAD).0 {
        return Err(LogError::Malformed);
    }
    let digest = operation::digest(&listed.operation)?;
    let cid = operation::cid(&digest).ok_or(LogError::Malformed)?;
    if cid != listed.cid {
        return Err(LogError::BadCid);
    }
    Ok(Entry {
        operation: Operation::parse(listed.operation)?,
        digest,
        cid,
        nullified: listed.nullified,
        created_at,
    })
}

fn milliseconds(text: &str) -> Option<u64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    u64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_millisecond() {
        assert_eq!(
            milliseconds("2023-04-12T04:53:57.057Z"),
            Some(1_681_275_237_057)
        );
        assert_eq!(
            milliseconds("2026-01-01T01:00:00+01:00"),
            Some(1_767_225_600_000)
        );
        for refused in ["", "2023-04-12", "1969-12-31T23:59:59Z", "yesterday"] {
            assert_eq!(milliseconds(refused), None, "{refused}");
        }
    }
}
