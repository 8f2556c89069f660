//! Messages with files: written down at once, sealed when their files are at the relay
//! (docs/protocol.md §5).

use super::compose::{self, ComposeError};
use super::{EngineError, MessageState};
use crate::attachments::{AttachmentProblem, file_name, reading::Chosen, sniff};
use crate::db::attachments::{self, Attachment, AttachmentState, NewAttachment};
use crate::db::{Change, DbError, WriteTx, conversations, own};
use rusqlite::{OptionalExtension, params};
use sotto_wire::attachment::{AttachmentKey, AttachmentUrl, NONCE, piece_count};
use sotto_wire::content::{self, Body, Content, Disposition, ExternalPart};
use sotto_wire::conversation::ConversationId;

/// AEAD_CHACHA20_POLY1305 in the IANA registry of AEAD algorithms.
const CHACHA20_POLY1305: u16 = 29;
/// SHA-256 in the IANA registry of named information hash algorithms.
const SHA256: u8 = 1;

/// Writes a message with a file down. It is sealed when [`uploaded`] says so. Returns its id.
///
/// # Errors
/// [`ComposeError`]; nothing was written then.
pub(crate) fn compose(
    tx: &WriteTx<'_>,
    conversation: &ConversationId,
    caption: &str,
    file: &Chosen,
) -> Result<i64, ComposeError> {
    let id = compose::with_file(tx, conversation, caption)?;
    let new = NewAttachment {
        place: 0,
        name: file.name.clone(),
        mime: file.mime.to_owned(),
        size: file.size,
        state: AttachmentState::Reading,
        error: None,
        secret: None,
        url: None,
        source: Some((file.path.clone(), file.changed)),
    };
    attachments::insert(tx, id, &new)?;
    tx.changed(Change::Outbox);
    Ok(id)
}

/// All objects of an attachment are at the relay: with the last attachment of a message, that has
/// its content and is sealed.
///
/// # Errors
/// When the database fails.
pub(crate) fn uploaded(
    tx: &WriteTx<'_>,
    attachment: &Attachment,
    url: &AttachmentUrl,
) -> Result<(), EngineError> {
    attachments::set_url(tx, attachment.id, &url.to_string())?;
    // From here on it is like anybody's: not here until it is fetched.
    attachments::reset_pieces(tx, attachment.id)?;
    attachments::enter(tx, attachment, AttachmentState::Remote, None)?;
    attachments::note_folder(tx, attachment.id)?;
    let all = attachments::of_message(tx, attachment.message)?;
    if all.iter().any(|it| it.url.is_none()) {
        return Ok(());
    }
    let own = own::current(tx)?.ok_or(EngineError::NoAccount)?;
    let (row, before) = content_of(tx, attachment.message)?;
    let conversation = conversations::id_of(tx, row)?;
    let unreadable = |_| DbError::Stored("message");
    let mut content = Content::decode(&before).map_err(unreadable)?;
    let text = match content.body {
        Body::Text(text) if !text.is_empty() => Some(text),
        _ => None,
    };
    let parts = all.iter().filter_map(part).collect();
    content.body = Body::Attachments { text, parts };
    let encoded = content.encode().map_err(unreadable)?;
    let mimi_id = content::message_id(&own.did, &conversation, &encoded).map_err(unreadable)?;
    tx.prepare_cached("UPDATE message SET content = ?2, mimi_id = ?3 WHERE id = ?1")?
        .execute(params![attachment.message, encoded, mimi_id])?;
    tx.prepare_cached("INSERT INTO outbox (conversation, message) VALUES (?1, ?2)")?
        .execute([row, attachment.message])?;
    tx.changed(Change::Outbox);
    Ok(())
}

/// Whether a message waits for a file that is not at the relay: nobody else can know of it, and the
/// MIMI id that it has is not the one that it will have.
///
/// # Errors
/// When the database fails.
pub(super) fn waits(tx: &WriteTx<'_>, message: i64) -> Result<bool, DbError> {
    let mut statement = tx.prepare_cached(
        "SELECT 1 FROM attachment WHERE message = ?1 AND url IS NULL AND source IS NOT NULL",
    )?;
    Ok(statement.exists([message])?)
}

/// Gives a message that waits for its file other words to go with it.
///
/// # Errors
/// When the database fails.
pub(super) fn reword(tx: &WriteTx<'_>, message: i64, caption: &str) -> Result<(), EngineError> {
    let unreadable = |_| DbError::Stored("message");
    let own = own::current(tx)?.ok_or(EngineError::NoAccount)?;
    let (row, before) = content_of(tx, message)?;
    let conversation = conversations::id_of(tx, row)?;
    let content = Content {
        body: Body::Text(caption.to_owned()),
        ..Content::decode(&before).map_err(unreadable)?
    };
    let encoded = content.encode().map_err(unreadable)?;
    let mimi_id = content::message_id(&own.did, &conversation, &encoded).map_err(unreadable)?;
    tx.prepare_cached("UPDATE message SET content = ?2, mimi_id = ?3, text = ?4 WHERE id = ?1")?
        .execute(params![message, encoded, mimi_id, caption])?;
    attachments::announce(tx, message)?;
    tx.changed(Change::Conversations(vec![conversation]));
    Ok(())
}

/// Row of its conversation and content.
fn content_of(tx: &WriteTx<'_>, message: i64) -> Result<(i64, Vec<u8>), DbError> {
    let mut statement =
        tx.prepare_cached("SELECT conversation, content FROM message WHERE id = ?1")?;
    Ok(statement.query_row([message], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

fn part(attachment: &Attachment) -> Option<ExternalPart> {
    let (key, nonce) = attachment.secret.as_ref()?;
    let url = attachment.url.clone()?;
    let name = AttachmentUrl::parse(&url).ok()?.name;
    Some(ExternalPart {
        disposition: Disposition::Attachment,
        content_type: attachment.mime.clone(),
        url,
        expires: 0,
        size: attachment.size,
        enc_alg: CHACHA20_POLY1305,
        key: key.as_bytes().to_vec().into(),
        nonce: nonce.to_vec(),
        aad: Vec::new(),
        hash_alg: SHA256,
        content_hash: name.as_bytes().to_vec(),
        description: String::new(),
        filename: attachment.name.clone(),
    })
}

/// Notes the files of a message that came. Nothing is fetched.
///
/// # Errors
/// When the database fails.
pub(crate) fn received(
    tx: &WriteTx<'_>,
    message: i64,
    parts: &[ExternalPart],
) -> Result<(), DbError> {
    for (place, part) in (0..).zip(parts) {
        let known = checked(part);
        let (state, error) = match &known {
            Some(_) => (AttachmentState::Remote, None),
            None => (
                AttachmentState::Failed,
                Some(AttachmentProblem::Invalid.code()),
            ),
        };
        let (secret, url) = known.unzip();
        let new = NewAttachment {
            place,
            name: file_name::safe(&part.filename),
            mime: sniff::declared(&part.content_type),
            // SQLite's integers are signed.
            size: part.size.min(i64::MAX.unsigned_abs()),
            state,
            error,
            secret,
            url,
            source: None,
        };
        attachments::insert(tx, message, &new)?;
    }
    Ok(())
}

/// Key and address of a file that is where this protocol puts files, and no larger than it allows.
pub(crate) fn checked(part: &ExternalPart) -> Option<((AttachmentKey, [u8; NONCE]), String)> {
    let url = AttachmentUrl::parse(&part.url).ok()?;
    let algorithms = part.enc_alg == CHACHA20_POLY1305 && part.hash_alg == SHA256;
    let hash = part.content_hash == url.name.as_bytes();
    if !algorithms || !hash || !part.aad.is_empty() {
        return None;
    }
    piece_count(part.size).ok()?;
    let key: [u8; 32] = part.key.as_slice().try_into().ok()?;
    let nonce = part.nonce.as_slice().try_into().ok()?;
    Some(((AttachmentKey::from_bytes(key), nonce), part.url.clone()))
}

/// An attachment is given up until the user tries again; a message that waits for it has failed.
///
/// # Errors
/// When the database fails.
pub(crate) fn failed(
    tx: &WriteTx<'_>,
    attachment: &Attachment,
    problem: AttachmentProblem,
) -> Result<(), DbError> {
    let state = match problem {
        AttachmentProblem::Gone => AttachmentState::Gone,
        _ => AttachmentState::Failed,
    };
    attachments::enter(tx, attachment, state, Some(problem.code()))?;
    if attachment.url.is_none() {
        set_message(
            tx,
            attachment.message,
            MessageState::Failed,
            Some(problem.code()),
        )?;
    }
    Ok(())
}

fn set_message(
    tx: &WriteTx<'_>,
    message: i64,
    state: MessageState,
    error: Option<&str>,
) -> Result<(), DbError> {
    let row: Option<i64> = tx
        .prepare_cached(
            "UPDATE message SET state = ?2, error = ?3 WHERE id = ?1 RETURNING conversation",
        )?
        .query_row(params![message, state as i64, error], |row| row.get(0))
        .optional()?;
    if let Some(row) = row {
        let conversation = conversations::id_of(tx, row)?;
        tx.changed(Change::Conversations(vec![conversation]));
    }
    Ok(())
}

/// Tries the files of an own message again; `false` where it does not wait for any.
///
/// # Errors
/// When the database fails.
pub(super) fn retry(tx: &WriteTx<'_>, message: i64) -> Result<bool, DbError> {
    let waiting: Vec<_> = attachments::of_message(tx, message)?
        .into_iter()
        .filter(Attachment::is_awaited)
        .collect();
    for attachment in &waiting {
        if attachment.state == AttachmentState::Failed {
            let state = match attachment.secret {
                Some(_) => AttachmentState::Uploading,
                None => AttachmentState::Reading,
            };
            attachments::enter(tx, attachment, state, None)?;
        }
    }
    if waiting.is_empty() {
        return Ok(false);
    }
    attachments::due_now(tx)?;
    set_message(tx, message, MessageState::Sending, None)?;
    tx.changed(Change::Outbox);
    Ok(true)
}

/// Has a file fetched.
///
/// # Errors
/// [`AttachmentProblem`] where it cannot be.
pub(crate) fn fetch(
    tx: &WriteTx<'_>,
    message: i64,
    place: u32,
) -> Result<Result<(), AttachmentProblem>, DbError> {
    let Some(attachment) = at(tx, message, place)? else {
        return Ok(Err(AttachmentProblem::Unknown));
    };
    if attachment.url.is_none() {
        return Ok(Err(AttachmentProblem::Invalid));
    }
    match attachment.state {
        AttachmentState::Remote | AttachmentState::Failed | AttachmentState::Gone => {
            attachments::enter(tx, &attachment, AttachmentState::Downloading, None)?;
        }
        AttachmentState::Downloading => attachments::due_now(tx)?,
        AttachmentState::Here | AttachmentState::Reading | AttachmentState::Uploading => {}
    }
    tx.changed(Change::Outbox);
    Ok(Ok(()))
}

/// Stops an attachment on its way: a message that waits for it is taken back, a file that is being
/// fetched stays at the relay.
///
/// # Errors
/// [`AttachmentProblem`] where there is nothing to stop.
pub(crate) fn cancel(
    tx: &WriteTx<'_>,
    message: i64,
    place: u32,
) -> Result<Result<(), AttachmentProblem>, DbError> {
    let Some(attachment) = at(tx, message, place)? else {
        return Ok(Err(AttachmentProblem::Unknown));
    };
    if attachment.is_awaited() {
        return take_back(tx, message).map(Ok);
    }
    if attachment.state == AttachmentState::Downloading {
        attachments::reset_pieces(tx, attachment.id)?;
        attachments::note_folder(tx, attachment.id)?;
        attachments::enter(tx, &attachment, AttachmentState::Remote, None)?;
    }
    Ok(Ok(()))
}

/// A message that was never sealed: nobody else knows of it.
pub(super) fn take_back(tx: &WriteTx<'_>, message: i64) -> Result<(), DbError> {
    attachments::announce(tx, message)?;
    attachments::forget(tx, message)?;
    let row: Option<i64> = tx
        .prepare_cached("DELETE FROM message WHERE id = ?1 RETURNING conversation")?
        .query_row([message], |row| row.get(0))
        .optional()?;
    if let Some(row) = row {
        let conversation = conversations::id_of(tx, row)?;
        tx.changed(Change::Conversations(vec![conversation]));
    }
    Ok(())
}

fn at(tx: &WriteTx<'_>, message: i64, place: u32) -> Result<Option<Attachment>, DbError> {
    let all = attachments::of_message(tx, message)?;
    Ok(all.into_iter().find(|it| it.place == place))
}
