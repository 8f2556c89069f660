//! Whom an account follows (docs/protocol.md §3.5). The server's listing says where to look; only a
//! record that the repository proves counts.

use std::collections::HashMap;

use serde_json::Value;
use sotto_wire::did::Did;
use sotto_wire::time::Timestamp;

use crate::http::Response;
use crate::network::{self, Network};
use crate::repo::ProofError;
use crate::verify::{Pin, VerifyError};

const COLLECTION: &str = "app.bsky.graph.follow";
const PAGE: &str = "100";
/// Twice what a page of a hundred of the largest records takes.
const MAX_PAGE: usize = 512 * 1024;
/// A listing ends here, at 20,000 follows: who is further back is not found.
const MAX_PAGES: usize = 200;
const MAX_CURSOR: usize = 1024;

/// Where the follow records of an account are, as its server lists them. Proves nothing.
#[derive(Clone, Debug, Default)]
pub struct FollowIndex(HashMap<Did, String>);

impl FollowIndex {
    /// The record key of the newest record that is said to follow `subject`.
    #[must_use]
    pub fn rkey(&self, subject: &Did) -> Option<&str> {
        self.0.get(subject).map(String::as_str)
    }

    /// Adds a page, newest first; gives the cursor of the next one. Records that are none are left
    /// out.
    fn add(&mut self, page: &Value) -> Option<String> {
        let records = page.get("records")?.as_array()?;
        for record in records {
            if let Some((subject, rkey)) = entry(record) {
                self.0.entry(subject).or_insert(rkey);
            }
        }
        let cursor = page.get("cursor")?.as_str()?;
        let more = !records.is_empty() && !cursor.is_empty() && cursor.len() <= MAX_CURSOR;
        more.then(|| cursor.to_owned())
    }
}

impl Network {
    /// Lists the follow records of `account`, at its PDS and nowhere else: an index service would
    /// learn who writes to whom.
    ///
    /// # Errors
    /// [`VerifyError::Document`], [`VerifyError::PdsUnreachable`].
    pub async fn follow_index(&self, account: &Did) -> Result<FollowIndex, VerifyError> {
        let document = self.did_document(account).await?;
        let mut index = FollowIndex::default();
        let mut cursor = String::new();
        for _ in 0..MAX_PAGES {
            let mut query = vec![
                ("repo", account.as_str()),
                ("collection", COLLECTION),
                ("limit", PAGE),
            ];
            if !cursor.is_empty() {
                query.push(("cursor", &cursor));
            }
            let url = network::xrpc_url(&document.pds, "com.atproto.repo.listRecords", &query);
            let answer = self.get(url, MAX_PAGE).await;
            let page = answer
                .ok()
                .filter(Response::is_success)
                .and_then(|answer| network::json(&answer))
                .ok_or(VerifyError::PdsUnreachable)?;
            match index.add(&page) {
                Some(next) => cursor = next,
                None => break,
            }
        }
        Ok(index)
    }

    /// Whether the repository of `account` proves that the record `rkey` follows `subject`. `known`
    /// is what was pinned of the account: its repository must not go backwards (§1.4 step 2).
    ///
    /// # Errors
    /// [`VerifyError`], where nothing is proved either way.
    pub async fn proves_follow(
        &self,
        account: &Did,
        rkey: &str,
        subject: &Did,
        known: Option<&Pin>,
        now: Timestamp,
    ) -> Result<bool, VerifyError> {
        if !is_record_key(rkey) {
            return Err(VerifyError::Proof(ProofError::Invalid));
        }
        let document = self.did_document(account).await?;
        let known = known.filter(|pin| pin.did == *account);
        let proved = self
            .proved_record(&document, (COLLECTION, rkey), known, now)
            .await?;
        let follows = |record: &Value| {
            let text = |name| record.get(name).and_then(Value::as_str);
            text("$type") == Some(COLLECTION) && text("subject") == Some(subject.as_str())
        };
        Ok(proved.record.as_ref().is_some_and(follows))
    }
}

/// Reads one page, for the fuzz targets.
#[cfg(feature = "testing")]
pub(crate) fn entry_page(page: &Value) {
    FollowIndex::default().add(page);
}

fn entry(record: &Value) -> Option<(Did, String)> {
    let rkey = record.get("uri")?.as_str()?.rsplit('/').next()?;
    let subject = record.pointer("/value/subject")?.as_str()?;
    let subject = Did::parse(subject).ok()?;
    is_record_key(rkey).then(|| (subject, rkey.to_owned()))
}

/// The syntax of record keys in AT Protocol.
fn is_record_key(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_~.:-".contains(&byte);
    (1..=512).contains(&text.len()) && text.bytes().all(allowed) && !matches!(text, "." | "..")
}

#[cfg(test)]
mod tests;
