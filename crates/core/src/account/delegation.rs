//! To whom the account delegates, as its PDS says (docs/protocol.md §1.1).

use crate::db::OwnAccount;
use sotto_identity::oauth::{OAuthError, Session};
use sotto_identity::pds_api::Published;
use sotto_wire::delegation::DelegationRecord;

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

/// Writes the record in place of the one with the CID `replaces`, or where there is none: by the
/// PDS's own API where it offers one (docs/protocol.md §1.9), which changes the DID document too,
/// else the record alone. A key that nothing leads to is never put in the place of another.
pub(crate) async fn publish(
    session: &Session,
    record: &DelegationRecord,
    replaces: Option<&str>,
) -> Result<Published, OAuthError> {
    session.publish_delegation(record, replaces, false).await
}
