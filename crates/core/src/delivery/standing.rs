//! What stands between the user and a peer, noted where the conversation shows it.

use crate::db::{Change, Database, DbError, ReadTx, WriteTx, peers};
use crate::messages::{MessageState, history};
use sotto_identity::verify::Pin;
use sotto_wire::conversation::ConversationId;
use sotto_wire::did::Did;

/// Waiting messages whose view is refreshed when their error changes: a screenful.
const SHOWN: u32 = 50;

/// Notes why nothing can be sent to a peer, or that nothing is in the way.
pub(super) async fn note(
    database: &Database,
    conversation: ConversationId,
    did: &Did,
    code: Option<&'static str>,
) -> Result<(), DbError> {
    let did = did.clone();
    let ids = database.read(move |tx| waiting(tx, &conversation)).await?;
    database
        .write(move |tx| set(tx, conversation, &did, code, ids))
        .await
}

/// Notes that a peer was verified anew, unless that has been done since: an error of an earlier
/// verification is over, one of another kind is not.
pub(super) async fn verified(
    database: &Database,
    conversation: ConversationId,
    pin: Pin,
    begun_at: u64,
) -> Result<(), DbError> {
    let ids = database.read(move |tx| waiting(tx, &conversation)).await?;
    database
        .write(move |tx| {
            let Some(peer) = peers::by_did(tx, &pin.did)? else {
                return Ok(());
            };
            if peer.verified_at > begun_at {
                return Ok(());
            }
            peers::pin(tx, &pin, tx.clock_now_ms())?;
            match peer.last_error.as_deref() {
                Some(code) if is_of_verification(code) => {
                    set(tx, conversation, &pin.did, None, ids)
                }
                _ => Ok(()),
            }
        })
        .await
}

/// Whether a code is one of `VerifyError`, for an account known by its DID.
fn is_of_verification(code: &str) -> bool {
    ["account.", "did.", "pds.", "plc."]
        .iter()
        .any(|part| code.starts_with(part))
}

fn waiting(tx: &ReadTx<'_>, conversation: &ConversationId) -> Result<Vec<i64>, DbError> {
    let page = history::page(tx, conversation, None, SHOWN)?;
    let waiting = page.iter().filter(|it| it.state == MessageState::Sending);
    Ok(waiting.map(|message| message.id).collect())
}

fn set(
    tx: &WriteTx<'_>,
    conversation: ConversationId,
    did: &Did,
    code: Option<&'static str>,
    ids: Vec<i64>,
) -> Result<(), DbError> {
    let Some(mut peer) = peers::by_did(tx, did)? else {
        return Ok(());
    };
    if peer.last_error.as_deref() == code {
        return Ok(());
    }
    peer.last_error = code.map(str::to_owned);
    peers::upsert(tx, &peer)?;
    tx.changed(Change::Messages { conversation, ids });
    Ok(())
}
