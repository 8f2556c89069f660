//! Taking the delegation back (docs/protocol.md §1.13).

use super::publish::{self, Seqs, Whose};
use super::set_up::{SetUp, SetUpError};
use crate::db::{DbError, OwnAccount, own, own_move, pending};
use crate::messages::{EngineError, forget};
use sotto_wire::domain::Domain;
use std::time::Duration;

/// A relay that does not answer keeps nobody from leaving.
const PATIENCE: Duration = Duration::from_secs(5);

impl SetUp {
    /// Deletes the record: from then on nobody writes to this account. A record that names another
    /// key is left alone. A key in the DID document stays there where the PDS does not take it out too.
    pub(crate) async fn withdraw(&self, own: &OwnAccount) -> Result<(), SetUpError> {
        let Some(published) = self.session.get_delegation().await? else {
            return Ok(());
        };
        let named = published.record.map(|record| record.key);
        if named != Some(own.delegate_key.public()) {
            return Err(SetUpError::Elsewhere);
        }
        self.session.withdraw_delegation(&published.cid).await?;
        Ok(())
    }

    /// Leaves the relay, as far as it answers, and forgets the device. The delegate key stays: who
    /// sets the account up here again is the same to its peers, on a new device. Messaging must
    /// have ended.
    pub(crate) async fn leave(&self, own: &OwnAccount) -> Result<(), SetUpError> {
        let relays = self.relays(own);
        for domain in self.where_registered(own).await? {
            let left = tokio::time::timeout(PATIENCE, relays.unregister(&domain)).await;
            if !matches!(left, Ok(Ok(()))) {
                tracing::warn!("a relay was not told that the device is gone");
            }
        }
        let whose = Whose {
            did: own.did.clone(),
            handle: own.handle.clone(),
            domain: own.domain.clone(),
        };
        let seqs = Seqs {
            claim: own.claim_seq,
            roster: own.roster_seq + 1,
        };
        let (key, now) = (own.delegate_key.clone(), self.clock.now());
        let next = publish::on_new_device(whose, key, seqs, now, &*self.random);
        let write = self.database.write(move |tx| {
            forget::device(tx, &next.did)?;
            own::store(tx, &next)?;
            pending::clear(tx)?;
            Ok::<_, EngineError>(())
        });
        Ok(write.await?)
    }

    /// Also where the account is on its way to, or came from.
    async fn where_registered(&self, own: &OwnAccount) -> Result<Vec<Domain>, SetUpError> {
        let read = self.database.read::<_, DbError>(|tx| {
            let mut others: Vec<Domain> = own_move::load(tx)?
                .into_iter()
                .map(|it| it.domain)
                .collect();
            others.extend(own_move::former(tx)?.into_iter().map(|it| it.domain));
            Ok(others)
        });
        let mut domains = vec![own.domain.clone()];
        domains.extend(read.await?);
        Ok(domains)
    }
}
