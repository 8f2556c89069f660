//! The permission to change an account's identity (docs/protocol.md §1.7): asked for in the moment
//! it is needed, apart from the session, kept in memory only, and given up right after.

use std::sync::Arc;

use async_trait::async_trait;
use sotto_wire::did::Did;
use sotto_wire::time::Timestamp;
use tokio::sync::Mutex;
use url::Url;
use zeroize::Zeroizing;

use super::{
    Canceller, Context, OAuth, OAuthError, PendingSignIn, Session, SessionStore, StoreError,
    pending,
};
use crate::http::{Method, Request, Response};
use crate::network::{self, Network};

/// What is asked for: to change everything that the identity of the account says. There is no
/// narrower one that covers verification methods.
pub const IDENTITY_SCOPE: &str = "atproto identity:*";

const MAX_ANSWER: usize = 64 * 1024;

impl OAuth {
    /// Begins to ask for [`IDENTITY_SCOPE`]. It has nothing to do with a session of the same
    /// account: neither takes the place of the other.
    ///
    /// # Errors
    /// As [`OAuth::sign_in`].
    pub async fn ask_for_identity(&self, did: &Did) -> Result<PendingPermission, OAuthError> {
        let context = Arc::new(Context {
            network: self.context.network.clone(),
            store: Arc::new(Nowhere),
            clock: Arc::clone(&self.context.clock),
            random: Arc::clone(&self.context.random),
            scope: IDENTITY_SCOPE,
            live: Mutex::default(),
        });
        let document = context.network.did_document(did).await?;
        let account = pending::Account {
            did: did.clone(),
            hint: document
                .handle
                .map_or_else(|| did.to_string(), |handle| handle.to_string()),
            pds: document.pds,
        };
        Context::begin(&context, account, IDENTITY_SCOPE)
            .await
            .map(PendingPermission)
    }
}

/// As [`PendingSignIn`], for [`IDENTITY_SCOPE`].
pub struct PendingPermission(PendingSignIn);

impl PendingPermission {
    /// The page to open in the user's browser.
    #[must_use]
    pub fn authorize_url(&self) -> &str {
        self.0.authorize_url()
    }

    /// For a button beside "waiting for your browser".
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        self.0.canceller()
    }

    /// Waits for the decision, ten minutes at most.
    ///
    /// # Errors
    /// As [`PendingSignIn::finish`].
    pub async fn finish(self) -> Result<IdentityPermission, OAuthError> {
        self.0.finish().await.map(|session| IdentityPermission {
            network: session.context.network.clone(),
            session,
        })
    }
}

/// The permission itself, in memory only. To be ended as soon as it is not needed any more: one that
/// is dropped ends by itself only when its tokens do.
#[derive(Clone)]
pub struct IdentityPermission {
    pub(crate) network: Network,
    session: Session,
}

impl IdentityPermission {
    /// Whose identity it is.
    #[must_use]
    pub fn did(&self) -> &Did {
        self.session.did()
    }

    /// Tells the server to forget it. A server that cannot be told forgets by itself in two weeks
    /// at most.
    pub async fn end(self) {
        // The store that could fail keeps nothing.
        let _ = self.session.sign_out().await;
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.session.context.clock.now()
    }

    /// Calls a procedure of the account's PDS.
    pub(crate) async fn call(
        &self,
        method: &str,
        input: Option<&serde_json::Value>,
    ) -> Result<Response, OAuthError> {
        self.session
            .send(procedure(&self.session.live.pds, method, input))
            .await
    }
}

/// A procedure without input takes no content type either.
fn procedure(pds: &Url, method: &str, input: Option<&serde_json::Value>) -> Request {
    let request = Request::get(network::xrpc_url(pds, method, &[]), MAX_ANSWER);
    match input {
        Some(input) => {
            let body = input.to_string().into_bytes();
            request.with_body(Method::Post, "application/json", body)
        }
        None => Request {
            method: Method::Post,
            ..request
        },
    }
}

/// Keeps nothing.
struct Nowhere;

#[async_trait]
impl SessionStore for Nowhere {
    async fn get(&self, _: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(None)
    }

    async fn set(&self, _: &str, _: &[u8]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn delete(&self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
}
