//! What everything else here asks: the endpoints and the way to them.

use std::sync::Arc;

use serde_json::Value;
use url::Url;

use crate::handle::dns::{SystemDns, TxtLookup};
use crate::http::{Http, HttpError, Request, Response, WebClient};

/// Where the shared services of the AT network are.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// The did:plc directory, for instance `https://plc.directory`.
    pub plc: Url,
    /// Asked for every handle instead of DNS and the handle's own host. For development: the
    /// handles of a network on loopback exist in no DNS.
    pub handle_resolver: Option<Url>,
    /// Asked for suggestions while a handle is typed, for instance
    /// `https://public.api.bsky.app`.
    pub appview: Url,
    /// Allows loopback addresses, and http to them. Never set by anything a peer can influence.
    pub development: bool,
}

/// The AT network as this crate sees it. Cheap to clone.
#[derive(Clone)]
pub struct Network {
    pub(crate) endpoints: Arc<Endpoints>,
    pub(crate) http: Arc<dyn Http>,
    pub(crate) txt: Arc<dyn TxtLookup>,
}

impl Network {
    /// The real network, over [`WebClient`] and the system's DNS servers.
    ///
    /// # Errors
    /// [`HttpError::Unavailable`] where TLS cannot be set up.
    pub fn new(endpoints: Endpoints) -> Result<Self, HttpError> {
        let http = Arc::new(WebClient::new(endpoints.development)?);
        Ok(Self::with_http(endpoints, http))
    }

    /// The same over another [`Http`].
    pub fn with_http(endpoints: Endpoints, http: Arc<dyn Http>) -> Self {
        Self {
            endpoints: Arc::new(endpoints),
            http,
            txt: Arc::new(SystemDns),
        }
    }

    /// Whether loopback addresses are allowed, [`Endpoints::development`].
    #[must_use]
    pub fn is_development(&self) -> bool {
        self.endpoints.development
    }

    /// The way out, with its bounds and its rule for addresses, for other clients (the relay's).
    #[must_use]
    pub fn http(&self) -> &Arc<dyn Http> {
        &self.http
    }

    pub(crate) async fn get(&self, url: Url, max_body: usize) -> Result<Response, HttpError> {
        self.http.send(Request::get(url, max_body)).await
    }
}

/// `base` with the path `/xrpc/{method}` and a query. The path of `base` is kept (some are served
/// below one).
pub(crate) fn xrpc_url(base: &Url, method: &str, query: &[(&str, &str)]) -> Url {
    let mut url = with_path(base, &["xrpc", method]);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

/// `base` with path segments added, each escaped.
pub(crate) fn with_path(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    // An error means a URL that cannot have a path (`mailto:`); those are refused when asked.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// The JSON of a body, or nothing where it is none.
pub(crate) fn json(response: &Response) -> Option<Value> {
    serde_json::from_slice(&response.body).ok()
}

/// The `error` name of an XRPC or OAuth error body.
pub(crate) fn error_name(response: &Response) -> Option<String> {
    Some(json(response)?.get("error")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_escape_what_they_are_given() {
        let base = Url::parse("https://pds.example/base/?x#y").unwrap();
        let url = xrpc_url(&base, "a.b", &[("did", "did:web:x%3A1"), ("q", "a&b=/ü")]);
        assert_eq!(
            url.as_str(),
            "https://pds.example/base/xrpc/a.b?did=did%3Aweb%3Ax%253A1&q=a%26b%3D%2F%C3%BC"
        );
        assert_eq!(
            with_path(&base, &["../x"]).as_str(),
            "https://pds.example/base/..%2Fx"
        );
    }
}
