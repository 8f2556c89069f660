//! Taking an account over on a device that does not hold its key: with the recovery words, or, when
//! everything is lost, with a key that nobody vouches for (docs/protocol.md §1.11, §1.12).

use super::publish::{self, Seqs, Whose};
use super::set_up::{SetUp, SetUpError};
pub(crate) use crate::db::own_takeover::Takeover;
use crate::db::{OwnAccount, own, own_takeover, pending};
use crate::messages::forget;
use sotto_wire::claim::{Claim, Incoming};
use sotto_wire::delegation::DelegationRecord;
use sotto_wire::domain::Domain;
use sotto_wire::key::{PublicKey, SigningKey};
use sotto_wire::roster::Roster;
use sotto_wire::succession;

impl SetUp {
    /// Makes this the account's only device, at the relay `fallback` where the record names none
    /// that can be read. What lay here of an earlier device goes, its history stays. With
    /// [`SetUpError::AnchorMustFollow`] the takeover is stored, and waits for the DID document to
    /// name its key.
    pub(crate) async fn take_over(
        &self,
        how: Takeover,
        fallback: Option<Domain>,
    ) -> Result<OwnAccount, SetUpError> {
        let published = self.session.get_delegation().await?;
        let published = published.ok_or(SetUpError::Gone)?;
        let record = published.record;
        let (known, chain) = match (&how, &record) {
            (Takeover::Recover(key), Some(record)) => {
                belongs(&key.public(), record, self)?;
                (true, record.succession.clone())
            }
            (Takeover::Recover(_), None) => return Err(SetUpError::Unreadable),
            (Takeover::Replace(_), _) => (false, Vec::new()),
        };
        let named = record.as_ref().map(|record| record.domain.clone());
        let domain = named.or(fallback).ok_or(SetUpError::Unreadable)?;
        let key = how.key().clone();
        let way = self.way(&key.public(), &chain, !known).await;
        let way = self.or_waits(way, &how).await?;
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
        let written = self.publish(way, &record, Some(&published.cid), !known);
        let written = written.await;
        self.or_waits(written, &how).await?;
        let own = self.complete(own).await?;
        self.database.write(|tx| own_takeover::clear(tx)).await?;
        Ok(own)
    }

    /// Keeps the takeover where it has to wait for the DID document.
    async fn or_waits<T>(
        &self,
        outcome: Result<T, SetUpError>,
        how: &Takeover,
    ) -> Result<T, SetUpError> {
        if matches!(outcome, Err(SetUpError::AnchorMustFollow)) {
            let how = how.clone();
            let write = self.database.write(move |tx| own_takeover::store(tx, &how));
            write.await?;
        }
        outcome
    }

    /// Forgets the takeover that waits, unless its key is in the DID document already.
    pub(crate) async fn cancel_takeover(&self) -> Result<(), SetUpError> {
        let Some(how) = self.database.read(|tx| own_takeover::load(tx)).await? else {
            return Ok(());
        };
        if matches!(how, Takeover::Replace(_)) && self.is_anchored(&how.key().public()).await? {
            return Err(SetUpError::Published);
        }
        Ok(self.database.write(|tx| own_takeover::clear(tx)).await?)
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
