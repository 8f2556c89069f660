//! What an account declares, for one who watches it.

use sotto_wire::delegation::{COLLECTION, RKEY};
use sotto_wire::did::Did;
use sotto_wire::time::Timestamp;

use super::{VerifiedAccount, VerifyError};
use crate::network::Network;
use crate::repo::Tid;

/// What the repository of an account says of its delegation.
#[derive(Clone, Debug)]
pub struct Declared {
    /// The revision of the repository: an older one than was seen before says nothing.
    pub rev: Tid,
    /// The account by steps 1 to 4; nothing where it is proved to have no record.
    pub account: Option<VerifiedAccount>,
}

impl Network {
    /// Looks at what `did` declares. Whether a key leads to another is for the caller to judge, by
    /// [`super::Pin::predecessors`].
    ///
    /// # Errors
    /// [`VerifyError`], where neither a record nor its absence verifies.
    pub async fn declared(&self, did: &Did, now: Timestamp) -> Result<Declared, VerifyError> {
        let established = self.established(did, None, now).await?;
        let proved = self
            .proved_record(&established.document, (COLLECTION, RKEY), None, now)
            .await?;
        let rev = proved.rev.clone();
        let account = match proved.record {
            None => None,
            Some(_) => Some(self.verify_proved(established, proved, None)?),
        };
        Ok(Declared { rev, account })
    }
}
