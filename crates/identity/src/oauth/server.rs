//! Which authorization server an account's PDS names, and where it listens.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::OAuthError;
use crate::http::address::is_allowed;
use crate::network::{self, Network};

const MAX_METADATA: usize = 64 * 1024;

/// An authorization server that this client can use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AuthorizationServer {
    pub(super) issuer: String,
    pub(super) authorization: Url,
    pub(super) pushed_authorization: Url,
    pub(super) token: Url,
    pub(super) revocation: Option<Url>,
}

impl AuthorizationServer {
    /// Asks the PDS, then the server it names.
    pub(super) async fn discover(network: &Network, pds: &Url) -> Result<Self, OAuthError> {
        let development = network.is_development();
        let resource = metadata(network, pds, "oauth-protected-resource").await?;
        let issuer = named_issuer(&resource, pds).ok_or(OAuthError::Rejected)?;
        let url = Url::parse(&issuer).map_err(|_| OAuthError::Rejected)?;
        if !is_allowed(&url, development) || origin(&url) != issuer {
            return Err(OAuthError::Rejected);
        }
        let server = metadata(network, &url, "oauth-authorization-server").await?;
        Self::from_json(&server, &issuer, pds, development).ok_or(OAuthError::Rejected)
    }

    pub(super) fn from_json(
        server: &Value,
        issuer: &str,
        pds: &Url,
        development: bool,
    ) -> Option<Self> {
        let text = |name: &str| server.get(name).and_then(Value::as_str);
        let has = |name: &str, wanted: &str| {
            let list = server.get(name).and_then(Value::as_array);
            list.is_some_and(|list| list.iter().any(|entry| entry == wanted))
        };
        // The authorization endpoint goes to the user's browser: nothing but a web address may.
        let endpoint = |name: &str| {
            let url = Url::parse(text(name)?).ok()?;
            is_allowed(&url, development).then_some(url)
        };
        let usable = text("issuer")? == issuer
            && has("dpop_signing_alg_values_supported", "ES256")
            && has("code_challenge_methods_supported", "S256")
            && has("scopes_supported", "atproto")
            && server.get("authorization_response_iss_parameter_supported")? == true
            && (server.get("protected_resources").is_none()
                || has("protected_resources", &origin(pds)));
        if !usable {
            return None;
        }
        Some(Self {
            issuer: issuer.to_owned(),
            authorization: endpoint("authorization_endpoint")?,
            pushed_authorization: endpoint("pushed_authorization_request_endpoint")?,
            token: endpoint("token_endpoint")?,
            revocation: endpoint("revocation_endpoint"),
        })
    }
}

async fn metadata(network: &Network, base: &Url, name: &str) -> Result<Value, OAuthError> {
    let url = network::with_path(base, &[".well-known", name]);
    let answer = network.get(url, MAX_METADATA).await?;
    match answer.status {
        200 => network::json(&answer).ok_or(OAuthError::Rejected),
        429 | 500.. => Err(OAuthError::Unreachable),
        _ => Err(OAuthError::Rejected),
    }
}

pub(super) fn named_issuer(resource: &Value, pds: &Url) -> Option<String> {
    if resource.get("resource")?.as_str()? != origin(pds) {
        return None;
    }
    match resource
        .get("authorization_servers")?
        .as_array()?
        .as_slice()
    {
        [issuer] => Some(issuer.as_str()?.to_owned()),
        _ => None,
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{FakeNet, endpoints};

    fn resource() -> Value {
        json!({"resource": "https://pds.example", "authorization_servers": ["https://auth.example"]})
    }

    fn server() -> Value {
        json!({
            "issuer": "https://auth.example",
            "authorization_endpoint": "https://auth.example/authorize",
            "pushed_authorization_request_endpoint": "https://auth.example/par",
            "token_endpoint": "https://auth.example/token",
            "revocation_endpoint": "https://auth.example/revoke",
            "dpop_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["atproto"],
            "authorization_response_iss_parameter_supported": true,
            "protected_resources": ["https://pds.example"],
        })
    }

    async fn discover(resource: Value, server: Value) -> Result<AuthorizationServer, OAuthError> {
        let network = FakeNet::new()
            .answer(
                "https://pds.example/.well-known/oauth-protected-resource",
                200,
                resource.to_string(),
            )
            .answer(
                "https://auth.example/.well-known/oauth-authorization-server",
                200,
                server.to_string(),
            )
            .network(endpoints());
        AuthorizationServer::discover(&network, &Url::parse("https://pds.example").unwrap()).await
    }

    #[tokio::test]
    async fn finds_the_server_of_a_pds() {
        let found = discover(resource(), server()).await.unwrap();
        assert_eq!(found.token.as_str(), "https://auth.example/token");
        assert_eq!(found.issuer, "https://auth.example");
    }

    #[tokio::test]
    async fn refuses_a_server_it_cannot_use_or_trust() {
        for (name, value) in [
            ("issuer", json!("https://other.example")),
            ("issuer", Value::Null),
            ("authorization_endpoint", json!("javascript:alert(1)")),
            ("authorization_endpoint", json!("file:///etc/passwd")),
            ("authorization_endpoint", json!("/authorize")),
            ("pushed_authorization_request_endpoint", Value::Null),
            ("token_endpoint", json!("http://auth.example/token")),
            ("token_endpoint", json!("https://10.0.0.1/token")),
            ("token_endpoint", json!("token")),
            ("dpop_signing_alg_values_supported", json!(["RS256"])),
            ("code_challenge_methods_supported", json!(["plain"])),
            ("scopes_supported", json!("atproto")),
            (
                "authorization_response_iss_parameter_supported",
                json!(false),
            ),
            ("protected_resources", json!(["https://other.example"])),
        ] {
            let mut server = server();
            server[name] = value.clone();
            let outcome = discover(resource(), server).await;
            assert_eq!(outcome, Err(OAuthError::Rejected), "{name} {value}");
        }
    }

    #[tokio::test]
    async fn refuses_a_pds_that_is_not_clear() {
        for (name, value) in [
            ("resource", json!("https://other.example")),
            ("authorization_servers", json!([])),
            (
                "authorization_servers",
                json!(["https://auth.example", "https://b.example"]),
            ),
            (
                "authorization_servers",
                json!(["https://auth.example/path"]),
            ),
            ("authorization_servers", json!(["http://127.0.0.1"])),
            ("authorization_servers", json!([7])),
        ] {
            let mut resource = resource();
            resource[name] = value.clone();
            let outcome = discover(resource, server()).await;
            assert_eq!(outcome, Err(OAuthError::Rejected), "{name} {value}");
        }
    }
}
