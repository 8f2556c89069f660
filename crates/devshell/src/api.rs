//! `POST /api/<command>`: the same commands, names and arguments as the desktop window's.

use crate::server::Shell;
use axum::{
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Json, Response},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use sotto_core::{
    app::App,
    views::{ErrorView, IncomingPolicy},
};

#[derive(Deserialize)]
struct Nothing {}

#[derive(Deserialize)]
struct Passphrase {
    passphrase: String,
}

#[derive(Deserialize)]
struct Handle {
    handle: String,
}

#[derive(Deserialize)]
struct Relay {
    relay: String,
}

#[derive(Deserialize)]
struct Words {
    words: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyChange {
    conversation_id: String,
    key: String,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

#[derive(Deserialize)]
struct Query {
    query: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    conversation_id: String,
    before: Option<i64>,
    limit: u32,
}

#[derive(Deserialize)]
struct Ids {
    ids: Vec<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Text {
    conversation_id: String,
    text: String,
    reply_to: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reaction {
    message_id: i64,
    emoji: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Edit {
    message_id: i64,
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deletion {
    message_id: i64,
    for_everyone: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Timer {
    conversation_id: String,
    seconds: Option<u32>,
}

#[derive(Deserialize)]
struct Receipts {
    read: bool,
    typing: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    message_id: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfMessage {
    message_id: i64,
    index: u32,
}

#[derive(Deserialize)]
struct Change {
    remove: bool,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Conversation {
    conversation_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Confirmation {
    conversation_id: String,
    confirmed: bool,
    number: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Picture {
    conversation_id: String,
    picture: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Around {
    conversation_id: String,
    message_id: i64,
    limit: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct After {
    conversation_id: String,
    after: i64,
    limit: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Search {
    query: String,
    conversation_id: Option<String>,
    before: Option<i64>,
    limit: u32,
}

#[derive(Deserialize)]
struct Policy {
    policy: IncomingPolicy,
}

/// Why a command gave no result.
pub(crate) struct Failure(StatusCode, ErrorView);

impl Failure {
    /// A request that no page of ours makes.
    pub(crate) fn of_request(status: StatusCode, detail: impl std::fmt::Display) -> Self {
        Self(status, ErrorView::with_detail("internal", detail))
    }
}

impl From<ErrorView> for Failure {
    fn from(error: ErrorView) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

/// Runs one command.
pub(crate) async fn command(
    State(shell): State<Shell>,
    Path(command): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    run(&shell.app, &command, &body).await.map(Json)
}

/// Runs the command whose arguments may be larger than those of all others.
pub(crate) async fn compare_safety_code(
    State(shell): State<Shell>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    let compare = async |a: Picture| {
        shell
            .app
            .compare_safety_code(a.conversation_id, a.picture)
            .await
    };
    with(&body, compare).await.map(Json)
}

async fn run(app: &App, command: &str, body: &[u8]) -> Result<Value, Failure> {
    match command {
        "state" => with(body, async |_: Nothing| app.state().await).await,
        "unlock" => with(body, async |a: Passphrase| app.unlock(a.passphrase).await).await,
        "sign_in" => with(body, async |a: Handle| app.sign_in(a.handle).await).await,
        "cancel_sign_in" => with(body, async |_: Nothing| app.cancel_sign_in().await).await,
        "set_up" => with(body, async |a: Relay| app.set_up(a.relay).await).await,
        "sign_out" => with(body, async |_: Nothing| app.sign_out().await).await,
        "connection" => with(body, async |_: Nothing| app.connection().await).await,
        "relay" => with(body, async |_: Nothing| app.relay().await).await,
        "check_relay" => with(body, async |a: Relay| app.check_relay(a.relay).await).await,
        "move_relay" => with(body, async |a: Relay| app.move_relay(a.relay).await).await,
        "cancel_move" => with(body, async |_: Nothing| app.cancel_move().await).await,
        _ if command.ends_with("anchoring") => of_anchoring(app, command, body).await,
        _ => of_keys(app, command, body).await,
    }
}

async fn of_keys(app: &App, command: &str, body: &[u8]) -> Result<Value, Failure> {
    match command {
        "recovery_words" => with(body, async |_: Nothing| app.recovery_words().await).await,
        "confirm_recovery_words" => {
            with(body, async |_: Nothing| app.confirm_recovery_words().await).await
        }
        "rotate_key" => with(body, async |_: Nothing| app.rotate_key().await).await,
        "recover" => with(body, async |a: Words| app.recover(a.words).await).await,
        "replace_key" => with(body, async |a: Handle| app.replace_key(a.handle).await).await,
        "revoke" => with(body, async |_: Nothing| app.revoke().await).await,
        "accept_key_change" => {
            with(body, async |a: KeyChange| {
                app.accept_key_change(a.conversation_id, a.key).await
            })
            .await
        }
        _ => of_conversations(app, command, body).await,
    }
}

async fn of_anchoring(app: &App, command: &str, body: &[u8]) -> Result<Value, Failure> {
    match command {
        "anchoring" => with(body, async |_: Nothing| app.anchoring().await).await,
        "check_anchoring" => with(body, async |_: Nothing| app.check_anchoring().await).await,
        "begin_anchoring" => {
            with(body, async |a: Change| app.begin_anchoring(a.remove).await).await
        }
        "finish_anchoring" => with(body, async |a: Code| app.finish_anchoring(a.code).await).await,
        "cancel_anchoring" => with(body, async |_: Nothing| app.cancel_anchoring().await).await,
        _ => Err(no_such_command()),
    }
}

async fn of_conversations(app: &App, command: &str, body: &[u8]) -> Result<Value, Failure> {
    match command {
        "conversations" => with(body, async |_: Nothing| app.conversations().await).await,
        "conversation" => with(body, async |a: Id| app.conversation(a.id).await).await,
        "start_conversation" => {
            with(body, async |a: Handle| {
                app.start_conversation(a.handle).await
            })
            .await
        }
        "on_germ" => with(body, async |a: Handle| app.on_germ(a.handle).await).await,
        "open_germ" => with(body, async |a: Handle| app.open_germ(a.handle).await).await,
        "suggestions" => with(body, async |a: Query| app.suggestions(a.query).await).await,
        "messages" => {
            let page = async |a: Page| app.messages(a.conversation_id, a.before, a.limit).await;
            with(body, page).await
        }
        "messages_by_id" => with(body, async |a: Ids| app.messages_by_id(a.ids).await).await,
        "messages_around" => {
            let page = async |a: Around| {
                app.messages_around(a.conversation_id, a.message_id, a.limit)
                    .await
            };
            with(body, page).await
        }
        "messages_after" => {
            let page = async |a: After| {
                app.messages_after(a.conversation_id, a.after, a.limit)
                    .await
            };
            with(body, page).await
        }
        "search" => {
            let search = async |a: Search| {
                app.search(a.query, a.conversation_id, a.before, a.limit)
                    .await
            };
            with(body, search).await
        }
        "save_draft" => {
            with(body, async |a: Text| {
                app.save_draft(a.conversation_id, a.text).await
            })
            .await
        }
        "send_text" => {
            with(body, async |a: Text| {
                app.send_text(a.conversation_id, a.text, a.reply_to).await
            })
            .await
        }
        "safety_number" => {
            with(body, async |a: Conversation| {
                app.safety_number(a.conversation_id).await
            })
            .await
        }
        "set_confirmed" => {
            with(body, async |a: Confirmation| {
                app.set_confirmed(a.conversation_id, a.confirmed, a.number)
                    .await
            })
            .await
        }
        "provenance" => with(body, async |a: Message| app.provenance(a.message_id).await).await,
        "retry" => with(body, async |a: Message| app.retry(a.message_id).await).await,
        "cancel_attachment" => {
            with(body, async |a: OfMessage| {
                app.cancel_attachment(a.message_id, a.index).await
            })
            .await
        }
        "fetch_attachment" => {
            with(body, async |a: OfMessage| {
                app.fetch_attachment(a.message_id, a.index).await
            })
            .await
        }
        "mark_read" => {
            with(body, async |a: Conversation| {
                app.mark_read(a.conversation_id).await
            })
            .await
        }
        _ => of_content(app, command, body).await,
    }
}

async fn of_content(app: &App, command: &str, body: &[u8]) -> Result<Value, Failure> {
    match command {
        "react" => {
            with(body, async |a: Reaction| {
                app.react(a.message_id, a.emoji).await
            })
            .await
        }
        "edit_message" => {
            let edit = async |a: Edit| app.edit_message(a.message_id, a.text).await;
            with(body, edit).await
        }
        "delete_message" => {
            let delete = async |a: Deletion| app.delete_message(a.message_id, a.for_everyone).await;
            with(body, delete).await
        }
        "message_edits" => {
            let edits = async |a: Message| app.message_edits(a.message_id).await;
            with(body, edits).await
        }
        "set_timer" => {
            let set = async |a: Timer| app.set_timer(a.conversation_id, a.seconds).await;
            with(body, set).await
        }
        "typing" => {
            with(body, async |a: Conversation| {
                app.typing(a.conversation_id).await
            })
            .await
        }
        "receipts" => with(body, async |_: Nothing| app.receipts().await).await,
        "set_receipts" => {
            with(body, async |a: Receipts| {
                app.set_receipts(a.read, a.typing).await
            })
            .await
        }
        _ => of_requests(app, command, body).await,
    }
}

async fn of_requests(app: &App, command: &str, body: &[u8]) -> Result<Value, Failure> {
    match command {
        "requests" => with(body, async |_: Nothing| app.requests().await).await,
        "accept_request" => with(body, async |a: Id| app.accept_request(a.id).await).await,
        "decline_request" => with(body, async |a: Id| app.decline_request(a.id).await).await,
        "policy" => with(body, async |_: Nothing| app.policy().await).await,
        "set_incoming" => with(body, async |a: Policy| app.set_incoming(a.policy).await).await,
        _ => Err(no_such_command()),
    }
}

fn no_such_command() -> Failure {
    Failure::of_request(StatusCode::NOT_FOUND, "no such command")
}

/// Reads the arguments, runs `command` and writes its result.
async fn with<A, T>(
    body: &[u8],
    command: impl AsyncFnOnce(A) -> Result<T, ErrorView>,
) -> Result<Value, Failure>
where
    A: DeserializeOwned,
    T: Serialize,
{
    let args = serde_json::from_slice(body)
        .map_err(|error| Failure::of_request(StatusCode::BAD_REQUEST, error))?;
    serde_json::to_value(command(args).await?)
        .map_err(|error| Failure::of_request(StatusCode::UNPROCESSABLE_ENTITY, error))
}
