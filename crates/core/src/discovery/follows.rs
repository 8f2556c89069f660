//! Whom the own account follows, for the policy *following* (docs/protocol.md §3.5).

use super::Discovery;
use sotto_identity::follows::FollowIndex;
use sotto_identity::verify::VerifyError;
use sotto_wire::did::Did;
use std::time::Duration;
use tokio::sync::Mutex;

/// A listing is asked for who is in it for so long, in milliseconds.
const FRESH: u64 = 10 * 60 * 1000;
/// For who is not in it, only so long: someone may have been followed just now.
const FRESH_FOR_ABSENCE: u64 = 5 * 1000;
/// Listing and proof together. A server that is slower proves nothing.
const PATIENCE: Duration = Duration::from_secs(25);

/// The last listing and when it was made, milliseconds since 1970. Held while the next one is
/// made, so that many strangers cause one.
#[derive(Default)]
pub(crate) struct Follows(Mutex<Option<(u64, FollowIndex)>>);

impl Discovery {
    /// Whether the own repository proves, now, that the own account follows this one. What cannot
    /// be proved is not so.
    pub(crate) async fn follows(&self, subject: &Did) -> bool {
        let proof = tokio::time::timeout(PATIENCE, self.proof_of_follow(subject));
        match proof.await {
            Ok(Ok(follows)) => follows,
            Ok(Err(error)) => {
                tracing::info!(code = error.code(), "whom one follows cannot be proved now");
                false
            }
            Err(_) => false,
        }
    }

    async fn proof_of_follow(&self, subject: &Did) -> Result<bool, VerifyError> {
        let mut listing = self.follows.0.lock().await;
        let age = |at: u64| self.clock.now_ms().saturating_sub(at);
        if let Some((at, index)) = &*listing {
            match index.rkey(subject) {
                Some(rkey) if age(*at) < FRESH && self.proves(rkey, subject).await? => {
                    return Ok(true);
                }
                None if age(*at) < FRESH_FOR_ABSENCE => return Ok(false),
                _ => {}
            }
        }
        let index = self.network.follow_index(&self.own.did).await?;
        let rkey = index.rkey(subject).map(str::to_owned);
        *listing = Some((self.clock.now_ms(), index));
        drop(listing);
        match rkey {
            Some(rkey) => self.proves(&rkey, subject).await,
            None => Ok(false),
        }
    }

    async fn proves(&self, rkey: &str, subject: &Did) -> Result<bool, VerifyError> {
        let own = &self.own.did;
        let pin = self.known(own).await.ok().flatten().map(|peer| peer.pin);
        let now = self.clock.now();
        self.network
            .proves_follow(own, rkey, subject, pin.as_ref(), now)
            .await
    }
}
