//! To whom the account delegates, as its PDS says (docs/protocol.md §1.1).

use crate::db::OwnAccount;
use sotto_identity::oauth::{OAuthError, Session};

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
