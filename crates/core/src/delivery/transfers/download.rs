//! Fetching a file: its manifest, then piece by piece. Everything the relay gives is checked against
//! the name that the message leads to before it is kept.

use super::super::Context;
use super::{Progress, Trouble, blocking, still};
use crate::attachments::saving::Fetched;
use crate::attachments::{AttachmentProblem, sniff, thumbnail};
use crate::db::DbError;
use crate::db::attachments::{self, Attachment, AttachmentState, Piece, Thumbnail};
use crate::relay::attachments::Given;
use sotto_wire::attachment::{
    AttachmentKey, AttachmentUrl, MAX_OBJECT, Manifest, NONCE, ObjectName, Pieces, piece_len,
};
use sotto_wire::domain::Domain;

/// After a failure, a piece is asked for in parts of so many bytes, so that a bad line gets on.
const PART: usize = 128 * 1024;

/// What is being fetched.
struct Source<'a> {
    attachment: &'a Attachment,
    url: AttachmentUrl,
    key: &'a AttachmentKey,
    nonce: &'a [u8; NONCE],
}

/// Fetches what is not here yet.
pub(super) async fn download(context: &Context, attachment: &Attachment) -> Result<(), Trouble> {
    let (Some(url), Some((key, nonce))) = (&attachment.url, &attachment.secret) else {
        return Err(AttachmentProblem::Invalid.into());
    };
    let url = AttachmentUrl::parse(url).map_err(|_| AttachmentProblem::Invalid)?;
    let source = Source {
        attachment,
        url,
        key,
        nonce,
    };
    let pieces = source.pieces(context).await?;
    let opener = Pieces::new(key, nonce);
    let mut progress = Progress(None);
    let count = pieces.len();
    for piece in pieces.iter().filter(|piece| !piece.done) {
        let Some(index) = piece.index else { continue };
        if !still(context, attachment.id, AttachmentState::Downloading).await? {
            return Ok(());
        }
        let len = piece_len(attachment.size, index);
        let last = usize::try_from(index).is_ok_and(|index| index + 1 == count);
        let bytes = source.piece(context, index, &piece.name, len).await?;
        opener
            .open(index, last, len, &bytes)
            .map_err(|_| AttachmentProblem::Damaged)?;
        let (folder, id) = (context.folder.clone(), attachment.id);
        blocking(move || {
            folder.write(id, Some(index), &bytes)?;
            folder.drop_beginning(id, index);
            Ok::<_, AttachmentProblem>(())
        })
        .await??;
        note(context, attachment, *piece, progress.is_due()).await?;
    }
    source.finish(context).await
}

impl Source<'_> {
    /// The file's pieces, from the manifest where they are not known yet.
    async fn pieces(&self, context: &Context) -> Result<Vec<Piece>, Trouble> {
        let id = self.attachment.id;
        let known = context
            .database
            .read(move |tx| attachments::pieces(tx, id))
            .await?;
        let known: Vec<_> = known.into_iter().filter(|it| it.index.is_some()).collect();
        if !known.is_empty() {
            return Ok(known);
        }
        let name = self.url.name;
        let given = get(context, &self.url.domain, &name, None, MAX_OBJECT).await?;
        let Given::Whole(bytes) = given else {
            return Err(AttachmentProblem::Damaged.into());
        };
        if ObjectName::of(&bytes) != name {
            return Err(AttachmentProblem::Damaged.into());
        }
        let manifest =
            Manifest::open(&bytes, self.key, self.nonce).map_err(|_| AttachmentProblem::Damaged)?;
        if manifest.size() != self.attachment.size {
            return Err(AttachmentProblem::Damaged.into());
        }
        let pieces: Vec<Piece> = (0..)
            .zip(manifest.pieces())
            .map(|(index, name)| Piece {
                index: Some(index),
                name: *name,
                done: false,
            })
            .collect();
        let noted = pieces.clone();
        context
            .database
            .write::<_, DbError>(move |tx| match attachments::get(tx, id)? {
                Some(_) => attachments::add_pieces(tx, id, &noted),
                None => Ok(()),
            })
            .await?;
        Ok(pieces)
    }

    /// The bytes of one piece, which are those of its name.
    async fn piece(
        &self,
        context: &Context,
        index: u32,
        name: &ObjectName,
        len: usize,
    ) -> Result<Vec<u8>, Trouble> {
        let whole = Pieces::object_len(len);
        let path = context.folder.beginning(self.attachment.id, index);
        let mut bytes = blocking(move || std::fs::read(path).unwrap_or_default()).await?;
        bytes.truncate(whole);
        let begun = !bytes.is_empty();
        while bytes.len() < whole {
            let part = (begun || self.attachment.failures > 0).then(|| {
                let first = bytes.len();
                (first, (first + PART).min(whole) - 1)
            });
            match get(context, &self.url.domain, name, part, whole).await? {
                Given::Whole(all) => bytes = all,
                Given::Part(more) => {
                    let wanted = part.map_or(0, |(first, last)| last - first + 1);
                    if more.is_empty() || more.len() > wanted {
                        return Err(AttachmentProblem::Damaged.into());
                    }
                    bytes.extend_from_slice(&more);
                    let (folder, id) = (context.folder.clone(), self.attachment.id);
                    blocking(move || folder.append(id, index, &more)).await??;
                    continue;
                }
                Given::Nothing => return Err(AttachmentProblem::Gone.into()),
            }
            break;
        }
        if bytes.len() == whole && ObjectName::of(&bytes) == *name {
            return Ok(bytes);
        }
        context.folder.drop_beginning(self.attachment.id, index);
        // What was begun before may be what is wrong.
        Err(if begun {
            Trouble::Later
        } else {
            AttachmentProblem::Damaged.into()
        })
    }

    /// All of it is here: what it really is, and how it looks.
    async fn finish(&self, context: &Context) -> Result<(), Trouble> {
        let (folder, attachment) = (context.folder.clone(), self.attachment.clone());
        let (mime, thumbnail) = blocking(move || look(&folder, &attachment)).await??;
        let id = self.attachment.id;
        let write = context.database.write::<_, DbError>(move |tx| {
            let Some(attachment) = attachments::get(tx, id)? else {
                return attachments::note_folder(tx, id);
            };
            if attachment.state != AttachmentState::Downloading {
                return Ok(());
            }
            attachments::set_look(tx, id, &mime, thumbnail.as_ref())?;
            attachments::enter(tx, &attachment, AttachmentState::Here, None)
        });
        Ok(write.await?)
    }
}

/// The type by the bytes, and a thumbnail where it is a picture of a size that is looked at.
fn look(
    folder: &crate::attachments::folder::Folder,
    attachment: &Attachment,
) -> Result<(String, Option<Thumbnail>), AttachmentProblem> {
    let Some((key, nonce)) = &attachment.secret else {
        return Err(AttachmentProblem::Invalid);
    };
    let head_len = piece_len(attachment.size, 0);
    let first = std::fs::read(folder.object(attachment.id, Some(0)))
        .map_err(|_| AttachmentProblem::NotHere)?;
    let only = attachment.size <= sotto_wire::attachment::PIECE as u64;
    let head = Pieces::new(key, nonce)
        .open(0, only, head_len, &first)
        .map_err(|_| AttachmentProblem::Damaged)?;
    let mime = sniff::mime(head.get(..sniff::HEAD).unwrap_or(&head));
    if !thumbnail::is_picture(mime) || attachment.size > thumbnail::MAX_FILE {
        return Ok((mime.to_owned(), None));
    }
    let fetched = Fetched {
        folder,
        id: attachment.id,
        size: attachment.size,
        key,
        nonce,
    };
    let mut bytes = Vec::new();
    fetched.write_to(&mut bytes)?;
    Ok((mime.to_owned(), thumbnail::of(&bytes)))
}

async fn get(
    context: &Context,
    domain: &Domain,
    name: &ObjectName,
    part: Option<(usize, usize)>,
    max: usize,
) -> Result<Given, Trouble> {
    let given = context.relays.get_object(domain, name, part, max).await;
    match given {
        Ok(Given::Nothing) => Err(AttachmentProblem::Gone.into()),
        Ok(given) => Ok(given),
        Err(error) => Err(Trouble::of_relay(&error)),
    }
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
            return attachments::note_folder(tx, id);
        }
        attachments::works(tx, id)?;
        if tell {
            attachments::announce(tx, message)?;
        }
        Ok(())
    });
    write.await
}
