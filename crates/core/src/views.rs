//! Every type that crosses to TypeScript, and nothing else.
//!
//! `ui/src/lib/generated` is made from this module; the test at the end fails when it is out of
//! date (`SOTTO_WRITE_GENERATED=1 cargo test -p sotto-core views` writes it anew).

mod anchoring;
mod attachments;
mod content;
mod germ;
mod keys;
mod provenance;
mod relay;
mod requests;
mod safety;
mod search;

pub use anchoring::{AnchorStanding, AnchoringStep, AnchoringView, WebAnchorView};
pub use attachments::{AttachmentState, AttachmentView, FileView};
pub use content::{EditView, ReactionView, ReceiptsView, ReplyView};
pub use germ::GermView;
pub use keys::HoldView;
pub use provenance::{
    ProvenanceFinding, ProvenanceLineView, ProvenanceOutcome, ProvenanceStep, ProvenanceView,
};
pub use relay::{FormerRelayView, MoveView, RelayOfferView, RelayView};
pub use requests::{IncomingPolicy, PolicyView, RequestMessageView, RequestView, RequestsView};
pub use safety::{SafetyCodeView, SafetyComparison, SafetyNumberView};
pub use search::{MarkView, SearchHitView, SearchView};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What went wrong: a stable code that the UI has a sentence for, and a detail for the curious
/// that never holds a secret or a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ErrorView {
    /// Stable, dotted, lower case: `handle.unknown`.
    pub code: String,
    /// English, technical, optional; never matched by anyone.
    pub detail: Option<String>,
}

impl ErrorView {
    /// An error that its code says all about.
    pub fn new(code: &str) -> Self {
        Self {
            code: code.to_owned(),
            detail: None,
        }
    }

    /// An error with a detail for the curious.
    pub fn with_detail(code: &str, detail: impl std::fmt::Display) -> Self {
        Self {
            code: code.to_owned(),
            detail: Some(detail.to_string()),
        }
    }
}

/// A code of the engine as the user interface knows it. The engine's own are finer: they are for
/// the quarantine and the log.
pub(crate) fn shown(code: &str) -> &str {
    match code {
        "key-package.none" => "key_package.none",
        "message.too-long" => "message.too_long",
        "conversation.self" => "account.self",
        "database.wrong-key" | "database.newer" => "database.corrupt",
        code if code.starts_with("key-package.") => "key_package.invalid",
        code => code,
    }
}

impl std::fmt::Display for ErrorView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.detail {
            Some(detail) => write!(f, "{}: {detail}", self.code),
            None => f.write_str(&self.code),
        }
    }
}

impl std::error::Error for ErrorView {}

/// Which screen the app is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum AppState {
    /// The vault file needs a passphrase: a new one (`create`) or the one it was made with.
    Locked {
        /// Whether the passphrase is being chosen now.
        create: bool,
    },
    /// No account.
    SignedOut,
    /// The browser is open.
    SigningIn {
        /// As typed.
        handle: String,
    },
    /// Signed in, no delegation yet: the user chooses a relay.
    SettingUp {
        /// Who signed in.
        account: AccountView,
        /// What to suggest.
        default_relay: String,
    },
    /// The account delegates to a key that is not on this device; it is never overwritten.
    DelegationElsewhere {
        /// Who signed in.
        account: AccountView,
    },
    /// Messages can be read and written.
    Ready {
        /// Whose they are.
        account: AccountView,
    },
}

/// The user's own account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    /// `did:plc:…` or `did:web:…`.
    pub did: String,
    /// For display only.
    pub handle: String,
    /// From the profile record.
    pub display_name: Option<String>,
    /// A `data:` URL: the web view has no network.
    pub avatar: Option<String>,
    /// The discovery domain, once there is one.
    pub relay: Option<String>,
    /// The words of the key have to be written down: `recovery_words` gives them.
    pub words_due: bool,
}

/// How sure it is that a peer's key is the peer's (docs/protocol.md §1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// Record and claim agree.
    Vended,
    /// The DID document says so too.
    Anchored,
    /// The users compared safety numbers.
    Confirmed,
}

/// The other account of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PeerView {
    /// `did:plc:…` or `did:web:…`.
    pub did: String,
    /// For display only; the DID where no handle is known.
    pub handle: String,
    /// From the profile record.
    pub display_name: Option<String>,
    /// A `data:` URL.
    pub avatar: Option<String>,
    /// How sure the key is.
    pub level: Level,
}

/// One line of the conversation list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConversationView {
    /// Hex of the conversation id (docs/protocol.md §3).
    pub id: String,
    /// With whom.
    pub peer: PeerView,
    /// Text of the last message; null where there is none or it is not supported.
    pub preview: Option<String>,
    /// Its file, where the last message has no text beside it.
    pub preview_file: Option<FileView>,
    /// Whether the last message is the user's own.
    pub preview_mine: bool,
    /// Its state; null where there is no message.
    pub preview_state: Option<MessageState>,
    /// Milliseconds since 1970 of the last message.
    #[ts(type = "number | null")]
    pub last_at: Option<i64>,
    /// Number of messages not read yet.
    pub unread: u32,
    /// What the user was writing; null where that is nothing.
    pub draft: Option<String>,
    /// Why nothing goes out to the peer; null where everything does.
    pub hold: Option<HoldView>,
    /// Whether the last message was deleted for everyone.
    pub preview_deleted: bool,
    /// Seconds after which messages disappear; null where they stay.
    pub timer: Option<u32>,
    /// Whether the peer is writing something at this moment.
    pub typing: bool,
}

/// What has become of a message (docs/protocol.md §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum MessageState {
    /// Written down here; not yet with every relay it goes to.
    Sending,
    /// Every addressed relay has answered 202.
    Sent,
    /// Every addressed device has acknowledged it.
    Delivered,
    /// Given up; `error` says why.
    Failed,
    /// From the peer.
    Received,
    /// The peer has said that it has read it.
    Read,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MessageView {
    /// Ascending in the order in which messages are shown.
    #[ts(type = "number")]
    pub id: i64,
    /// Hex.
    pub conversation_id: String,
    /// Whether the user wrote it.
    pub mine: bool,
    /// Null where this version does not support the content, and where it was deleted.
    pub text: Option<String>,
    /// Milliseconds since 1970: written (own) or arrived (the peer's), by this device's clock.
    #[ts(type = "number")]
    pub sent_at: i64,
    /// What has become of it.
    pub state: MessageState,
    /// Why it failed or why it is waiting.
    pub error: Option<ErrorView>,
    /// The code of a line of the timeline that is no message; null for messages.
    pub notice: Option<String>,
    /// The message that it answers; null where it answers none.
    pub reply_to: Option<ReplyView>,
    /// One line for each different reaction.
    pub reactions: Vec<ReactionView>,
    /// Milliseconds since 1970 of the last edit; null where it was never edited.
    #[ts(type = "number | null")]
    pub edited_at: Option<i64>,
    /// It was deleted for everyone; `text` is null.
    pub deleted: bool,
    /// Seconds after which it disappears, from reading or from sending; null where it stays.
    pub expires_in: Option<u32>,
    /// Milliseconds since 1970 of its end, once the time runs.
    #[ts(type = "number | null")]
    pub expires_at: Option<i64>,
    /// Files that go with it.
    pub attachments: Vec<AttachmentView>,
    /// Its file is not at the relay, and nobody else knows of it: it can be edited and deleted, but
    /// nothing can be said of it.
    pub waits_for_file: bool,
}

/// An account to choose from while a handle is typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SuggestionView {
    /// `did:plc:…` or `did:web:…`.
    pub did: String,
    /// For display and for `start_conversation`, which verifies it.
    pub handle: String,
    /// As the app view says, unverified.
    pub display_name: Option<String>,
    /// A `data:` URL.
    pub avatar: Option<String>,
}

/// Whether messages can come and go at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum ConnectionState {
    /// On the way, for the first time or again.
    Connecting,
    /// The relay's event socket is open and caught up.
    Online,
    /// Waiting for the next attempt.
    Offline,
}

/// The connection to the user's own relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionView {
    /// Where it stands.
    pub state: ConnectionState,
    /// Why it is not online; where it is, what keeps this machine from doing its part.
    pub error: Option<ErrorView>,
}

/// What has changed: ids only, the UI reads again by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum AppEvent {
    /// `state` answers something else now.
    State,
    /// These lines of the list, or new ones.
    Conversations {
        /// Hex.
        ids: Vec<String>,
    },
    /// These messages of one conversation.
    Messages {
        /// Hex.
        conversation_id: String,
        /// Message ids.
        #[ts(type = "Array<number>")]
        ids: Vec<i64>,
    },
    /// `requests` or `policy` answers something else now.
    Requests,
    /// `connection` answers something else now.
    Connection,
    /// `anchoring` answers something else now.
    Anchoring,
    /// Events were lost: read everything again.
    Overflowed,
    /// Open this in the user's browser.
    OpenUrl {
        /// An `http(s)` URL.
        url: String,
    },
}

#[cfg(test)]
mod tests;
