//! Files, which the desktop window takes and leaves by dialogs of the system: here they come as the
//! body of a request and go as the body of an answer.

use crate::{api::Failure, server::Shell};
use axum::{
    body::Bytes,
    extract::{Json, Query, State},
    http::{HeaderName, StatusCode, header},
};
use serde::Deserialize;
use sotto_core::views::MessageView;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The largest file that the browser may hand over: it is held in memory.
pub(crate) const MAX_FILE: usize = 256 * 1024 * 1024;

/// Files that were handed over and may still have to be read, in a folder that ends with the process.
pub(crate) struct Chosen {
    folder: PathBuf,
    next: AtomicU64,
}

impl Chosen {
    /// A folder of this process.
    pub(crate) fn new() -> std::io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("sotto-devshell-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            next: AtomicU64::new(0),
        })
    }

    /// A folder for one file.
    fn folder(&self) -> std::io::Result<PathBuf> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.join(number.to_string());
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

impl Drop for Chosen {
    fn drop(&mut self) {
        // The system clears its folder of temporary files as well.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attached {
    conversation_id: String,
    name: String,
    caption: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Saved {
    message_id: i64,
    index: u32,
}

/// Takes a file and sends it.
pub(crate) async fn attach(
    State(shell): State<Shell>,
    Query(attached): Query<Attached>,
    body: Bytes,
) -> Result<Json<MessageView>, Failure> {
    let name = Path::new(&attached.name).file_name();
    let name = name.ok_or_else(|| of_request("a file without a name"))?;
    let path = shell.chosen.folder().map_err(of_request)?.join(name);
    std::fs::write(&path, &body).map_err(of_request)?;
    let message = shell
        .app
        .send_file(attached.conversation_id, path, attached.caption);
    Ok(Json(message.await?))
}

/// Gives a file that is here.
pub(crate) async fn save(
    State(shell): State<Shell>,
    Json(saved): Json<Saved>,
) -> Result<([(HeaderName, &'static str); 1], Vec<u8>), Failure> {
    let folder = shell.chosen.folder().map_err(of_request)?;
    let path = shell
        .app
        .save_attachment(saved.message_id, saved.index, folder.clone())
        .await?;
    let bytes = std::fs::read(path).map_err(of_request)?;
    std::fs::remove_dir_all(folder).map_err(of_request)?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes))
}

fn of_request(error: impl std::fmt::Display) -> Failure {
    Failure::of_request(StatusCode::INTERNAL_SERVER_ERROR, error)
}
