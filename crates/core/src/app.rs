//! The facade: exactly the commands of the user interface, one line each.

mod anchoring;
#[cfg(feature = "testing")]
mod assembled;
mod attachments;
mod config;
mod content;
mod errors;
mod events;
mod follow;
mod germ;
mod keys;
mod life;
mod messaging;
mod phase;
mod present;
mod reading;
mod requests;
mod safety;
mod search;

#[cfg(feature = "testing")]
pub use assembled::{Outside, account};
pub use config::{Browser, Config};
pub use events::Events;

pub use crate::relay::socket::{Duplex, Upgrade};

use crate::account::data_dir::{self, DataDirLock};
use crate::account::vault::{Place, SystemKeyring, Vault};
use crate::relay::socket::Sockets;
use crate::views::{
    AnchoringView, AppEvent, AppState, ConnectionView, ConversationView, EditView, ErrorView,
    GermView, IncomingPolicy, MessageView, PolicyView, ProvenanceView, ReceiptsView, RequestsView,
    SafetyComparison, SafetyNumberView, SearchView, SuggestionView,
};
use phase::Phase;
use sotto_identity::Network;
use sotto_identity::oauth::OAuth;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Mutex, OnceCell, broadcast};

/// Events kept for a slow listener; one that falls behind is told so.
const EVENTS_KEPT: usize = 256;

/// How long the end waits for what is under way.
const TURN: Duration = Duration::from_secs(3);

/// The app: cheap to clone, one per data directory.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    default_relay: String,
    network: Network,
    sockets: Sockets,
    events: broadcast::Sender<AppEvent>,
    phase: RwLock<Phase>,
    /// Held from one phase to the next: transitions do not overlap.
    turn: Mutex<()>,
    vault: OnceCell<Vault>,
    oauth: OnceLock<OAuth>,
    _lock: Option<DataDirLock>,
    /// Another number than the usual one, for a simulation.
    #[cfg(feature = "testing")]
    key_packages: Option<usize>,
}

/// Commands fail with an [`ErrorView`] whose code the UI has a sentence for.
#[expect(
    clippy::missing_errors_doc,
    reason = "every command: see the line above"
)]
impl App {
    /// Starts the app on its data directory, as far as that goes without its user. What cannot be
    /// opened now (a locked keyring) is tried again by [`App::state`], which also says why.
    pub async fn start(config: Config) -> Result<App, ErrorView> {
        let lock = data_dir::take(&config.data_dir)?;
        let inner = Inner {
            network: Network::new(config.endpoints.clone())?,
            sockets: Sockets::new(config.development)
                .map_err(|error| ErrorView::with_detail("internal", error))?,
            default_relay: life::suggested(&config.default_relay, config.development),
            events: broadcast::channel(EVENTS_KEPT).0,
            phase: RwLock::new(Phase::Closed),
            turn: Mutex::new(()),
            vault: OnceCell::new(),
            oauth: OnceLock::new(),
            _lock: Some(lock),
            #[cfg(feature = "testing")]
            key_packages: None,
            config,
        };
        let app = App {
            inner: Arc::new(inner),
        };
        if let Err(error) = app.open().await {
            tracing::warn!(%error, "not opened yet");
        }
        Ok(app)
    }

    /// What changes from now on.
    pub fn events(&self) -> Events {
        Events(self.inner.events.subscribe())
    }

    /// Ends every task. What was under way goes on at the next start.
    pub async fn shutdown(&self) {
        self.cancel();
        // Setting up may be waiting for a server; it can be interrupted anywhere.
        let _turn = tokio::time::timeout(TURN, self.inner.turn.lock()).await;
        self.inner.enter(Phase::Ended).end().await;
    }

    /// Which screen to show.
    pub async fn state(&self) -> Result<AppState, ErrorView> {
        if matches!(self.inner.phase(), Phase::Closed) {
            let _turn = self.inner.turn.lock().await;
            if matches!(self.inner.phase(), Phase::Closed) {
                self.open().await?;
            }
        }
        self.inner.view().await
    }

    /// Opens the vault file, or makes it, with a passphrase.
    pub async fn unlock(&self, passphrase: String) -> Result<AppState, ErrorView> {
        let _turn = self.inner.turn.lock().await;
        if matches!(self.inner.phase(), Phase::Locked { .. }) {
            let vault = self.inner.vault_place().open_with(passphrase).await?;
            self.opened(vault).await?;
        }
        self.inner.view().await
    }

    /// Signs in through the browser; returns when that is over.
    pub async fn sign_in(&self, handle: String) -> Result<AppState, ErrorView> {
        self.signing_in(handle).await
    }

    /// Gives up the sign-in under way.
    pub async fn cancel_sign_in(&self) -> Result<AppState, ErrorView> {
        self.cancel();
        // The sign-in holds the turn until it has ended.
        let _turn = self.inner.turn.lock().await;
        self.inner.view().await
    }

    /// Delegates the account to this device with `relay` as its discovery domain.
    pub async fn set_up(&self, relay: String) -> Result<AppState, ErrorView> {
        self.setting_up(relay).await
    }

    /// The words of the own delegate key, to be written down: after a set-up and after a rotation,
    /// until [`App::confirm_recovery_words`]. This is the one place where a secret crosses to the
    /// user interface, because the user is to have it. It goes into no log and no event.
    pub async fn recovery_words(&self) -> Result<Vec<String>, ErrorView> {
        self.words().await
    }

    /// The words are written down and not shown again.
    pub async fn confirm_recovery_words(&self) -> Result<AppState, ErrorView> {
        self.words_kept().await
    }

    /// Replaces the delegate key by a new one that it vouches for. Where the DID document has to
    /// name that first, it is [`AnchoringView::successor`] afterwards, and the commands for
    /// anchoring go on with it.
    pub async fn rotate_key(&self) -> Result<AppState, ErrorView> {
        self.rotating().await
    }

    /// Takes over an account that is set up elsewhere with its recovery words.
    pub async fn recover(&self, words: String) -> Result<AppState, ErrorView> {
        self.recovering(words).await
    }

    /// Takes over an account whose key and words are lost, with a key that nobody vouches for.
    /// As [`App::rotate_key`] where the DID document has to follow.
    pub async fn replace_key(&self, handle: String) -> Result<AppState, ErrorView> {
        self.replacing(handle).await
    }

    /// Takes the delegation back and stops messaging; deletes no history.
    pub async fn revoke(&self) -> Result<AppState, ErrorView> {
        self.revoking().await
    }

    /// Accepts the key that a peer has now: `key` is [`HoldView::key`](crate::views::HoldView).
    pub async fn accept_key_change(
        &self,
        conversation_id: String,
        key: String,
    ) -> Result<ConversationView, ErrorView> {
        self.accepting(&conversation_id, &key).await
    }

    /// Stops messaging and forgets which account was current; deletes no history.
    pub async fn sign_out(&self) -> Result<AppState, ErrorView> {
        self.signing_out().await
    }

    /// The conversation list, newest first.
    pub async fn conversations(&self) -> Result<Vec<ConversationView>, ErrorView> {
        self.list().await
    }

    /// One line of it.
    pub async fn conversation(&self, id: String) -> Result<Option<ConversationView>, ErrorView> {
        self.one(&id).await
    }

    /// Verifies the account behind a handle (or DID) and opens the conversation with it.
    pub async fn start_conversation(&self, handle: String) -> Result<ConversationView, ErrorView> {
        self.begin(&handle).await
    }

    /// Whether someone who does not use Sotto can be reached on Germ, and how.
    pub async fn on_germ(&self, handle: String) -> Result<Option<GermView>, ErrorView> {
        self.elsewhere(&handle).await
    }

    /// Opens the way to them in the user's browser.
    pub async fn open_germ(&self, handle: String) -> Result<(), ErrorView> {
        self.go_elsewhere(&handle).await
    }

    /// Accounts whose handle or name begins like `query`.
    pub async fn suggestions(&self, query: String) -> Result<Vec<SuggestionView>, ErrorView> {
        self.suggest(&query).await
    }

    /// Up to `limit` messages older than `before`, oldest first.
    pub async fn messages(
        &self,
        conversation_id: String,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<MessageView>, ErrorView> {
        self.page(&conversation_id, before, limit).await
    }

    /// These messages, those that exist.
    pub async fn messages_by_id(&self, ids: Vec<i64>) -> Result<Vec<MessageView>, ErrorView> {
        self.some(ids).await
    }

    /// Messages that hold every word of `query`, the last of which may be unfinished, in one
    /// conversation or in all; `before` is [`SearchView::more`] of the answer before.
    pub async fn search(
        &self,
        query: String,
        conversation_id: Option<String>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<SearchView, ErrorView> {
        self.find(query, conversation_id, before, limit).await
    }

    /// Up to `limit` messages around one of them, oldest first.
    pub async fn messages_around(
        &self,
        conversation_id: String,
        message_id: i64,
        limit: u32,
    ) -> Result<Vec<MessageView>, ErrorView> {
        self.page_around(&conversation_id, message_id, limit).await
    }

    /// Up to `limit` messages newer than `after`, oldest first.
    pub async fn messages_after(
        &self,
        conversation_id: String,
        after: i64,
        limit: u32,
    ) -> Result<Vec<MessageView>, ErrorView> {
        self.page_after(&conversation_id, after, limit).await
    }

    /// Keeps what is being written, until it is sent; an empty text removes it.
    pub async fn save_draft(&self, conversation_id: String, text: String) -> Result<(), ErrorView> {
        self.keep_draft(&conversation_id, text).await
    }

    /// Writes a text message down, in answer to another one or not; it is sent in the background.
    pub async fn send_text(
        &self,
        conversation_id: String,
        text: String,
        reply_to: Option<i64>,
    ) -> Result<MessageView, ErrorView> {
        self.write(&conversation_id, text, reply_to).await
    }

    /// Reacts to a message with one visible character, in the place of the reaction there was; null
    /// withdraws it.
    pub async fn react(&self, message_id: i64, emoji: Option<String>) -> Result<(), ErrorView> {
        self.reacting(message_id, emoji).await
    }

    /// Gives an own message another text.
    pub async fn edit_message(&self, message_id: i64, text: String) -> Result<(), ErrorView> {
        self.editing(message_id, text).await
    }

    /// Deletes a message here, or, if it is the user's own, for everyone.
    pub async fn delete_message(
        &self,
        message_id: i64,
        for_everyone: bool,
    ) -> Result<(), ErrorView> {
        self.deleting(message_id, for_everyone).await
    }

    /// The texts that a message had before the present one, oldest first.
    pub async fn message_edits(&self, message_id: i64) -> Result<Vec<EditView>, ErrorView> {
        self.earlier(message_id).await
    }

    /// Has the messages that are written from here on disappear after so many seconds (a year at
    /// most), or not.
    pub async fn set_timer(
        &self,
        conversation_id: String,
        seconds: Option<u32>,
    ) -> Result<(), ErrorView> {
        self.timing(&conversation_id, seconds).await
    }

    /// Something is being written to this peer, who is told if the user wants that.
    pub async fn typing(&self, conversation_id: String) -> Result<(), ErrorView> {
        self.writing(&conversation_id).await
    }

    /// What peers are told of the user.
    pub async fn receipts(&self) -> Result<ReceiptsView, ErrorView> {
        self.told_of().await
    }

    /// Chooses what peers are told of the user.
    pub async fn set_receipts(&self, read: bool, typing: bool) -> Result<ReceiptsView, ErrorView> {
        self.tell_of(read, typing).await
    }

    /// Writes a message with a file down; it is sent in the background when the file is at the relay.
    /// The caption may be empty.
    pub async fn send_file(
        &self,
        conversation_id: String,
        path: PathBuf,
        caption: String,
    ) -> Result<MessageView, ErrorView> {
        self.attach(&conversation_id, path, caption).await
    }

    /// Stops a file on its way: takes back a message that waits for it, leaves one that is being
    /// fetched at the relay.
    pub async fn cancel_attachment(&self, message_id: i64, index: u32) -> Result<(), ErrorView> {
        self.stop_file(message_id, index).await
    }

    /// Has a file fetched in the background. Nothing is ever fetched without this.
    pub async fn fetch_attachment(&self, message_id: i64, index: u32) -> Result<(), ErrorView> {
        self.get_file(message_id, index).await
    }

    /// Saves a file that is here at `path`; where that is a folder, in it, under a name that is
    /// free. Returns where it is.
    pub async fn save_attachment(
        &self,
        message_id: i64,
        index: u32,
        path: PathBuf,
    ) -> Result<PathBuf, ErrorView> {
        self.keep_file(message_id, index, path).await
    }

    /// Tries a failed message again.
    pub async fn retry(&self, message_id: i64) -> Result<(), ErrorView> {
        self.once_more(message_id).await
    }

    /// Everything in this conversation has been seen.
    pub async fn mark_read(&self, conversation_id: String) -> Result<(), ErrorView> {
        self.seen(&conversation_id).await
    }

    /// What the two people of a conversation compare (docs/protocol.md §1.8).
    pub async fn safety_number(
        &self,
        conversation_id: String,
    ) -> Result<SafetyNumberView, ErrorView> {
        self.number(&conversation_id).await
    }

    /// The user has compared `number`, as it was shown, or takes that back.
    pub async fn set_confirmed(
        &self,
        conversation_id: String,
        confirmed: bool,
        number: String,
    ) -> Result<SafetyNumberView, ErrorView> {
        self.confirm(&conversation_id, confirmed, number).await
    }

    /// Looks for the peer's code in a PNG or JPEG file (base64); a match confirms the peer's key.
    pub async fn compare_safety_code(
        &self,
        conversation_id: String,
        picture: String,
    ) -> Result<SafetyComparison, ErrorView> {
        self.compare(&conversation_id, picture).await
    }

    /// Where a message came from, checked now.
    pub async fn provenance(&self, message_id: i64) -> Result<ProvenanceView, ErrorView> {
        self.came_from(message_id).await
    }

    /// First messages that wait for the user's word. Their senders notice nothing of it.
    pub async fn requests(&self) -> Result<RequestsView, ErrorView> {
        self.waiting().await
    }

    /// Lets the sender of a request in: the conversation begins, and is answered.
    pub async fn accept_request(&self, id: String) -> Result<ConversationView, ErrorView> {
        self.let_in(&id).await
    }

    /// Discards a request. The sender does not get to know.
    pub async fn decline_request(&self, id: String) -> Result<(), ErrorView> {
        self.turn_away(&id).await
    }

    /// From whom first messages come straight in.
    pub async fn policy(&self) -> Result<PolicyView, ErrorView> {
        self.reachable().await
    }

    /// Chooses from whom; it counts here at once, and is published in the account's record.
    pub async fn set_incoming(&self, policy: IncomingPolicy) -> Result<PolicyView, ErrorView> {
        self.choose(policy).await
    }

    /// How the own key stands in the account's DID document, as far as it was looked at.
    pub async fn anchoring(&self) -> Result<AnchoringView, ErrorView> {
        self.anchoring_view().await
    }

    /// Looks at the DID document now.
    pub async fn check_anchoring(&self) -> Result<AnchoringView, ErrorView> {
        self.checking_anchor().await
    }

    /// Asks for the permission to change the DID document, unless it is still there, and has a code
    /// sent by e-mail; returns when that is done. With `remove` the key is to be taken out.
    pub async fn begin_anchoring(&self, remove: bool) -> Result<AnchoringView, ErrorView> {
        self.beginning_anchoring(remove).await
    }

    /// Changes the DID document, with the code that came by e-mail, and replaces the key where that
    /// waited for it.
    pub async fn finish_anchoring(&self, code: String) -> Result<AnchoringView, ErrorView> {
        self.finishing_anchoring(code).await
    }

    /// Gives up the change that is under way, and the permission for it; also the replacement of
    /// the key that waits for it, where the next key is not published yet.
    pub async fn cancel_anchoring(&self) -> Result<AnchoringView, ErrorView> {
        self.cancelling_anchoring().await
    }

    /// Whether messages can come and go.
    pub async fn connection(&self) -> Result<ConnectionView, ErrorView> {
        Ok(self.reached())
    }
}

impl Inner {
    fn phase(&self) -> Phase {
        self.phase
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Enters a phase, tells so, and gives back the one before.
    fn enter(&self, phase: Phase) -> Phase {
        let mut current = self.phase.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *current, phase);
        drop(current);
        // Nobody listening is no failure.
        let _ = self.events.send(AppEvent::State);
        before
    }

    async fn view(&self) -> Result<AppState, ErrorView> {
        self.phase().view(&self.default_relay).await
    }

    fn vault_place(&self) -> Place {
        Place {
            data_dir: self.config.data_dir.clone(),
            choice: self.config.keyring,
            cost: self.config.passphrase_cost,
            keys: Arc::new(SystemKeyring),
            random: Arc::clone(&self.config.random),
        }
    }
}
