//! Signing in to one's own account, to publish the delegation record (docs/protocol.md §1.1).
//! Messaging needs none of this: it runs on the device key.
//!
//! This is the public-client profile of AT Protocol OAuth: a loopback client, pushed authorization
//! requests, PKCE, DPoP. It is written here and not taken from `atrium-oauth` 0.2, because there
//! servers can cause panics (`todo!()` on every failed token exchange and where a server has no
//! PAR endpoint, `unwrap` on an endpoint without a host), errors of the token endpoint cannot be
//! told apart (an ended session looks like a broken connection), and its bounds and addresses
//! would have to be guarded from outside again. A panic in a task of its own could be caught, but
//! not kept from the user's terminal without replacing the process's panic hook.

use std::collections::HashMap;
use std::sync::Arc;

use sotto_wire::did::Did;
use sotto_wire::random::Random;
use sotto_wire::time::Clock;
use tokio::sync::Mutex;
use url::Url;

use crate::handle::Handle;
use crate::network::Network;
use crate::pds_api;

mod delegation;
mod dpop;
#[cfg(feature = "testing")]
pub mod entries;
mod error;
mod listener;
mod pending;
mod permission;
mod secret;
mod server;
mod session;
mod store;
mod tokens;

pub use delegation::PublishedDelegation;
pub use error::OAuthError;
pub use pending::{Canceller, PendingSignIn};
pub use permission::{IDENTITY_SCOPE, IdentityPermission, PendingPermission};
pub use session::Session;
pub use store::{SessionStore, StoreError};

use dpop::Dpop;
use listener::Listener;
use secret::random_text;
use server::AuthorizationServer;
use session::Live;

/// What is asked for: to be told who signs in, and to create, update and delete records of one
/// collection. Nothing else of the account can be read or written with it.
pub const SCOPE: &str = "atproto repo:chat.sotto.delegation";

/// The redirect URI of the client id; a server ignores the port of a loopback address.
const REDIRECT_WITHOUT_PORT: &str = "http://127.0.0.1/callback";

/// Sign-ins and sessions of this installation. Cheap to clone; there should be one.
#[derive(Clone)]
pub struct OAuth {
    context: Arc<Context>,
}

pub(crate) struct Context {
    network: Network,
    store: Arc<dyn SessionStore>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// What must be granted in full, whatever else is asked for.
    scope: &'static str,
    /// Sessions in use, so that all of an account share one state: refresh tokens work once.
    live: Mutex<HashMap<Did, Arc<Live>>>,
}

impl OAuth {
    /// Sessions are kept in `store`.
    pub fn new(
        network: Network,
        store: Arc<dyn SessionStore>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let live = Mutex::default();
        Self {
            context: Arc::new(Context {
                network,
                store,
                clock,
                random,
                scope: SCOPE,
                live,
            }),
        }
    }

    /// Begins to sign in to the account with this handle. The user then opens
    /// [`PendingSignIn::authorize_url`], and [`PendingSignIn::finish`] waits for the decision.
    ///
    /// # Errors
    /// [`OAuthError`]: the account or its server cannot be found, or the server refuses.
    pub async fn sign_in(&self, handle: &Handle) -> Result<PendingSignIn, OAuthError> {
        let context = &self.context;
        let did = context.network.resolve_handle(handle).await?;
        let document = context.network.did_document(&did).await?;
        if document.handle.as_ref() != Some(handle) {
            return Err(OAuthError::HandleMismatch);
        }
        let scope = scope(&context.network, &document.pds, &did).await;
        let account = pending::Account {
            did,
            hint: handle.to_string(),
            pds: document.pds,
        };
        Context::begin(context, account, &scope).await
    }

    /// The session of an account that signed in earlier. Asks no server.
    ///
    /// # Errors
    /// [`OAuthError::Expired`] where there is none, [`OAuthError::Store`].
    pub async fn restore(&self, did: &Did) -> Result<Session, OAuthError> {
        let mut live = self.context.live.lock().await;
        let found = match live.get(did) {
            Some(found) => Arc::clone(found),
            None => {
                let loaded = store::load(&*self.context.store, did).await?;
                let loaded = Arc::new(Live::new(loaded.ok_or(OAuthError::Expired)?)?);
                live.insert(did.clone(), Arc::clone(&loaded));
                loaded
            }
        };
        Ok(Session::new(Arc::clone(&self.context), found))
    }
}

/// What is asked for at this PDS: with its API of delegations (docs/protocol.md §1.9), where it has
/// one, may be used too.
async fn scope(network: &Network, pds: &Url, did: &Did) -> String {
    match pds_api::offered(network, pds, did).await {
        Ok(Some(audience)) => format!("{SCOPE} {}", audience.scope()),
        Ok(None) | Err(_) => SCOPE.to_owned(),
    }
}

impl Context {
    /// Finds the account's server and tells it what will be asked: `scope`, of which
    /// [`Context::scope`] is what cannot be done without.
    async fn begin(
        context: &Arc<Self>,
        account: pending::Account,
        scope: &str,
    ) -> Result<PendingSignIn, OAuthError> {
        let server = AuthorizationServer::discover(&context.network, &account.pds).await?;
        let random = &*context.random;
        let listener = Listener::bind(random_text(random)).await?;
        let dpop = Arc::new(Dpop::generate(random));
        PendingSignIn::push(Arc::clone(context), dpop, server, listener, account, scope).await
    }
}

/// The client id of a loopback client says everything a client metadata document would.
fn client_id(scope: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("redirect_uri", REDIRECT_WITHOUT_PORT)
        .append_pair("scope", scope)
        .finish();
    format!("http://localhost?{query}")
}

#[cfg(test)]
pub(crate) mod tests;
