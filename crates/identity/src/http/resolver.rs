//! Names that lead to public addresses only: a name of the other side's choice could otherwise lead
//! anywhere, and somewhere else each time it is asked.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

use super::address::is_public;

/// Finds the addresses of a name.
#[async_trait]
pub(super) trait Lookup: Send + Sync {
    /// All of them; the ports mean nothing.
    async fn lookup(&self, name: &str) -> io::Result<Vec<SocketAddr>>;
}

/// The system's resolver.
pub(super) struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.collect())
    }
}

/// A name has addresses, but none that may be asked.
#[derive(Debug, Error)]
#[error("the name leads to no public address")]
struct LeadsInside;

/// Whether a request failed because of [`LeadsInside`].
pub(super) fn leads_inside(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<LeadsInside>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Resolves names and leaves out what [`is_public`] refuses. The connection is made to what this
/// gives, so nothing is asked a second time in between. `localhost` stays as it is: as a target
/// [`super::is_allowed`] has refused it already, so it can only be the user's own proxy.
pub(super) struct PublicAddresses(pub(super) Arc<dyn Lookup>);

impl Resolve for PublicAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = Arc::clone(&self.0);
        Box::pin(async move {
            let found = lookup.lookup(name.as_str()).await?;
            let local = name.as_str() == "localhost";
            let public: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| local || is_public(address.ip()))
                .collect();
            if public.is_empty() {
                return Err(LeadsInside.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}
