//! To whom the account delegates, as its PDS says (docs/protocol.md §1.1).

use super::set_up::{SetUp, SetUpError};
use crate::db::OwnAccount;
use sotto_identity::did_document::Anchor;
use sotto_identity::oauth::{OAuthError, Session};
use sotto_identity::verify::VerifyError;
use sotto_wire::delegation::DelegationRecord;
use sotto_wire::key::PublicKey;
use sotto_wire::succession;

/// How the published delegation stands to this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// There is none.
    Absent,
    /// It names this device's delegate key.
    Ours {
        /// Names this state of the record.
        cid: String,
    },
    /// It names another key, or is nothing this version can read. Never overwritten.
    Elsewhere,
}

/// Asks the PDS.
pub(crate) async fn standing(
    session: &Session,
    own: Option<&OwnAccount>,
) -> Result<Standing, OAuthError> {
    let Some(published) = session.get_delegation().await? else {
        return Ok(Standing::Absent);
    };
    let named = published.record.map(|record| record.key);
    let ours = own.map(|own| own.delegate_key.public());
    Ok(match (named, ours) {
        (Some(named), Some(ours)) if named == ours => Standing::Ours { cid: published.cid },
        _ => Standing::Elsewhere,
    })
}

/// How a record gets written so that it does not contradict the DID document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The document names its key already, or none.
    Either,
    /// The PDS has to change the document with it (docs/protocol.md §1.9).
    WithDocument,
}

impl SetUp {
    /// Peers refuse a record that contradicts the DID document (§1.4 step 4), so this comes before
    /// anything is written. `unendorsed`: no succession leads to the key, and that is meant.
    pub(super) async fn way(
        &self,
        key: &PublicKey,
        succession: &[Vec<u8>],
        unendorsed: bool,
    ) -> Result<Way, SetUpError> {
        let did = self.session.did();
        let document = self.network.did_document(did).await;
        let named = document.map_err(VerifyError::from)?.e2ee;
        let led_to = match named {
            Anchor::Absent => return Ok(Way::Either),
            Anchor::Key(named) if named == *key => return Ok(Way::Either),
            Anchor::Key(named) => succession::leads_from(&named, succession, key, did),
            Anchor::Unusable => false,
        };
        if (led_to || unendorsed) && self.session.changes_document().await? {
            Ok(Way::WithDocument)
        } else {
            Err(SetUpError::AnchorMustFollow)
        }
    }

    /// Writes the record in place of the one with the CID `replaces`, or where there is none: by
    /// the PDS's own API where it offers one, which changes the DID document too, else the record
    /// alone where the way allows that. Without `unendorsed`, a key that nothing leads to is never
    /// put in the place of another.
    pub(super) async fn publish(
        &self,
        way: Way,
        record: &DelegationRecord,
        replaces: Option<&str>,
        unendorsed: bool,
    ) -> Result<(), SetUpError> {
        let session = &self.session;
        match way {
            Way::Either => {
                let written = session.publish_delegation(record, replaces, unendorsed);
                written.await?;
                Ok(())
            }
            Way::WithDocument => {
                let written = session.publish_with_document(record, replaces, unendorsed);
                match written.await? {
                    true => Ok(()),
                    false => Err(SetUpError::AnchorMustFollow),
                }
            }
        }
    }
}
