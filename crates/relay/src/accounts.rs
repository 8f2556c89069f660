//! Verifying accounts of the AT network (§1.4 steps 1 to 4), behind a trait so that tests can bring
//! their own network.

use async_trait::async_trait;
use sotto_identity::Network;
use sotto_identity::verify::VerifiedAccount;
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::key::PublicKey;
use sotto_wire::time::Timestamp;

/// A verified account, as far as a relay needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// The delegate key.
    pub(crate) key: PublicKey,
    /// The discovery domain.
    pub(crate) domain: Domain,
    /// Keys from which the record's succession verifiably leads to `key`.
    pub(crate) predecessors: Vec<PublicKey>,
    /// Revision of the repository, which grows as text.
    pub(crate) rev: String,
}

/// What the repository of an account says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declaration {
    /// Its revision, which grows as text.
    pub(crate) rev: String,
    /// The account; nothing where it is proved to have no record.
    pub(crate) account: Option<Account>,
}

/// Why an account is not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unverified {
    /// The network did not answer; it may, later.
    Unreachable,
    /// What it answered does not verify, or there is no record.
    Refused,
}

/// The AT network as the relay sees it.
#[async_trait]
pub(crate) trait Accounts: Send + Sync {
    /// Verifies the account of `did` as it is published now.
    async fn verify(&self, did: &Did, now: Timestamp) -> Result<Account, Unverified>;

    /// Looks at what `did` declares now.
    async fn declared(&self, did: &Did, now: Timestamp) -> Result<Declaration, Unverified>;
}

/// The real network.
pub(crate) struct NetworkAccounts {
    network: Network,
}

impl NetworkAccounts {
    /// Accounts as `network` has them.
    pub(crate) fn new(network: Network) -> Self {
        Self { network }
    }
}

#[async_trait]
impl Accounts for NetworkAccounts {
    async fn verify(&self, did: &Did, now: Timestamp) -> Result<Account, Unverified> {
        let declared = self.declared(did, now).await?;
        declared.account.ok_or(Unverified::Refused)
    }

    async fn declared(&self, did: &Did, now: Timestamp) -> Result<Declaration, Unverified> {
        let declared = self.network.declared(did, now).await;
        match declared {
            Ok(declared) => {
                let rev = declared.rev.as_str().to_owned();
                let account = declared.account.map(|account| from(&account, &rev));
                Ok(Declaration { rev, account })
            }
            Err(error) if error.is_temporary() => Err(Unverified::Unreachable),
            Err(_) => Err(Unverified::Refused),
        }
    }
}

fn from(account: &VerifiedAccount, rev: &str) -> Account {
    Account {
        key: *account.key(),
        domain: account.domain().clone(),
        predecessors: account.pin().predecessors,
        rev: rev.to_owned(),
    }
}
