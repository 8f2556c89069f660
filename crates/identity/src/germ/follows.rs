//! Whether one account follows another, as its own repository says.

use serde_json::Value;
use sotto_wire::did::Did;

use crate::did_document::DidDocument;
use crate::network::{self, Network};

const COLLECTION: &str = "app.bsky.graph.follow";
const MAX_ANSWER: usize = 64 * 1024;
/// Longest record key (AT Protocol, "Record key").
const MAX_RKEY: usize = 512;

impl Network {
    /// Whether the document's account follows `other`. The `AppView` says which record that would
    /// be, and the account's repository proves it; what is not proved counts as no.
    pub(super) async fn proves_to_follow(&self, document: &DidDocument, other: &Did) -> bool {
        let Some(rkey) = self.follow_record(&document.id, other).await else {
            return false;
        };
        let proved = self.prove_record(document, COLLECTION, &rkey).await;
        let record = proved.ok().and_then(|proved| proved.record);
        record.is_some_and(|record| {
            let is = |name, expected| record.get(name).and_then(Value::as_str) == Some(expected);
            is("$type", COLLECTION) && is("subject", other.as_str())
        })
    }

    /// The key of the record by which `actor` follows `other`, as the `AppView` has it.
    async fn follow_record(&self, actor: &Did, other: &Did) -> Option<String> {
        let query = [("actor", actor.as_str()), ("others", other.as_str())];
        let method = "app.bsky.graph.getRelationships";
        let url = network::xrpc_url(&self.endpoints.appview, method, &query);
        let answer = self.get(url, MAX_ANSWER).await.ok()?;
        let body = network::json(&answer).filter(|_| answer.is_success())?;
        let relationships = body.get("relationships")?.as_array()?;
        let of_other = |it: &&Value| it.get("did").and_then(Value::as_str) == Some(other.as_str());
        let uri = relationships.iter().find(of_other)?.get("following")?;
        let rkey = uri
            .as_str()?
            .strip_prefix(&format!("at://{actor}/{COLLECTION}/"))?;
        is_rkey(rkey).then(|| rkey.to_owned())
    }
}

fn is_rkey(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:~-".contains(&byte);
    (1..=MAX_RKEY).contains(&text.len()) && text.bytes().all(allowed) && !matches!(text, "." | "..")
}
