//! What is asked of a peer's relay (docs/protocol.md §4.1, §4.4, §4.5, §4.6).

use super::{Call, Purpose, RelayError, Relays, decoded, successful};
use crate::db::OwnAccount;
use sotto_wire::cbor;
use sotto_wire::challenge::Realm;
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::enabler::{self, EnablerDocument};
use sotto_wire::grant::{Address, GrantKey, GrantPut};
use sotto_wire::relay_api::{ClaimRequest, ClaimResponse, MAX_KEY_PACKAGES_BODY, paths};

/// The version of every capability that this client speaks.
const VERSION: &str = "1";

impl Relays {
    /// Reads what a domain says about itself and checks that it is a relay this client can use.
    pub(crate) async fn check_relay(&self, domain: &Domain) -> Result<EnablerDocument, RelayError> {
        let call = Call::get(domain, enabler::PATH).answering(enabler::MAX_DOCUMENT);
        let answer = self.send(&call).await?;
        // Whatever else a web server answers at this path, there is no relay behind it.
        if (400..500).contains(&answer.status) {
            return Err(RelayError::NotARelay("no enabler document"));
        }
        let answer = successful(answer)?;
        let document = EnablerDocument::from_json(&answer.body)
            .ok_or(RelayError::NotARelay("no enabler document"))?;
        match missing_capability(&document) {
            None => Ok(document),
            Some(name) => Err(RelayError::NotARelay(name)),
        }
    }

    /// Claims one key package of every device of `did`; the same ones again for the same `id`.
    pub(crate) async fn claim(
        &self,
        own: &OwnAccount,
        domain: &Domain,
        did: &Did,
        id: [u8; 16],
    ) -> Result<ClaimResponse, RelayError> {
        let body = ClaimRequest {
            id,
            did: own.did.clone(),
            cert: own.certificate.clone(),
        };
        let path = paths::key_package_claims(did);
        let call = Call::post(domain, &path, cbor::encode(&body)).answering(MAX_KEY_PACKAGES_BODY);
        decoded(self.send_signed(&call, Realm::Claim, did.as_str()).await?)
    }

    /// The roster of an account as its relay has it, not verified. Asks without saying who asks, and
    /// takes no key package away.
    pub(crate) async fn roster(&self, domain: &Domain, did: &Did) -> Result<Vec<u8>, RelayError> {
        let path = paths::key_packages_of(did);
        let call = Call::get(domain, &path).answering(MAX_KEY_PACKAGES_BODY);
        let answer: ClaimResponse = decoded(self.send(&call).await?)?;
        Ok(answer.roster)
    }

    /// Puts a sealed frame at a grant. The answer is the same for an address that leads nowhere.
    pub(crate) async fn put_at_grant(
        &self,
        host: &Domain,
        address: &Address,
        key: &GrantKey,
        sealed: Vec<u8>,
    ) -> Result<(), RelayError> {
        let subject = address.as_str().to_owned();
        let purpose = Purpose {
            domain: host.clone(),
            realm: Realm::GrantPut,
            subject,
        };
        let challenge = self.challenge(&purpose).await?;
        let body = GrantPut::new(key, address, &challenge, sealed).encode();
        let path = paths::grant_mailbox(address);
        let answer = self.send(&Call::post(host, &path, body)).await?;
        self.keep_next(&purpose, &answer);
        successful(answer).map(drop)
    }

    /// Puts a first-contact envelope into the mailbox of an account.
    pub(crate) async fn put_at_account(
        &self,
        domain: &Domain,
        did: &Did,
        envelope: Vec<u8>,
    ) -> Result<(), RelayError> {
        let path = paths::did_mailbox(did);
        let answer = self.send(&Call::post(domain, &path, envelope)).await?;
        successful(answer).map(drop)
    }
}

fn missing_capability(document: &EnablerDocument) -> Option<&'static str> {
    let speaks = |versions: &[String]| versions.iter().any(|version| version == VERSION);
    let capabilities = &document.capabilities;
    let mailbox = capabilities
        .did_mailbox
        .as_ref()
        .is_some_and(|it| speaks(&it.versions));
    let grant = capabilities
        .grant
        .as_ref()
        .is_some_and(|it| speaks(&it.versions));
    let packages = capabilities
        .key_packages
        .as_ref()
        .is_some_and(|it| speaks(&it.versions));
    match () {
        () if !speaks(&capabilities.core.versions) => Some("it has no capability core"),
        () if !mailbox => Some("it has no capability didMailbox"),
        () if !grant => Some("it has no capability grant"),
        () if !packages => Some("it has no capability key-packages"),
        () => None,
    }
}
