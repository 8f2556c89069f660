//! Clearing away: folders of what is not on its way or kept, and objects at the own relay that
//! nobody needs any more.

use super::super::Context;
use crate::db::DbError;
use crate::db::attachments::{self, AttachmentState};
use crate::relay::RelayError;
use std::collections::HashSet;
use std::time::Duration;

const AFTER_FAILURE: Duration = Duration::from_secs(30);

/// At the start: whatever a crash left in the folder is looked at.
pub(super) async fn left_behind(context: &Context) {
    let ids = context.folder.list();
    if ids.is_empty() {
        return;
    }
    let noted = context
        .database
        .write::<_, DbError>(move |tx| {
            ids.into_iter()
                .try_for_each(|id| attachments::note_folder(tx, id))
        })
        .await;
    if let Err(error) = noted {
        tracing::error!(%error, "files that were left behind stay");
    }
}

/// Clears folders that nothing needs; not those that are being worked with.
pub(super) async fn folders(context: &Context, running: &HashSet<i64>) -> Result<(), DbError> {
    let ids = context
        .database
        .read(|tx| attachments::folders_to_clear(tx))
        .await?;
    for id in ids.into_iter().filter(|id| !running.contains(id)) {
        let needed = context
            .database
            .read(move |tx| attachments::get(tx, id))
            .await?
            .is_some_and(|it| needs_folder(it.state, it.secret.is_some()));
        if !needed && !context.folder.clear(id) {
            continue;
        }
        context
            .database
            .write::<_, DbError>(move |tx| attachments::removed_folder(tx, id))
            .await?;
    }
    Ok(())
}

fn needs_folder(state: AttachmentState, read: bool) -> bool {
    match state {
        AttachmentState::Uploading | AttachmentState::Downloading | AttachmentState::Here => true,
        // What there is of it may be gone on with.
        AttachmentState::Failed => read,
        AttachmentState::Reading | AttachmentState::Remote | AttachmentState::Gone => false,
    }
}

/// Removes objects from the own relay. What does not work is tried again later.
pub(super) async fn objects(context: &Context) {
    if let Err(error) = remove_objects(context).await {
        tracing::warn!(%error, "objects stay at the relay for a while");
        tokio::time::sleep(AFTER_FAILURE).await;
    }
}

async fn remove_objects(context: &Context) -> Result<(), ClearError> {
    let names = context
        .database
        .read(|tx| attachments::objects_to_remove(tx))
        .await?;
    for name in names {
        let removed = context
            .relays
            .delete_object(&context.own.domain, &name)
            .await;
        match removed {
            // It goes by itself in time.
            Ok(()) | Err(RelayError::Refused { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        context
            .database
            .write::<_, DbError>(move |tx| attachments::removed_object(tx, &name))
            .await?;
    }
    Ok(())
}

/// Why something could not be cleared away.
#[derive(Debug, thiserror::Error)]
enum ClearError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Relay(#[from] RelayError),
}
