//! Rows of attachments (docs/protocol.md §4.8): what is known of each, and how far it has come.

mod pieces;

pub(crate) use pieces::{
    Piece, add_pieces, folders_to_clear, note_folder, note_object, objects_to_remove, piece_done,
    pieces, removed_folder, removed_object, reset_pieces, upload_anew,
};

use super::{Change, DbError, WriteTx, conversations};
use rusqlite::{Connection, OptionalExtension, Row, params};
use sotto_wire::attachment::{AttachmentKey, NONCE};
use sotto_wire::domain::Domain;

/// How far an attachment has come; stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
pub(crate) enum AttachmentState {
    /// Own: the file is to be read and encrypted.
    Reading = 0,
    /// Own: its pieces are to be put at the relay.
    Uploading = 1,
    /// At a relay, not here.
    Remote = 2,
    /// Its pieces are to be fetched.
    Downloading = 3,
    /// All of it is here.
    Here = 4,
    /// Given up until the user says otherwise.
    Failed = 5,
    /// The relay has it no more.
    Gone = 6,
}

impl AttachmentState {
    fn from_stored(value: i64) -> Option<Self> {
        [
            Self::Reading,
            Self::Uploading,
            Self::Remote,
            Self::Downloading,
            Self::Here,
            Self::Failed,
            Self::Gone,
        ]
        .into_iter()
        .find(|state| *state as i64 == value)
    }
}

/// One attachment of one message.
#[derive(Clone)]
pub(crate) struct Attachment {
    pub(crate) id: i64,
    pub(crate) message: i64,
    pub(crate) place: u32,
    /// Safe to show and to save under.
    pub(crate) name: String,
    pub(crate) mime: String,
    pub(crate) size: u64,
    pub(crate) secret: Option<(AttachmentKey, [u8; NONCE])>,
    pub(crate) url: Option<String>,
    pub(crate) state: AttachmentState,
    pub(crate) error: Option<String>,
    /// Where an own file was read from, and when it had been changed.
    pub(crate) source: Option<(String, i64)>,
    pub(crate) thumbnail: Option<Thumbnail>,
    pub(crate) failures: u32,
    /// Pieces that are done, without the manifest.
    pub(crate) done: u32,
}

impl Attachment {
    /// Own, and not at the relay: its message waits for it.
    pub(crate) fn is_awaited(&self) -> bool {
        self.url.is_none() && self.source.is_some()
    }
}

/// A small picture of a picture.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Thumbnail {
    /// JPEG.
    pub(crate) jpeg: Vec<u8>,
    /// Of the whole picture, in pixels.
    pub(crate) width: u32,
    /// The same.
    pub(crate) height: u32,
}

/// A row to write.
pub(crate) struct NewAttachment {
    pub(crate) place: u32,
    pub(crate) name: String,
    pub(crate) mime: String,
    pub(crate) size: u64,
    pub(crate) state: AttachmentState,
    pub(crate) error: Option<&'static str>,
    pub(crate) secret: Option<(AttachmentKey, [u8; NONCE])>,
    pub(crate) url: Option<String>,
    pub(crate) source: Option<(String, i64)>,
}

const COLUMNS: &str = "a.id, a.message, a.place, a.name, a.mime, a.size, a.key, a.nonce, a.url,
    a.state, a.error, a.source, a.source_changed, a.thumbnail, a.width, a.height, a.failures,
    (SELECT count(*) FROM attachment_piece p WHERE p.attachment = a.id AND p.done = 1 AND p.place >= 0)";

/// Notes an attachment of a message.
pub(crate) fn insert(tx: &WriteTx<'_>, message: i64, new: &NewAttachment) -> Result<(), DbError> {
    let (key, nonce) = match &new.secret {
        Some((key, nonce)) => (Some(key.as_bytes()), Some(nonce)),
        None => (None, None),
    };
    let (source, changed) = match &new.source {
        Some((path, changed)) => (Some(path), Some(changed)),
        None => (None, None),
    };
    tx.prepare_cached(
        "INSERT INTO attachment
           (message, place, name, mime, size, key, nonce, url, state, error, source, source_changed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        message,
        new.place,
        new.name,
        new.mime,
        new.size,
        key,
        nonce,
        new.url,
        new.state as i64,
        new.error,
        source,
        changed
    ])?;
    Ok(())
}

/// The attachments of a message, in their order.
pub(crate) fn of_message(
    connection: &Connection,
    message: i64,
) -> Result<Vec<Attachment>, DbError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM attachment a WHERE a.message = ?1 ORDER BY a.place"
    ))?;
    let mut rows = statement.query([message])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(from_row(row)?);
    }
    Ok(found)
}

/// One attachment by its row.
pub(crate) fn get(connection: &Connection, id: i64) -> Result<Option<Attachment>, DbError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM attachment a WHERE a.id = ?1"
    ))?;
    let found = statement
        .query_row([id], |row| Ok(from_row(row)))
        .optional()?;
    found.transpose()
}

fn from_row(row: &Row<'_>) -> Result<Attachment, DbError> {
    let key: Option<[u8; 32]> = row.get(6)?;
    let nonce: Option<[u8; NONCE]> = row.get(7)?;
    let (path, changed): (Option<String>, Option<i64>) = (row.get(11)?, row.get(12)?);
    let jpeg: Option<Vec<u8>> = row.get(13)?;
    let (width, height): (Option<u32>, Option<u32>) = (row.get(14)?, row.get(15)?);
    Ok(Attachment {
        id: row.get(0)?,
        message: row.get(1)?,
        place: row.get(2)?,
        name: row.get(3)?,
        mime: row.get(4)?,
        size: row.get(5)?,
        secret: key.map(AttachmentKey::from_bytes).zip(nonce),
        url: row.get(8)?,
        state: AttachmentState::from_stored(row.get(9)?)
            .ok_or(DbError::Stored("attachment state"))?,
        error: row.get(10)?,
        source: path.zip(changed),
        thumbnail: jpeg
            .zip(width.zip(height))
            .map(|(jpeg, (width, height))| Thumbnail {
                jpeg,
                width,
                height,
            }),
        failures: row.get(16)?,
        done: row.get(17)?,
    })
}

/// Attachments with something to do at `now`.
pub(crate) fn due(connection: &Connection, now: u64) -> Result<Vec<i64>, DbError> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM attachment WHERE state IN (0, 1, 3) AND next_at <= ?1 ORDER BY next_at, id",
    )?;
    let due = statement
        .query_map([now], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(due)
}

/// When the next one has.
pub(crate) fn next_due(connection: &Connection) -> Result<Option<u64>, DbError> {
    let mut statement = connection
        .prepare_cached("SELECT min(next_at) FROM attachment WHERE state IN (0, 1, 3)")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// Whether own files lie at this relay that were sent after `since`.
///
/// # Errors
/// When the database fails.
pub(crate) fn sent_from(
    connection: &Connection,
    domain: &Domain,
    since: u64,
) -> Result<bool, DbError> {
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM attachment a JOIN message m ON m.id = a.message
         WHERE a.source IS NOT NULL AND m.at > ?2 AND instr(a.url, '://' || ?1 || '/') > 0",
    )?;
    Ok(statement.exists(params![domain.as_str(), since])?)
}

/// Nothing waits for its next attempt any more.
pub(crate) fn due_now(tx: &WriteTx<'_>) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE attachment SET next_at = 0 WHERE state IN (0, 1, 3)")?
        .execute([])?;
    Ok(())
}

/// Enters a state, with a code where it is [`AttachmentState::Failed`] or
/// [`AttachmentState::Gone`]; tells so.
pub(crate) fn enter(
    tx: &WriteTx<'_>,
    attachment: &Attachment,
    state: AttachmentState,
    error: Option<&str>,
) -> Result<(), DbError> {
    tx.prepare_cached(
        "UPDATE attachment SET state = ?2, error = ?3, next_at = 0, failures = 0 WHERE id = ?1",
    )?
    .execute(params![attachment.id, state as i64, error])?;
    tx.changed(Change::Outbox);
    announce(tx, attachment.message)
}

/// The next attempt is at `next_at`.
pub(crate) fn wait(tx: &WriteTx<'_>, attachment: &Attachment, next_at: u64) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE attachment SET next_at = ?2, failures = failures + 1 WHERE id = ?1")?
        .execute(params![attachment.id, next_at])?;
    announce(tx, attachment.message)
}

/// It worked again.
pub(crate) fn works(tx: &WriteTx<'_>, id: i64) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE attachment SET failures = 0 WHERE id = ?1 AND failures > 0")?
        .execute([id])?;
    Ok(())
}

/// The file has been read: what it was encrypted under.
pub(crate) fn set_secret(
    tx: &WriteTx<'_>,
    id: i64,
    key: &AttachmentKey,
    nonce: &[u8; NONCE],
) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE attachment SET key = ?2, nonce = ?3 WHERE id = ?1")?
        .execute(params![id, key.as_bytes(), nonce])?;
    Ok(())
}

/// Where its manifest lies.
pub(crate) fn set_url(tx: &WriteTx<'_>, id: i64, url: &str) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE attachment SET url = ?2 WHERE id = ?1")?
        .execute(params![id, url])?;
    Ok(())
}

/// What its bytes show.
pub(crate) fn set_look(
    tx: &WriteTx<'_>,
    id: i64,
    mime: &str,
    thumbnail: Option<&Thumbnail>,
) -> Result<(), DbError> {
    tx.prepare_cached(
        "UPDATE attachment SET mime = ?2, thumbnail = ?3, width = ?4, height = ?5 WHERE id = ?1",
    )?
    .execute(params![
        id,
        mime,
        thumbnail.map(|it| &it.jpeg),
        thumbnail.map(|it| it.width),
        thumbnail.map(|it| it.height)
    ])?;
    Ok(())
}

/// Removes the attachments of a message; their files, and at the own relay their objects, follow.
pub(crate) fn forget(tx: &WriteTx<'_>, message: i64) -> Result<(), DbError> {
    let removed = tx
        .prepare_cached("DELETE FROM attachment WHERE message = ?1")?
        .execute([message])?;
    if removed > 0 {
        tx.changed(Change::Outbox);
    }
    Ok(())
}

/// Tells that a message looks different.
pub(crate) fn announce(tx: &WriteTx<'_>, message: i64) -> Result<(), DbError> {
    let conversation: Option<i64> = tx
        .prepare_cached("SELECT conversation FROM message WHERE id = ?1")?
        .query_row([message], |row| row.get(0))
        .optional()?;
    if let Some(row) = conversation {
        tx.changed(Change::Messages {
            conversation: conversations::id_of(tx, row)?,
            ids: vec![message],
        });
    }
    Ok(())
}
