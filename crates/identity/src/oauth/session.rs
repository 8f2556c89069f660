//! A signed-in account: requests in its name, refreshed tokens, signing out.

use std::collections::HashMap;
use std::sync::Arc;

use sotto_wire::did::Did;
use tokio::sync::Mutex;
use url::Url;

use super::dpop::Dpop;
use super::store::{self, Secret, Stored};
use super::{Context, OAuthError, tokens};
use crate::http::{Request, Response};
use crate::network::Network;

/// An access token with less time left than this is refreshed first, in seconds.
const MARGIN: u64 = 30;

/// The session of an account. Cheap to clone; all sessions of an account share one state.
#[derive(Clone)]
pub struct Session {
    pub(super) context: Arc<Context>,
    pub(super) live: Arc<Live>,
}

/// The shared state of an account's session.
pub(crate) struct Live {
    pub(super) did: Did,
    pub(super) pds: Url,
    dpop: Dpop,
    /// Held during a refresh: refresh tokens work once.
    stored: Mutex<Stored>,
}

impl Live {
    pub(super) fn new(stored: Stored) -> Result<Self, OAuthError> {
        let dpop = Dpop::from_text(stored.dpop_key.expose()).ok_or(OAuthError::Expired)?;
        let (did, pds) = (stored.did.clone(), stored.pds.clone());
        Ok(Self {
            did,
            pds,
            dpop,
            stored: Mutex::new(stored),
        })
    }
}

impl Session {
    pub(super) fn new(context: Arc<Context>, live: Arc<Live>) -> Self {
        Self { context, live }
    }

    /// Whose session this is.
    #[must_use]
    pub fn did(&self) -> &Did {
        &self.live.did
    }

    /// The account's PDS.
    pub(crate) fn pds(&self) -> &Url {
        &self.live.pds
    }

    /// The network that it is used over.
    pub(crate) fn network(&self) -> &Network {
        &self.context.network
    }

    /// Ends the session: forgets it here, then tells the server. A server that cannot be told
    /// forgets by itself in two weeks at most.
    ///
    /// # Errors
    /// [`OAuthError::Store`] where it cannot be forgotten here.
    pub async fn sign_out(self) -> Result<(), OAuthError> {
        let stored = self.live.stored.lock().await;
        self.forget().await?;
        if !tokens::revoke(&self.context, &self.live.dpop, &stored).await {
            tracing::warn!("the session was forgotten, but the server could not be told");
        }
        Ok(())
    }

    async fn forget(&self) -> Result<(), OAuthError> {
        let mut live = self.context.live.lock().await;
        if self.is_current(&live) {
            live.remove(self.did());
            store::delete(&*self.context.store, self.did()).await?;
        }
        Ok(())
    }

    async fn keep(&self, stored: &Stored) -> Result<(), OAuthError> {
        let live = self.context.live.lock().await;
        if self.is_current(&live) {
            store::save(&*self.context.store, stored).await?;
        }
        Ok(())
    }

    /// Whether no sign-in has begun another session of this account since.
    fn is_current(&self, live: &HashMap<Did, Arc<Live>>) -> bool {
        live.get(self.did())
            .is_some_and(|current| Arc::ptr_eq(current, &self.live))
    }

    /// Sends a request in the account's name. Where the token turns out to be no longer good, it is
    /// refreshed and the request sent once more.
    pub(crate) async fn send(&self, request: Request) -> Result<Response, OAuthError> {
        let token = self.token(None).await?;
        let answer = self.send_with(&request, &token).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        let token = self.token(Some(token)).await?;
        let answer = self.send_with(&request, &token).await?;
        if answer.status == 401 {
            Err(OAuthError::Expired)
        } else {
            Ok(answer)
        }
    }

    async fn send_with(&self, request: &Request, token: &Secret) -> Result<Response, OAuthError> {
        self.live
            .dpop
            .send(&self.context, request.clone(), Some(token.expose()))
            .await
    }

    /// An access token that is good for a while and not `refused`. In a task of its own: a caller
    /// that goes away between the server's answer and its being kept would end the session.
    async fn token(&self, refused: Option<Secret>) -> Result<Secret, OAuthError> {
        let session = self.clone();
        let task = tokio::spawn(async move { session.fresh_token(refused).await });
        // The task cannot panic; it is cancelled only when the runtime ends.
        task.await.map_err(|_| OAuthError::Cancelled)?
    }

    async fn fresh_token(&self, refused: Option<Secret>) -> Result<Secret, OAuthError> {
        let mut stored = self.live.stored.lock().await;
        let good_for = stored.expires_at.saturating_sub(self.context.clock.now().0);
        if good_for > MARGIN && refused.as_ref() != Some(&stored.access_token) {
            return Ok(stored.access_token.clone());
        }
        match self.refresh(&stored).await {
            Ok(refreshed) => *stored = refreshed,
            Err(OAuthError::Expired) => {
                self.forget().await?;
                return Err(OAuthError::Expired);
            }
            Err(error) => return Err(error),
        }
        Ok(stored.access_token.clone())
    }

    async fn refresh(&self, stored: &Stored) -> Result<Stored, OAuthError> {
        // Tokens of a server that the account has left are not for this account any more.
        let document = self.context.network.did_document(self.did()).await?;
        if document.pds != stored.pds {
            return Err(OAuthError::Expired);
        }
        let tokens = tokens::refresh(&self.context, &self.live.dpop, stored).await?;
        if tokens.sub != stored.did.as_str() {
            return Err(OAuthError::Expired);
        }
        let refreshed = Stored {
            expires_at: tokens.expires_at(&self.context),
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            ..stored.clone()
        };
        self.keep(&refreshed).await?;
        Ok(refreshed)
    }
}
