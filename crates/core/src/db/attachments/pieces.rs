//! Objects of attachments, and what is to be cleared away.

use super::{DbError, WriteTx};
use rusqlite::{Connection, params};
use sotto_wire::attachment::ObjectName;

/// Things cleared away at once.
const AT_ONCE: i64 = 100;
/// The place of the manifest among the pieces.
const MANIFEST: i64 = -1;

/// An object of an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    /// `None`: the manifest.
    pub(crate) index: Option<u32>,
    pub(crate) name: ObjectName,
    /// At the own relay, or here.
    pub(crate) done: bool,
}

impl Piece {
    fn place(&self) -> i64 {
        self.index.map_or(MANIFEST, i64::from)
    }
}

/// Notes pieces; those of the same places before are no more.
pub(crate) fn add_pieces(tx: &WriteTx<'_>, id: i64, pieces: &[Piece]) -> Result<(), DbError> {
    let mut statement = tx.prepare_cached(
        "INSERT OR REPLACE INTO attachment_piece (attachment, place, name, done)
         VALUES (?1, ?2, ?3, ?4)",
    )?;
    for piece in pieces {
        statement.execute(params![
            id,
            piece.place(),
            piece.name.as_bytes(),
            piece.done
        ])?;
    }
    Ok(())
}

/// Nothing of it is here, however much was.
pub(crate) fn reset_pieces(tx: &WriteTx<'_>, id: i64) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE attachment_piece SET done = 0 WHERE attachment = ?1 AND done = 1")?
        .execute([id])?;
    Ok(())
}

/// What is not at the own relay as a whole is put there from the start: it is another relay.
///
/// # Errors
/// When the database fails.
pub(crate) fn upload_anew(tx: &WriteTx<'_>) -> Result<(), DbError> {
    tx.execute(
        "UPDATE attachment_piece SET done = 0 WHERE done = 1 AND attachment IN
           (SELECT id FROM attachment WHERE url IS NULL AND source IS NOT NULL)",
        [],
    )?;
    Ok(())
}

/// The pieces of an attachment in order, the manifest last.
pub(crate) fn pieces(connection: &Connection, id: i64) -> Result<Vec<Piece>, DbError> {
    let mut statement = connection.prepare_cached(
        "SELECT place, name, done FROM attachment_piece WHERE attachment = ?1
         ORDER BY place < 0, place",
    )?;
    let pieces = statement
        .query_map([id], |row| {
            let place: i64 = row.get(0)?;
            Ok(Piece {
                index: u32::try_from(place).ok(),
                name: ObjectName::from_bytes(row.get(1)?),
                done: row.get(2)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(pieces)
}

/// A piece is done; `false` where the attachment is no more.
pub(crate) fn piece_done(tx: &WriteTx<'_>, id: i64, piece: &Piece) -> Result<bool, DbError> {
    let changed = tx
        .prepare_cached(
            "UPDATE attachment_piece SET done = 1 WHERE attachment = ?1 AND place = ?2",
        )?
        .execute(params![id, piece.place()])?;
    Ok(changed > 0)
}

/// An object is to be removed from the own relay.
pub(crate) fn note_object(tx: &WriteTx<'_>, name: &ObjectName) -> Result<(), DbError> {
    tx.prepare_cached("INSERT OR IGNORE INTO object_gone (name) VALUES (?1)")?
        .execute([name.as_bytes()])?;
    Ok(())
}

/// Some of the objects to be removed from the own relay.
pub(crate) fn objects_to_remove(connection: &Connection) -> Result<Vec<ObjectName>, DbError> {
    let mut statement = connection.prepare_cached("SELECT name FROM object_gone LIMIT ?1")?;
    let names = statement
        .query_map([AT_ONCE], |row| row.get(0).map(ObjectName::from_bytes))?
        .collect::<Result<_, _>>()?;
    Ok(names)
}

/// An object is gone from the relay.
pub(crate) fn removed_object(tx: &WriteTx<'_>, name: &ObjectName) -> Result<(), DbError> {
    tx.prepare_cached("DELETE FROM object_gone WHERE name = ?1")?
        .execute([name.as_bytes()])?;
    Ok(())
}

/// A folder is to be cleared.
pub(crate) fn note_folder(tx: &WriteTx<'_>, id: i64) -> Result<(), DbError> {
    tx.prepare_cached("INSERT OR IGNORE INTO attachment_gone (id) VALUES (?1)")?
        .execute([id])?;
    Ok(())
}

/// Some of the folders to be cleared.
pub(crate) fn folders_to_clear(connection: &Connection) -> Result<Vec<i64>, DbError> {
    let mut statement = connection.prepare_cached("SELECT id FROM attachment_gone LIMIT ?1")?;
    let ids = statement
        .query_map([AT_ONCE], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(ids)
}

/// A folder is gone.
pub(crate) fn removed_folder(tx: &WriteTx<'_>, id: i64) -> Result<(), DbError> {
    tx.prepare_cached("DELETE FROM attachment_gone WHERE id = ?1")?
        .execute([id])?;
    Ok(())
}
