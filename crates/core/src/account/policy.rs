//! Publishing from whom first contacts are let in (docs/protocol.md §1.1, §3.5). The policy is
//! stored first and counts on this device from then on; what a crash interrupts is marked as not
//! published, and gone through again.

use super::delegation::{self, Standing, Way};
use super::publish;
use super::set_up::{SetUp, SetUpError};
use crate::db::{DbError, incoming, peers, pending};

impl SetUp {
    /// Publishes the policy as it is stored, unless that was done before.
    pub(crate) async fn publish_policy(&self) -> Result<(), SetUpError> {
        let stored = self.database.read(|tx| incoming::policy(tx)).await?;
        if stored.published {
            return Ok(());
        }
        self.unless_moving().await?;
        let own = self.newer_claim().await?;
        let replaces = match delegation::standing(&self.session, Some(&own)).await? {
            Standing::Absent => None,
            Standing::Ours { cid } => Some(cid),
            Standing::Elsewhere => return Err(SetUpError::Elsewhere),
        };
        let chain = self.database.read(|tx| pending::succession(tx)).await?;
        let record = publish::record(&own, chain, stored.incoming, self.clock.now());
        // The key stays, so the document agrees as well as before.
        self.publish(Way::Either, &record, replaces.as_deref(), false)
            .await?;
        let seen = self.read_back(&own).await?;
        if seen.incoming() != stored.incoming {
            return Err(SetUpError::NotWritten);
        }
        let (pin, now) = (seen.pin(), self.clock.now_ms());
        self.database
            .write::<_, DbError>(move |tx| {
                peers::pin(tx, &pin, now)?;
                incoming::published(tx, pin.incoming).map(drop)
            })
            .await?;
        Ok(())
    }
}
