//! What stands between the user and a peer, noted where the conversation shows it.

use crate::db::{Change, Database, DbError, ReadTx, WriteTx, peers};
use crate::messages::{MessageState, history};
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

/// As [`note`], with the peer of the conversation.
pub(super) async fn of_conversation(
    database: &Database,
    conversation: ConversationId,
    code: &'static str,
) -> Result<(), DbError> {
    let found = database.read(move |tx| history::conversation(tx, &conversation));
    match found.await? {
        Some(found) => note(database, conversation, &found.peer.pin.did, Some(code)).await,
        None => Ok(()),
    }
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
