//! What the web view may ask: the core's commands, one line each. Each is also named in
//! `build.rs` and `capabilities/main.json`, without which it cannot be called.

use crate::running::Core;
use sotto_core::views::{
    AppState, ConnectionView, ConversationView, ErrorView, MessageView, SuggestionView,
};
use tauri::{State, Wry, command, ipc::Invoke};

type Answer<T> = Result<T, ErrorView>;

/// All of them, for the window's builder.
pub(crate) fn handler() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        state,
        unlock,
        sign_in,
        cancel_sign_in,
        set_up,
        sign_out,
        recovery_words,
        confirm_recovery_words,
        rotate_key,
        recover,
        replace_key,
        revoke,
        accept_key_change,
        conversations,
        conversation,
        start_conversation,
        suggestions,
        messages,
        messages_by_id,
        send_text,
        retry,
        mark_read,
        connection,
    ]
}

#[command]
async fn state(core: State<'_, Core>) -> Answer<AppState> {
    core.app().await?.state().await
}

#[command]
async fn unlock(core: State<'_, Core>, passphrase: String) -> Answer<AppState> {
    core.app().await?.unlock(passphrase).await
}

#[command]
async fn sign_in(core: State<'_, Core>, handle: String) -> Answer<AppState> {
    core.app().await?.sign_in(handle).await
}

#[command]
async fn cancel_sign_in(core: State<'_, Core>) -> Answer<AppState> {
    core.app().await?.cancel_sign_in().await
}

#[command]
async fn set_up(core: State<'_, Core>, relay: String) -> Answer<AppState> {
    core.app().await?.set_up(relay).await
}

#[command]
async fn sign_out(core: State<'_, Core>) -> Answer<AppState> {
    core.app().await?.sign_out().await
}

/// The one answer that holds a secret: the user is to write it down.
#[command]
async fn recovery_words(core: State<'_, Core>) -> Answer<Vec<String>> {
    core.app().await?.recovery_words().await
}

#[command]
async fn confirm_recovery_words(core: State<'_, Core>) -> Answer<AppState> {
    core.app().await?.confirm_recovery_words().await
}

#[command]
async fn rotate_key(core: State<'_, Core>) -> Answer<AppState> {
    core.app().await?.rotate_key().await
}

#[command]
async fn recover(core: State<'_, Core>, words: String) -> Answer<AppState> {
    core.app().await?.recover(words).await
}

#[command]
async fn replace_key(core: State<'_, Core>, handle: String) -> Answer<AppState> {
    core.app().await?.replace_key(handle).await
}

#[command]
async fn revoke(core: State<'_, Core>) -> Answer<AppState> {
    core.app().await?.revoke().await
}

#[command]
async fn accept_key_change(
    core: State<'_, Core>,
    conversation_id: String,
    key: String,
) -> Answer<ConversationView> {
    core.app()
        .await?
        .accept_key_change(conversation_id, key)
        .await
}

#[command]
async fn conversations(core: State<'_, Core>) -> Answer<Vec<ConversationView>> {
    core.app().await?.conversations().await
}

#[command]
async fn conversation(core: State<'_, Core>, id: String) -> Answer<Option<ConversationView>> {
    core.app().await?.conversation(id).await
}

#[command]
async fn start_conversation(core: State<'_, Core>, handle: String) -> Answer<ConversationView> {
    core.app().await?.start_conversation(handle).await
}

#[command]
async fn suggestions(core: State<'_, Core>, query: String) -> Answer<Vec<SuggestionView>> {
    core.app().await?.suggestions(query).await
}

#[command]
async fn messages(
    core: State<'_, Core>,
    conversation_id: String,
    before: Option<i64>,
    limit: u32,
) -> Answer<Vec<MessageView>> {
    core.app()
        .await?
        .messages(conversation_id, before, limit)
        .await
}

#[command]
async fn messages_by_id(core: State<'_, Core>, ids: Vec<i64>) -> Answer<Vec<MessageView>> {
    core.app().await?.messages_by_id(ids).await
}

#[command]
async fn send_text(
    core: State<'_, Core>,
    conversation_id: String,
    text: String,
) -> Answer<MessageView> {
    core.app().await?.send_text(conversation_id, text).await
}

#[command]
async fn retry(core: State<'_, Core>, message_id: i64) -> Answer<()> {
    core.app().await?.retry(message_id).await
}

#[command]
async fn mark_read(core: State<'_, Core>, conversation_id: String) -> Answer<()> {
    core.app().await?.mark_read(conversation_id).await
}

#[command]
async fn connection(core: State<'_, Core>) -> Answer<ConnectionView> {
    core.app().await?.connection().await
}
