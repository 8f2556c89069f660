//! Putting the pieces of an own file at the own relay, and then the manifest.

use super::super::Context;
use super::{Progress, Trouble, blocking, still};
use crate::attachments::AttachmentProblem;
use crate::db::DbError;
use crate::db::attachments::{self, Attachment, AttachmentState, Piece};
use crate::messages::{EngineError, attach};
use sotto_wire::attachment::{AttachmentUrl, ObjectName};

/// Puts what is not there yet. With the manifest, the message can be sealed.
pub(super) async fn upload(context: &Context, attachment: &Attachment) -> Result<(), Trouble> {
    let id = attachment.id;
    let pieces = context
        .database
        .read(move |tx| attachments::pieces(tx, id))
        .await?;
    let mut progress = Progress(None);
    for piece in pieces.iter().filter(|piece| !piece.done) {
        if !still(context, id, AttachmentState::Uploading).await? {
            return Ok(());
        }
        put(context, id, piece).await?;
        note(context, attachment, *piece, progress.is_due()).await?;
    }
    let manifest = pieces.iter().find(|piece| piece.index.is_none());
    let Some(manifest) = manifest else {
        return Err(AttachmentProblem::Damaged.into());
    };
    let url = AttachmentUrl {
        domain: context.own.domain.clone(),
        name: manifest.name,
    };
    let write =
        context
            .database
            .write::<_, EngineError>(move |tx| match attachments::get(tx, id)? {
                Some(attachment) if attachment.state == AttachmentState::Uploading => {
                    attach::uploaded(tx, &attachment, &url)
                }
                _ => Ok(()),
            });
    Ok(write.await?)
}

async fn put(context: &Context, id: i64, piece: &Piece) -> Result<(), Trouble> {
    let path = context.folder.object(id, piece.index);
    let read = blocking(move || std::fs::read(path)).await?;
    let bytes = read.map_err(|_| AttachmentProblem::Unreadable)?;
    if ObjectName::of(&bytes) != piece.name {
        return Err(AttachmentProblem::Damaged.into());
    }
    context
        .relays
        .put_object(&context.own.domain, &piece.name, bytes)
        .await
        .map_err(|error| Trouble::of_relay(&error))
}

async fn note(
    context: &Context,
    attachment: &Attachment,
    piece: Piece,
    tell: bool,
) -> Result<(), DbError> {
    let (id, message) = (attachment.id, attachment.message);
    let write = context.database.write::<_, DbError>(move |tx| {
        if !attachments::piece_done(tx, id, &piece)? {
            // Taken back meanwhile: nobody else will remove it.
            return attachments::note_object(tx, &piece.name);
        }
        attachments::works(tx, id)?;
        if tell {
            attachments::announce(tx, message)?;
        }
        Ok(())
    });
    write.await
}
