//! What is stored of earlier verifications of an account, for the next one.

use crate::db::{Database, DbError, peers, plc_logs};
use sotto_identity::plc::KnownLog;
use sotto_identity::verify::{Known, Pin, VerifiedAccount};
use sotto_wire::did::Did;

/// What an account was, when it was verified last.
pub(crate) struct Remembered {
    pub(crate) pin: Option<Pin>,
    pub(crate) log: Option<KnownLog>,
}

impl Remembered {
    /// Reads it.
    pub(crate) async fn of(database: &Database, did: &Did) -> Result<Self, DbError> {
        let did = did.clone();
        database
            .read(move |tx| {
                Ok(Self {
                    pin: peers::by_did(tx, &did)?.map(|peer| peer.pin),
                    log: plc_logs::known(tx, &did)?,
                })
            })
            .await
    }

    /// As verification takes it.
    pub(crate) fn known(&self) -> Known<'_> {
        Known {
            pin: self.pin.as_ref(),
            log: self.log.as_ref(),
        }
    }
}

/// Stores the operation log that an account was verified by. Its pin is stored with the peer.
pub(crate) async fn remember(
    database: &Database,
    verified: &VerifiedAccount,
) -> Result<(), DbError> {
    match verified.log().cloned() {
        Some(log) => database.write(move |tx| plc_logs::keep(tx, &log)).await,
        None => Ok(()),
    }
}
