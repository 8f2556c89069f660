//! Safety numbers and where messages came from.

use super::App;
use super::reading::known;
use crate::db::{DbError, own};
use crate::messages::{EngineError, origin};
use crate::safety::picture::{self, Found, PictureError};
use crate::safety::{self, drawing, provenance};
use crate::views::{ErrorView, ProvenanceView, SafetyCodeView, SafetyComparison, SafetyNumberView};
use sotto_wire::conversation::ConversationId;
use sotto_wire::safety_number::Comparison;

impl App {
    pub(super) async fn number(&self, conversation: &str) -> Result<SafetyNumberView, ErrorView> {
        let id = known(conversation)?;
        let ready = self.ready()?;
        let read = ready.database.read(move |tx| safety::shown(tx, &id));
        let shown = read.await?;
        view(&id, &shown)
    }

    pub(super) async fn confirm(
        &self,
        conversation: &str,
        confirmed: bool,
        number: String,
    ) -> Result<SafetyNumberView, ErrorView> {
        let id = known(conversation)?;
        let ready = self.ready()?;
        let write = ready.database.write(move |tx| {
            if confirmed {
                safety::confirm(tx, &id, &number)?;
            } else {
                safety::unconfirm(tx, &id)?;
            }
            safety::shown(tx, &id)
        });
        let shown = write.await?;
        view(&id, &shown)
    }

    pub(super) async fn compare(
        &self,
        conversation: &str,
        picture: String,
    ) -> Result<SafetyComparison, ErrorView> {
        let id = known(conversation)?;
        let ready = self.ready()?;
        // Whatever a decoder does to itself over somebody's picture ends in that task.
        let looking = tokio::task::spawn_blocking(move || picture::find(&picture));
        let found = looking
            .await
            .unwrap_or(Err(PictureError::Unreadable))
            .map_err(safety::SafetyError::from)?;
        Ok(match found {
            Found::Code(code) => {
                let compare = ready
                    .database
                    .write(move |tx| safety::compare(tx, &id, &code));
                meaning(compare.await?)
            }
            Found::OtherVersion => SafetyComparison::OtherVersion,
            Found::NotACode => SafetyComparison::NotACode,
            Found::Nothing => SafetyComparison::NoCode,
        })
    }

    pub(super) async fn came_from(&self, message: i64) -> Result<ProvenanceView, ErrorView> {
        let ready = self.ready()?;
        let read = ready.database.read(move |tx| {
            let found = origin::of(tx, message)?.zip(own::load(tx)?);
            Ok::<_, DbError>(found.map(|(origin, own)| provenance::check(&origin, &own)))
        });
        let found = read.await?;
        found.ok_or_else(|| EngineError::UnknownMessage.into())
    }
}

fn view(id: &ConversationId, shown: &safety::Shown) -> Result<SafetyNumberView, ErrorView> {
    let drawing =
        drawing::draw(&shown.code).map_err(|error| ErrorView::with_detail("internal", error))?;
    let at = shown.peer.confirmed_at;
    Ok(SafetyNumberView {
        conversation_id: id.hex(),
        number: shown.code.number().digits().to_owned(),
        code: SafetyCodeView {
            size: u32::try_from(drawing.size).unwrap_or_default(),
            path: drawing.path,
        },
        confirmed_at: at.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
    })
}

fn meaning(comparison: Comparison) -> SafetyComparison {
    match comparison {
        Comparison::Match => SafetyComparison::Match,
        Comparison::OwnCode => SafetyComparison::OwnCode,
        Comparison::OtherPerson => SafetyComparison::OtherPerson,
        Comparison::PeerKeyDiffers => SafetyComparison::PeerKeyDiffers,
        Comparison::OwnKeyDiffers => SafetyComparison::OwnKeyDiffers,
    }
}
