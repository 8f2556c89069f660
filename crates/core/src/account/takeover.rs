//! Taking an account over on a device that does not hold its key: with the recovery words, or, when
//! everything is lost, with a key that nobody vouches for (docs/protocol.md §1.11, §1.12).

use super::publish::{self, Seqs, Whose};
use super::set_up::{SetUp, SetUpError};
use crate::db::{OwnAccount, own, pending};
use crate::messages::forget;
use sotto_wire::claim::{Claim, Incoming};
use sotto_wire::delegation::DelegationRecord;
use sotto_wire::domain::Domain;
use sotto_wire::key::{PublicKey, SigningKey};
use sotto_wire::roster::Roster;
use sotto_wire::succession;

/// How an account is taken over.
pub(crate) enum Takeover {
    /// By the key that the record names.
    Recover(SigningKey),
    /// By a new key, at this relay where the record names none.
    Replace(Option<Domain>),
}

impl SetUp {
    /// Makes this the account's only device. What lay here of an earlier device goes, its history
    /// stays.
    pub(crate) async fn take_over(&self, how: Takeover) -> Result<OwnAccount, SetUpError> {
        let published = self.session.get_delegation().await?;
        let published = published.ok_or(SetUpError::Gone)?;
        let record = published.record;
        let (key, domain, chain, known) = match how {
            Takeover::Recover(key) => {
                let record = record.as_ref().ok_or(SetUpError::Unreadable)?;
                belongs(&key.public(), record, self)?;
                (key, record.domain.clone(), record.succession.clone(), true)
            }
            Takeover::Replace(fallback) => {
                let named = record.as_ref().map(|record| record.domain.clone());
                let domain = named.or(fallback).ok_or(SetUpError::Unreadable)?;
                (
                    SigningKey::generate(&*self.random),
                    domain,
                    Vec::new(),
                    false,
                )
            }
        };
        self.anchor_allows(Some(&key.public())).await?;
        let seqs = self.next_seqs(record.as_ref(), &domain).await;
        let whose = Whose {
            did: self.session.did().clone(),
            handle: self.handle.clone(),
            domain,
        };
        let own = publish::on_new_device(whose, key, seqs, self.clock.now(), &*self.random);
        self.relays(&own).check_relay(&own.domain).await?;
        self.become_device(&own, chain.clone(), !known).await?;
        let incoming = record.map_or(Incoming::Everyone, |record| record.incoming);
        let record = publish::record(&own, chain, incoming, self.clock.now());
        self.session
            .put_delegation(&record, Some(&published.cid))
            .await?;
        self.complete(own).await
    }

    /// Stored before anything is published.
    async fn become_device(
        &self,
        own: &OwnAccount,
        chain: Vec<Vec<u8>>,
        words_due: bool,
    ) -> Result<(), SetUpError> {
        let own = own.clone();
        let write = self.database.write(move |tx| {
            forget::device(tx, &own.did)?;
            own::store(tx, &own)?;
            pending::clear(tx)?;
            pending::set_succession(tx, &chain)?;
            pending::set_words_due(tx, words_due)?;
            Ok::<_, crate::messages::EngineError>(())
        });
        Ok(write.await?)
    }

    /// Numbers that follow on those that peers may have seen. Where these cannot be found out, the
    /// time in seconds: nobody has counted that far.
    async fn next_seqs(&self, record: Option<&DelegationRecord>, domain: &Domain) -> Seqs {
        let now = self.clock.now().0;
        let claim = record.and_then(|it| Claim::verify(&it.claim, &it.key).ok());
        let roster = match record {
            Some(record) => self.published_roster(&record.key, domain).await,
            None => None,
        };
        Seqs {
            claim: claim.map_or(now, |claim| claim.seq.saturating_add(1)),
            roster: roster.map_or(now, |seq| seq.saturating_add(1)),
        }
    }

    async fn published_roster(&self, key: &PublicKey, domain: &Domain) -> Option<u64> {
        let did = self.session.did();
        let relays = self.relays_as(SigningKey::generate(&*self.random));
        let object = relays.roster(domain, did).await.ok()?;
        Roster::verify(&object, key, did).ok().map(|it| it.seq)
    }
}

/// The words are those of the key in use, not of another or an earlier one.
fn belongs(key: &PublicKey, record: &DelegationRecord, set_up: &SetUp) -> Result<(), SetUpError> {
    let did = set_up.session.did();
    if *key == record.key {
        Ok(())
    } else if succession::leads_from(key, &record.succession, &record.key, did) {
        Err(SetUpError::OlderKey)
    } else {
        Err(SetUpError::OtherKey)
    }
}
