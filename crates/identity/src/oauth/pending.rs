//! A sign-in that waits for the user.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use sotto_wire::did::Did;
use tokio::sync::Notify;
use url::Url;

use super::dpop::Dpop;
use super::listener::{Answer, Listener};
use super::secret::{b64u, random_text};
use super::server::AuthorizationServer;
use super::session::{Live, Session};
use super::store::{self, Secret, Stored};
use super::{Context, OAuthError, client_id, tokens};
use crate::http::Response;

const TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// A sign-in that waits for the user's decision in the browser. Dropping it, or the future of
/// [`PendingSignIn::finish`], cancels it.
pub struct PendingSignIn {
    context: Arc<Context>,
    dpop: Arc<Dpop>,
    server: AuthorizationServer,
    listener: Listener,
    account: Account,
    client_id: String,
    verifier: Secret,
    authorize_url: String,
    cancelled: Arc<Notify>,
    pub(super) timeout: Duration,
}

/// Whose consent is waited for.
pub(super) struct Account {
    pub(super) did: Did,
    /// The name that the server's page begins with.
    pub(super) hint: String,
    pub(super) pds: Url,
}

/// Cancels a [`PendingSignIn`] from elsewhere.
#[derive(Clone)]
pub struct Canceller(Arc<Notify>);

impl Canceller {
    /// Makes [`PendingSignIn::finish`] return [`OAuthError::Cancelled`], now or when it is called.
    pub fn cancel(&self) {
        self.0.notify_one();
    }
}

#[derive(Deserialize)]
pub(super) struct Pushed {
    request_uri: String,
}

impl PendingSignIn {
    /// Tells the server what will be asked, so that the URL for the browser says nothing.
    pub(super) async fn push(
        context: Arc<Context>,
        dpop: Arc<Dpop>,
        server: AuthorizationServer,
        listener: Listener,
        account: Account,
        scope: &str,
    ) -> Result<Self, OAuthError> {
        let verifier = Secret::new(&random_text(&*context.random));
        let client_id = client_id(scope);
        let form = [
            ("client_id", &*client_id),
            ("response_type", "code"),
            ("redirect_uri", listener.redirect_uri()),
            ("scope", scope),
            ("state", listener.state()),
            ("code_challenge", &b64u(Sha256::digest(verifier.expose()))),
            ("code_challenge_method", "S256"),
            ("login_hint", &*account.hint),
        ];
        let answer = tokens::post(&context, &dpop, &server.pushed_authorization, &form).await?;
        let pushed = read_pushed(&answer)?;
        let mut url = server.authorization.clone();
        url.query_pairs_mut()
            .append_pair("client_id", &client_id)
            .append_pair("request_uri", &pushed.request_uri);
        Ok(Self {
            context,
            dpop,
            server,
            listener,
            account,
            client_id,
            verifier,
            authorize_url: url.into(),
            cancelled: Arc::default(),
            timeout: TIMEOUT,
        })
    }

    /// The page to open in the user's browser.
    #[must_use]
    pub fn authorize_url(&self) -> &str {
        &self.authorize_url
    }

    /// For a button beside "waiting for your browser".
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller(Arc::clone(&self.cancelled))
    }

    /// Waits for the decision, ten minutes at most, and turns consent into a session, which is
    /// kept in the store.
    ///
    /// # Errors
    /// [`OAuthError`]: `Denied`, `Cancelled`, `TimedOut`, `ExchangeFailed`, `ScopeMissing`,
    /// `Unreachable`, `Store`.
    pub async fn finish(self) -> Result<Session, OAuthError> {
        let cancelled = Arc::clone(&self.cancelled);
        tokio::select! {
            () = cancelled.notified() => Err(OAuthError::Cancelled),
            outcome = self.wait() => outcome,
        }
    }

    async fn wait(self) -> Result<Session, OAuthError> {
        let answer = tokio::time::timeout(self.timeout, self.listener.answer())
            .await
            .map_err(|_| OAuthError::TimedOut)?;
        let (code, issuer) = match answer {
            Answer::Code { code, issuer } => (code, issuer),
            Answer::Refused { denied: true } => return Err(OAuthError::Denied),
            Answer::Refused { denied: false } => return Err(OAuthError::ExchangeFailed),
        };
        // An answer in the name of another server than the one that was asked (RFC 9207).
        if issuer.as_deref() != Some(self.server.issuer.as_str()) {
            return Err(OAuthError::ExchangeFailed);
        }
        self.exchange(&code).await
    }

    async fn exchange(self, code: &str) -> Result<Session, OAuthError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.listener.redirect_uri()),
            ("code_verifier", self.verifier.expose()),
            ("client_id", &*self.client_id),
        ];
        let tokens = tokens::exchange(&self.context, &self.dpop, &self.server.token, &form).await?;
        // The server is the one that this account's own document leads to, so its word about this
        // account counts; about any other it does not.
        if tokens.sub != self.account.did.as_str() {
            return Err(OAuthError::ExchangeFailed);
        }
        let stored = Stored {
            did: self.account.did.clone(),
            pds: self.account.pds,
            server: self.server,
            client_id: self.client_id,
            dpop_key: Secret::new(&self.dpop.to_text()),
            expires_at: tokens.expires_at(&self.context),
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
        };
        store::save(&*self.context.store, &stored).await?;
        let live = Arc::new(Live::new(stored)?);
        self.context
            .live
            .lock()
            .await
            .insert(self.account.did, Arc::clone(&live));
        Ok(Session::new(self.context, live))
    }
}

pub(super) fn read_pushed(answer: &Response) -> Result<Pushed, OAuthError> {
    match answer.status {
        200 | 201 => serde_json::from_slice(&answer.body).map_err(|_| OAuthError::Rejected),
        429 | 500.. => Err(OAuthError::Unreachable),
        _ => Err(OAuthError::Rejected),
    }
}
