//! What the web view may ask: the core's commands, one line each. Each is also named in
//! `build.rs` and `capabilities/main.json`, without which it cannot be called.

use crate::dialog;
use crate::running::Core;
use sotto_core::views::{
    AnchoringView, AppState, ConnectionView, ConversationView, EditView, ErrorView, GermView,
    IncomingPolicy, MessageView, PolicyView, ProvenanceView, ReceiptsView, RelayOfferView,
    RelayView, RequestsView, SafetyComparison, SafetyNumberView, SearchView, SuggestionView,
};
use tauri::{AppHandle, State, Wry, command, ipc::Invoke};

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
        on_germ,
        open_germ,
        suggestions,
        messages,
        messages_by_id,
        messages_around,
        messages_after,
        search,
        save_draft,
        send_text,
        react,
        edit_message,
        delete_message,
        message_edits,
        set_timer,
        typing,
        receipts,
        set_receipts,
        attach_file,
        cancel_attachment,
        fetch_attachment,
        save_attachment,
        retry,
        mark_read,
        safety_number,
        set_confirmed,
        compare_safety_code,
        provenance,
        requests,
        accept_request,
        decline_request,
        policy,
        set_incoming,
        connection,
        relay,
        check_relay,
        move_relay,
        cancel_move,
        anchoring,
        check_anchoring,
        begin_anchoring,
        finish_anchoring,
        cancel_anchoring,
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
async fn on_germ(core: State<'_, Core>, handle: String) -> Answer<Option<GermView>> {
    core.app().await?.on_germ(handle).await
}

#[command]
async fn open_germ(core: State<'_, Core>, handle: String) -> Answer<()> {
    core.app().await?.open_germ(handle).await
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
async fn messages_around(
    core: State<'_, Core>,
    conversation_id: String,
    message_id: i64,
    limit: u32,
) -> Answer<Vec<MessageView>> {
    core.app()
        .await?
        .messages_around(conversation_id, message_id, limit)
        .await
}

#[command]
async fn messages_after(
    core: State<'_, Core>,
    conversation_id: String,
    after: i64,
    limit: u32,
) -> Answer<Vec<MessageView>> {
    core.app()
        .await?
        .messages_after(conversation_id, after, limit)
        .await
}

#[command]
async fn search(
    core: State<'_, Core>,
    query: String,
    conversation_id: Option<String>,
    before: Option<i64>,
    limit: u32,
) -> Answer<SearchView> {
    core.app()
        .await?
        .search(query, conversation_id, before, limit)
        .await
}

#[command]
async fn save_draft(core: State<'_, Core>, conversation_id: String, text: String) -> Answer<()> {
    core.app().await?.save_draft(conversation_id, text).await
}

#[command]
async fn send_text(
    core: State<'_, Core>,
    conversation_id: String,
    text: String,
    reply_to: Option<i64>,
) -> Answer<MessageView> {
    let app = core.app().await?;
    app.send_text(conversation_id, text, reply_to).await
}

#[command]
async fn react(core: State<'_, Core>, message_id: i64, emoji: Option<String>) -> Answer<()> {
    core.app().await?.react(message_id, emoji).await
}

#[command]
async fn edit_message(core: State<'_, Core>, message_id: i64, text: String) -> Answer<()> {
    core.app().await?.edit_message(message_id, text).await
}

#[command]
async fn delete_message(core: State<'_, Core>, message_id: i64, for_everyone: bool) -> Answer<()> {
    let app = core.app().await?;
    app.delete_message(message_id, for_everyone).await
}

#[command]
async fn message_edits(core: State<'_, Core>, message_id: i64) -> Answer<Vec<EditView>> {
    core.app().await?.message_edits(message_id).await
}

#[command]
async fn set_timer(
    core: State<'_, Core>,
    conversation_id: String,
    seconds: Option<u32>,
) -> Answer<()> {
    core.app().await?.set_timer(conversation_id, seconds).await
}

#[command]
async fn typing(core: State<'_, Core>, conversation_id: String) -> Answer<()> {
    core.app().await?.typing(conversation_id).await
}

#[command]
async fn receipts(core: State<'_, Core>) -> Answer<ReceiptsView> {
    core.app().await?.receipts().await
}

#[command]
async fn set_receipts(core: State<'_, Core>, read: bool, typing: bool) -> Answer<ReceiptsView> {
    core.app().await?.set_receipts(read, typing).await
}

/// `None`: the user chose no file.
#[command]
async fn attach_file(
    app: AppHandle,
    core: State<'_, Core>,
    conversation_id: String,
    caption: String,
) -> Answer<Option<MessageView>> {
    let Some(path) = dialog::open(&app).await else {
        return Ok(None);
    };
    let core = core.app().await?;
    core.send_file(conversation_id, path, caption)
        .await
        .map(Some)
}

#[command]
async fn cancel_attachment(core: State<'_, Core>, message_id: i64, index: u32) -> Answer<()> {
    core.app().await?.cancel_attachment(message_id, index).await
}

#[command]
async fn fetch_attachment(core: State<'_, Core>, message_id: i64, index: u32) -> Answer<()> {
    core.app().await?.fetch_attachment(message_id, index).await
}

/// Whether the user said where to.
#[command]
async fn save_attachment(
    app: AppHandle,
    core: State<'_, Core>,
    message_id: i64,
    index: u32,
) -> Answer<bool> {
    let core = core.app().await?;
    let message = core
        .messages_by_id(vec![message_id])
        .await?
        .into_iter()
        .next();
    let attachment = message.and_then(|it| it.attachments.into_iter().find(|it| it.index == index));
    let attachment = attachment.ok_or_else(|| ErrorView::new("attachment.unknown"))?;
    let Some(path) = dialog::save(&app, attachment.name).await else {
        return Ok(false);
    };
    core.save_attachment(message_id, index, path).await?;
    Ok(true)
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
async fn safety_number(core: State<'_, Core>, conversation_id: String) -> Answer<SafetyNumberView> {
    core.app().await?.safety_number(conversation_id).await
}

#[command]
async fn set_confirmed(
    core: State<'_, Core>,
    conversation_id: String,
    confirmed: bool,
    number: String,
) -> Answer<SafetyNumberView> {
    core.app()
        .await?
        .set_confirmed(conversation_id, confirmed, number)
        .await
}

#[command]
async fn compare_safety_code(
    core: State<'_, Core>,
    conversation_id: String,
    picture: String,
) -> Answer<SafetyComparison> {
    core.app()
        .await?
        .compare_safety_code(conversation_id, picture)
        .await
}

#[command]
async fn provenance(core: State<'_, Core>, message_id: i64) -> Answer<ProvenanceView> {
    core.app().await?.provenance(message_id).await
}

#[command]
async fn requests(core: State<'_, Core>) -> Answer<RequestsView> {
    core.app().await?.requests().await
}

#[command]
async fn accept_request(core: State<'_, Core>, id: String) -> Answer<ConversationView> {
    core.app().await?.accept_request(id).await
}

#[command]
async fn decline_request(core: State<'_, Core>, id: String) -> Answer<()> {
    core.app().await?.decline_request(id).await
}

#[command]
async fn policy(core: State<'_, Core>) -> Answer<PolicyView> {
    core.app().await?.policy().await
}

#[command]
async fn set_incoming(core: State<'_, Core>, policy: IncomingPolicy) -> Answer<PolicyView> {
    core.app().await?.set_incoming(policy).await
}

#[command]
async fn connection(core: State<'_, Core>) -> Answer<ConnectionView> {
    core.app().await?.connection().await
}

#[command]
async fn relay(core: State<'_, Core>) -> Answer<RelayView> {
    core.app().await?.relay().await
}

#[command]
async fn check_relay(core: State<'_, Core>, relay: String) -> Answer<RelayOfferView> {
    core.app().await?.check_relay(relay).await
}

#[command]
async fn move_relay(core: State<'_, Core>, relay: String) -> Answer<RelayView> {
    core.app().await?.move_relay(relay).await
}

#[command]
async fn cancel_move(core: State<'_, Core>) -> Answer<RelayView> {
    core.app().await?.cancel_move().await
}

#[command]
async fn anchoring(core: State<'_, Core>) -> Answer<AnchoringView> {
    core.app().await?.anchoring().await
}

#[command]
async fn check_anchoring(core: State<'_, Core>) -> Answer<AnchoringView> {
    core.app().await?.check_anchoring().await
}

#[command]
async fn begin_anchoring(core: State<'_, Core>, remove: bool) -> Answer<AnchoringView> {
    core.app().await?.begin_anchoring(remove).await
}

#[command]
async fn finish_anchoring(core: State<'_, Core>, code: String) -> Answer<AnchoringView> {
    core.app().await?.finish_anchoring(code).await
}

#[command]
async fn cancel_anchoring(core: State<'_, Core>) -> Answer<AnchoringView> {
    core.app().await?.cancel_anchoring().await
}
