//! What the owner of a `did:web` adds to its document by hand.

use serde::Serialize;
use sotto_wire::did::Did;
use sotto_wire::key::PublicKey;
use url::Url;

use crate::did_document::web_document_url;

/// The entry that anchors a key, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebAnchor {
    /// Where the document is.
    pub document: Url,
    /// The entry for its `verificationMethod`, as indented JSON.
    pub entry: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Method<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    controller: &'a str,
    public_key_multibase: String,
}

impl WebAnchor {
    /// For this account and key; nothing where the account is not a `did:web`.
    #[must_use]
    pub fn of(did: &Did, key: &PublicKey, development: bool) -> Option<Self> {
        let host = did.as_str().strip_prefix("did:web:")?;
        let key = key.to_did_key();
        let method = Method {
            id: format!("{did}#e2ee"),
            kind: "Multikey",
            controller: did.as_str(),
            public_key_multibase: key.trim_start_matches("did:key:").to_owned(),
        };
        Some(Self {
            document: web_document_url(host, development).ok()?,
            entry: serde_json::to_string_pretty(&method).ok()?,
        })
    }
}
