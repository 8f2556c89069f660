//! What the databases hold at the end of a run that fails, for whoever looks into it.

use crate::machine::Machine;
use rusqlite::types::ValueRef;
use sotto_core::db::{DbError, ReadTx};
use std::fmt::Write as _;
use std::sync::Arc;

/// What decides about what is sent, received and asked for; without contents and keys.
const TABLES: [(&str, &str); 14] = [
    ("conversation", "id, peer"),
    ("send_group", "id, conversation, group_id, next_seq, mark"),
    ("send_member", "send_group, peer_device, acked"),
    ("own_commit", "send_group, epoch, first_seq"),
    (
        "frame",
        "send_group, seq, message, given_up, sealed_at, mark",
    ),
    (
        "put",
        "id, seq, peer_device, held_grant, accepted, failures, next_at",
    ),
    ("message", "id, conversation, state, kind, notice"),
    ("outbox", "conversation, message, seq"),
    ("held_grant", "id, peer_device, expires_s"),
    (
        "issued_grant",
        "id, peer_device, address, expires_s, superseded, void",
    ),
    (
        "read_group",
        "id, conversation, peer_device, group_id, epoch, processed, ack_due, heard_at, nudges",
    ),
    ("early_frame", "read_group, seq, mark"),
    ("lost_group", "conversation, name, due, times, asked_at"),
    ("renewal", "conversation, renewed_at, send_group, due_at"),
];

/// The rows of one device, a line each.
///
/// # Errors
/// When its database cannot be read.
pub async fn remains(machine: &Arc<Machine>) -> Result<Vec<String>, String> {
    let Some(app) = machine.app() else {
        return Ok(Vec::new());
    };
    let database = app.database().map_err(|error| error.code)?;
    let name = machine.name.clone();
    let read = database.read(move |tx| {
        let mut lines = Vec::new();
        for (table, columns) in TABLES {
            rows(tx, &name, table, columns, &mut lines)?;
        }
        Ok(lines)
    });
    read.await.map_err(|error: DbError| error.to_string())
}

fn rows(
    tx: &ReadTx<'_>,
    name: &str,
    table: &str,
    columns: &str,
    lines: &mut Vec<String>,
) -> Result<(), DbError> {
    let mut statement = tx.prepare(&format!("SELECT {columns} FROM {table}"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let mut line = format!("{name} {table}");
        for (place, column) in columns.split(", ").enumerate() {
            let _ = write!(line, " {column}={}", shown(row.get_ref(place)?));
        }
        lines.push(line);
    }
    Ok(())
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "-".into(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Blob(bytes) => bytes.iter().take(4).fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
        ValueRef::Text(text) => String::from_utf8_lossy(text).chars().take(6).collect(),
        ValueRef::Real(number) => number.to_string(),
    }
}
