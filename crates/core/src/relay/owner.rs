//! What a device asks its own relay (docs/protocol.md §4.3, §4.4, §4.6, §4.5 "pool").

use super::{Call, RelayError, Relays, decoded, successful};
use crate::db::OwnAccount;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sotto_identity::http::Method;
use sotto_wire::cbor;
use sotto_wire::challenge::Realm;
use sotto_wire::domain::Domain;
use sotto_wire::grant::{Address, IssuedGrant};
use sotto_wire::relay_api::{
    Adjudication, GrantList, GrantsPatch, GrantsRequest, GrantsResponse, KeyPackagesPut,
    KeyPackagesState, ListedGrant, MAX_KEY_PACKAGES_BODY, Pool, RegistrationPatch,
    RegistrationRequest, RegistrationStatus, paths,
};

/// Thousands of grants.
const MAX_GRANT_LIST: usize = 1024 * 1024;
/// Thousands of strangers who wait.
const MAX_POOL: usize = 1024 * 1024;

impl Relays {
    /// Registers this device; also where it is registered already, to replace the roster.
    pub(crate) async fn register(&self, own: &OwnAccount) -> Result<(), RelayError> {
        self.registered_with(own, None).await
    }

    /// Registers this device at the relay of `own`, which the record is about to name: `claim` is the
    /// one that will be in it.
    pub(crate) async fn register_ahead(
        &self,
        own: &OwnAccount,
        claim: Vec<u8>,
    ) -> Result<(), RelayError> {
        self.registered_with(own, Some(claim)).await
    }

    async fn registered_with(
        &self,
        own: &OwnAccount,
        claim: Option<Vec<u8>>,
    ) -> Result<(), RelayError> {
        let body = RegistrationRequest {
            did: own.did.clone(),
            key: own.delegate_key.public(),
            cert: Some(own.certificate.clone()),
            roster: Some(own.roster.clone()),
            claim,
        };
        let call = Call::post(&own.domain, paths::REGISTRATIONS, cbor::encode(&body));
        let answer = self
            .send_signed(&call, Realm::Device, &self.thumbprint())
            .await?;
        successful(answer).map(drop)
    }

    /// Removes this device from the relay, with its queue, grants and key packages.
    pub(crate) async fn unregister(&self, domain: &Domain) -> Result<(), RelayError> {
        let call = Call {
            method: Method::Delete,
            ..Call::get(domain, paths::REGISTRATION)
        };
        let answer = self
            .send_signed(&call, Realm::Device, &self.thumbprint())
            .await?;
        successful(answer).map(drop)
    }

    /// What the relay knows of this device.
    pub(crate) async fn registration(
        &self,
        domain: &Domain,
    ) -> Result<RegistrationStatus, RelayError> {
        self.owned(Call::get(domain, paths::REGISTRATION)).await
    }

    /// Has the relay look at what the account declares, at once.
    pub(crate) async fn look_at_declaration(
        &self,
        domain: &Domain,
    ) -> Result<RegistrationStatus, RelayError> {
        let body = cbor::encode(&RegistrationPatch::default());
        let call = Call {
            method: Method::Patch,
            ..Call::post(domain, paths::REGISTRATION, body)
        };
        self.owned(call).await
    }

    /// The key packages that lie there for others.
    pub(crate) async fn key_packages(
        &self,
        domain: &Domain,
    ) -> Result<KeyPackagesState, RelayError> {
        let call = Call::get(domain, paths::KEY_PACKAGES);
        self.owned(call.answering(MAX_KEY_PACKAGES_BODY)).await
    }

    /// Adds key packages.
    pub(crate) async fn put_key_packages(
        &self,
        domain: &Domain,
        packages: &KeyPackagesPut,
    ) -> Result<KeyPackagesState, RelayError> {
        let body = cbor::encode(packages);
        let call = Call {
            method: Method::Put,
            ..Call::post(domain, paths::KEY_PACKAGES, body)
        };
        self.owned(call.answering(MAX_KEY_PACKAGES_BODY)).await
    }

    /// `n` new grants for this device, each at the address it must have.
    pub(crate) async fn grants(
        &self,
        domain: &Domain,
        n: u64,
    ) -> Result<Vec<IssuedGrant>, RelayError> {
        let body = cbor::encode(&GrantsRequest { n });
        let answer: GrantsResponse = self.owned(Call::post(domain, paths::GRANTS, body)).await?;
        if answer.grants.iter().any(|grant| !grant.is_at(domain)) {
            return Err(RelayError::NotARelay("a grant has another address"));
        }
        Ok(answer.grants)
    }

    /// The grants of this device that lie at the relay.
    pub(crate) async fn granted(&self, domain: &Domain) -> Result<Vec<ListedGrant>, RelayError> {
        let call = Call::get(domain, paths::GRANTS).answering(MAX_GRANT_LIST);
        let answer: GrantList = self.owned(call).await?;
        Ok(answer.grants)
    }

    /// Has the relay issue no grants to this device any more, or again; those that there are go on. A
    /// relay that has no word for it is none the worse.
    pub(crate) async fn drain_grants(
        &self,
        domain: &Domain,
        draining: bool,
    ) -> Result<(), RelayError> {
        let call = Call {
            method: Method::Patch,
            ..Call::post(
                domain,
                paths::GRANTS,
                cbor::encode(&GrantsPatch { draining }),
            )
        };
        let answer = self
            .send_signed(&call, Realm::Device, &self.thumbprint())
            .await?;
        match answer.status {
            404 | 405 => Ok(()),
            _ => successful(answer).map(drop),
        }
    }

    /// What is put at this grant from now on is dropped. One that is not there is no error.
    pub(crate) async fn invalidate(
        &self,
        domain: &Domain,
        address: &Address,
    ) -> Result<(), RelayError> {
        self.remove(domain, &paths::grant(address)).await
    }

    /// Has something of the own device deleted; it may be gone already.
    pub(super) async fn remove(&self, domain: &Domain, path: &str) -> Result<(), RelayError> {
        let call = Call {
            method: Method::Delete,
            ..Call::get(domain, path)
        };
        let answer = self
            .send_signed(&call, Realm::Device, &self.thumbprint())
            .await?;
        if answer.status == 404 {
            return Ok(());
        }
        successful(answer).map(drop)
    }

    /// Who waits to be let in.
    pub(crate) async fn pool(&self, domain: &Domain) -> Result<Pool, RelayError> {
        self.owned(Call::get(domain, paths::POOL).answering(MAX_POOL))
            .await
    }

    /// Lets senders in, or not.
    pub(crate) async fn adjudicate(
        &self,
        domain: &Domain,
        decision: &Adjudication,
    ) -> Result<(), RelayError> {
        let call = Call::post(domain, paths::ADJUDICATION, cbor::encode(decision));
        let answer = self
            .send_signed(&call, Realm::Device, &self.thumbprint())
            .await?;
        successful(answer).map(drop)
    }

    async fn owned<T: Serialize + DeserializeOwned>(
        &self,
        call: Call<'_>,
    ) -> Result<T, RelayError> {
        decoded(
            self.send_signed(&call, Realm::Device, &self.thumbprint())
                .await?,
        )
    }
}
