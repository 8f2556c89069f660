//! Verifying accounts of the AT network (§1.4 steps 1 to 4), behind a trait so that tests can bring
//! their own network.

use async_trait::async_trait;
use sotto_identity::Network;
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
        // No pin: whether a change of key is endorsed is for the peers to judge (step 5).
        let verified = self.network.verify_account(did, None, now).await;
        match verified {
            Ok(account) => Ok(Account {
                key: *account.key(),
                domain: account.domain().clone(),
            }),
            Err(error) if error.is_temporary() => Err(Unverified::Unreachable),
            Err(_) => Err(Unverified::Refused),
        }
    }
}
