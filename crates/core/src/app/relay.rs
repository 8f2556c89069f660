//! The own relay, and moving to another one (docs/protocol.md §4.9).

use super::App;
use super::phase::{Phase, Ready};
use super::present;
use crate::account::moving::{Arrived, MoveError};
use crate::account::relay_name;
use crate::account::set_up::{SetUp, SetUpError};
use crate::db::{DbError, own, own_move};
use crate::delivery::former;
use crate::views::{ErrorView, FormerRelayView, MoveView, RelayOfferView, RelayView};
use sotto_wire::enabler::EnablerDocument;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between attempts to go on with a move that was interrupted.
const TRY_AGAIN: Duration = Duration::from_secs(60);
const DAY: u64 = 86_400;

impl App {
    pub(super) async fn own_relay(&self) -> Result<RelayView, ErrorView> {
        let ready = self.ready()?;
        let read = ready.database.read(|tx| {
            let moving = own_move::load(tx)?;
            let former = own_move::former(tx)?;
            let former: Result<Vec<_>, DbError> = former
                .into_iter()
                .map(|it| Ok((former::awaited(tx, &it)?, it)))
                .collect();
            Ok::<_, DbError>((moving, former?))
        });
        let (moving, former) = read.await?;
        Ok(RelayView {
            domain: ready.own.domain.to_string(),
            moving: moving.map(|it| MoveView {
                domain: it.domain.to_string(),
                published: it.published,
            }),
            former: former
                .into_iter()
                .map(|(awaited, it)| FormerRelayView {
                    domain: it.domain.to_string(),
                    awaited_peers: awaited.peers,
                    awaits_files: awaited.files,
                    until: present::signed(awaited.until),
                    reached_at: it.reached_at.map(present::signed),
                })
                .collect(),
        })
    }

    /// What another relay offers; nothing changes.
    pub(super) async fn looking_at(&self, relay: &str) -> Result<RelayOfferView, ErrorView> {
        let ready = self.ready()?;
        let domain = relay_name::parse(relay, self.inner.config.development)?;
        let document = self.set_up_of(&ready).await?.check_move(&domain).await?;
        Ok(offer(domain.to_string(), &document))
    }

    /// Moves, and goes on messaging there.
    pub(super) async fn moving(&self, relay: &str) -> Result<RelayView, ErrorView> {
        let domain = relay_name::parse(relay, self.inner.config.development)?;
        let turn = self.inner.turn.lock().await;
        let ready = self.ready()?;
        let cancel = self.new_move();
        let set_up = self.set_up_of(&ready).await?;
        match set_up.move_to(domain, &cancel).await {
            Ok(arrived) => self.arrive(&set_up, &ready, arrived).await?,
            Err(error) => {
                drop(turn);
                // What may be published goes on by itself.
                self.resume_move(&ready);
                return Err(error.into());
            }
        }
        drop(turn);
        self.own_relay().await
    }

    /// Takes the move back where it is not published.
    pub(super) async fn staying(&self) -> Result<RelayView, ErrorView> {
        self.current_move().cancel();
        let turn = self.inner.turn.lock().await;
        let ready = self.ready()?;
        let cancelled = self.set_up_of(&ready).await?.cancel_move().await;
        drop(turn);
        cancelled?;
        self.own_relay().await
    }

    /// Goes on with a move that a crash or the network interrupted, until it is done or cannot be.
    pub(super) fn resume_move(&self, ready: &Arc<Ready>) {
        let (app, ready) = (self.clone(), Arc::clone(ready));
        let stop = ready.stop.clone();
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            while !app.try_to_move(&ready).await {
                tokio::time::sleep(TRY_AGAIN).await;
            }
        }));
    }

    /// As [`App::resume_move`], where there is an account that is messaging.
    pub(super) fn resume_any_move(&self) {
        if let Phase::Ready(ready) = self.inner.phase() {
            self.resume_move(&ready);
        }
    }

    /// Whether there is nothing more to try.
    async fn try_to_move(&self, ready: &Arc<Ready>) -> bool {
        match ready.database.read(|tx| own_move::load(tx)).await {
            Ok(None) if self.finds_itself_moved(ready).await => {
                tracing::info!("the record names another relay");
            }
            Ok(None) => return true,
            Ok(Some(_)) => tracing::info!("a move to another relay is gone on with"),
            Err(error) => {
                tracing::warn!(code = error.code(), "a move cannot be read");
                return false;
            }
        }
        // Spawned: what this phase runs ends with the phase, and this is about to end it.
        let app = self.clone();
        let moved = tokio::spawn(async move { app.go_on_moving().await }).await;
        match moved {
            Ok(Ok(())) | Err(_) => true,
            Ok(Err(error)) => {
                tracing::warn!(code = error.code, "a move goes on later");
                false
            }
        }
    }

    /// What cannot be found out now is found out at the next start.
    async fn finds_itself_moved(&self, ready: &Ready) -> bool {
        let _turn = self.inner.turn.lock().await;
        let found = async {
            let set_up = self.set_up_of(ready).await?;
            Ok::<_, ErrorView>(set_up.finds_itself_moved().await?)
        };
        found.await.unwrap_or_else(|error| {
            tracing::info!(code = error.code, "the own record was not looked at");
            false
        })
    }

    async fn go_on_moving(&self) -> Result<(), ErrorView> {
        let _turn = self.inner.turn.lock().await;
        let ready = self.ready()?;
        let cancel = self.new_move();
        let set_up = self.set_up_of(&ready).await?;
        match set_up.go_on_moving(&cancel).await {
            Ok(Some(arrived)) => self.arrive(&set_up, &ready, arrived).await,
            Ok(None) => Ok(()),
            Err(error) if may_work_later(&error) => Err(error.into()),
            Err(error) => {
                tracing::warn!(code = error.code(), "a move is given up");
                Ok(set_up.undo_move().await?)
            }
        }
    }

    /// Messaging ends at one relay and begins at the other, or again where it was.
    async fn arrive(
        &self,
        set_up: &SetUp,
        ready: &Ready,
        arrived: Arrived,
    ) -> Result<(), ErrorView> {
        ready.end().await;
        let moved = set_up.moved(arrived).await;
        let own = ready.database.read(|tx| own::load(tx)).await?;
        let own = own.ok_or_else(|| ErrorView::new("internal"))?;
        self.begin_again(ready, own).await?;
        if moved.is_err() {
            self.resume_any_move();
        }
        moved.map(drop).map_err(ErrorView::from)
    }

    /// Cancels what is under way as long as that is possible.
    fn current_move(&self) -> CancellationToken {
        let current = &self.inner.moving;
        let current = current.lock().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    fn new_move(&self) -> CancellationToken {
        let new = CancellationToken::new();
        let current = &self.inner.moving;
        *current.lock().unwrap_or_else(PoisonError::into_inner) = new.clone();
        new
    }
}

/// What a relay that does not take the account says is final, and so is another key in the record.
fn may_work_later(error: &SetUpError) -> bool {
    !matches!(
        error,
        SetUpError::Elsewhere
            | SetUpError::Gone
            | SetUpError::Move(MoveError::Closed | MoveError::Cancelled)
    )
}

fn offer(domain: String, document: &EnablerDocument) -> RelayOfferView {
    let capabilities = &document.capabilities;
    let files = capabilities.attachments.as_ref();
    let days = |seconds: u64| u32::try_from(seconds / DAY).unwrap_or(u32::MAX);
    RelayOfferView {
        domain,
        message_days: capabilities
            .grant
            .as_ref()
            .map_or(0, |it| days(it.message_expiry)),
        file_days: files.map(|it| days(it.object_expiry)),
        file_bytes: files.map(|it| it.account_max_bytes),
    }
}
