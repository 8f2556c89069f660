//! The did:plc directory, read only: operations are submitted by way of the PDS, which then tells
//! its subscribers that the document has changed.

use std::sync::Arc;

use sotto_identity::Network;
use sotto_identity::http::{Http, Request};
use sotto_wire::did::Did;
use url::Url;

use crate::plc_operation::LastOperation;

const MAX_OPERATION: usize = 64 * 1024;

/// Asks for operations.
pub(crate) struct Directory {
    http: Arc<dyn Http>,
    base: Url,
}

/// What the directory has as the last operation of an account.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Last {
    /// This one.
    Operation(LastOperation),
    /// None that this service could follow.
    Unusable,
}

/// The directory cannot be asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreachable;

impl Directory {
    pub(crate) fn new(network: &Network, base: Url) -> Self {
        Self {
            http: Arc::clone(network.http()),
            base,
        }
    }

    /// The last operation of a `did:plc`.
    pub(crate) async fn last(&self, did: &Did) -> Result<Last, Unreachable> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend([did.as_str(), "log", "last"]);
        }
        let request = Request::get(url, MAX_OPERATION);
        let answer = self.http.send(request).await.map_err(|_| Unreachable)?;
        match answer.status {
            200 => Ok(serde_json::from_slice(&answer.body)
                .ok()
                .and_then(LastOperation::from_json)
                .map_or(Last::Unusable, Last::Operation)),
            404 => Ok(Last::Unusable),
            _ => Err(Unreachable),
        }
    }
}
