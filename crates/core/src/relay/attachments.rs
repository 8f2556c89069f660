//! Objects of attachments (docs/protocol.md §4.8): put at the own relay, got from anyone's.

use super::{Call, RelayError, Relays, successful};
use sotto_identity::http::Method;
use sotto_wire::attachment::ObjectName;
use sotto_wire::challenge::Realm;
use sotto_wire::domain::Domain;
use sotto_wire::relay_api::paths;
use std::time::Duration;

/// A megabyte over a slow line.
const PATIENCE: Duration = Duration::from_secs(120);
/// An answer that says no.
const MAX_REFUSAL: usize = 4096;

/// What a relay gave of an object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// All of it.
    Whole(Vec<u8>),
    /// What was asked for.
    Part(Vec<u8>),
    /// It has no such object.
    Nothing,
}

impl Relays {
    /// Puts an object at the own relay.
    pub(crate) async fn put_object(
        &self,
        domain: &Domain,
        name: &ObjectName,
        bytes: Vec<u8>,
    ) -> Result<(), RelayError> {
        let path = paths::attachment(name);
        let call = Call {
            method: Method::Put,
            patience: PATIENCE,
            ..Call::post(domain, &path, bytes)
        };
        let answer = self
            .send_signed(&call, Realm::Device, &self.thumbprint())
            .await?;
        // Not "later": somebody has to make room.
        if answer.status == 507 {
            return Err(RelayError::Refused {
                status: 507,
                code: super::error_code(&answer),
            });
        }
        successful(answer).map(drop)
    }

    /// Removes an own object; it may be gone already.
    pub(crate) async fn delete_object(
        &self,
        domain: &Domain,
        name: &ObjectName,
    ) -> Result<(), RelayError> {
        self.remove(domain, &paths::attachment(name)).await
    }

    /// Gets an object of at most `max` bytes, or the bytes from `part.0` to `part.1` of it, both
    /// included. Says nothing about who asks, and follows no redirect.
    pub(crate) async fn get_object(
        &self,
        domain: &Domain,
        name: &ObjectName,
        part: Option<(usize, usize)>,
        max: usize,
    ) -> Result<Given, RelayError> {
        let path = paths::attachment(name);
        let call = Call {
            patience: PATIENCE,
            ..Call::get(domain, &path).answering(max.max(MAX_REFUSAL))
        };
        let mut request = self.request(&call)?;
        request.redirects = false;
        if let Some((first, last)) = part {
            request = request.header("range", format!("bytes={first}-{last}"));
        }
        let answer = self.0.http.send(request).await?;
        match answer.status {
            404 | 410 => Ok(Given::Nothing),
            206 if part.is_some() => Ok(Given::Part(answer.body)),
            200 => Ok(Given::Whole(answer.body)),
            300..=399 => Err(RelayError::NotARelay("it redirects")),
            _ => successful(answer).and(Err(RelayError::NotARelay("its answer is not a file"))),
        }
    }
}
