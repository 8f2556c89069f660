//! Reading an own file into encrypted pieces.

use super::super::Context;
use super::{Trouble, blocking};
use crate::attachments::{AttachmentProblem, reading, sniff};
use crate::db::DbError;
use crate::db::attachments::{self, Attachment, AttachmentState};
use std::sync::Arc;

/// Reads the whole file, then notes the key and what it became: before that, nothing of it counts.
pub(super) async fn read(context: &Context, attachment: &Attachment) -> Result<(), Trouble> {
    let Some((path, changed)) = attachment.source.clone() else {
        return Err(AttachmentProblem::Missing.into());
    };
    let chosen = reading::Chosen {
        path,
        name: attachment.name.clone(),
        mime: known(&attachment.mime),
        size: attachment.size,
        changed,
    };
    let (folder, random, id) = (
        context.folder.clone(),
        Arc::clone(&context.random),
        attachment.id,
    );
    let cut = blocking(move || reading::cut(&chosen, &folder, id, &*random)).await;
    let cut = match cut {
        Ok(Ok(cut)) => cut,
        Ok(Err(problem)) => {
            context.folder.clear(id);
            return Err(problem.into());
        }
        Err(trouble) => return Err(trouble),
    };
    let mime = attachment.mime.clone();
    let write = context.database.write::<_, DbError>(move |tx| {
        let Some(attachment) = attachments::get(tx, id)? else {
            // Taken back meanwhile.
            return attachments::note_folder(tx, id);
        };
        attachments::set_secret(tx, id, &cut.key, &cut.nonce)?;
        attachments::set_look(tx, id, &mime, cut.thumbnail.as_ref())?;
        attachments::add_pieces(tx, id, &cut.pieces)?;
        attachments::enter(tx, &attachment, AttachmentState::Uploading, None)
    });
    Ok(write.await?)
}

/// Only pictures are looked at again.
fn known(mime: &str) -> &'static str {
    ["image/png", "image/jpeg", "image/gif", "image/webp"]
        .into_iter()
        .find(|known| *known == mime)
        .unwrap_or(sniff::UNKNOWN)
}
