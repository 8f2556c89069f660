//! Generates the Tauri context, and one permission for each command: a command that is not named
//! here and in `capabilities/main.json` cannot be called from the web view.

const COMMANDS: &[&str] = &[
    "state",
    "unlock",
    "sign_in",
    "cancel_sign_in",
    "set_up",
    "sign_out",
    "recovery_words",
    "confirm_recovery_words",
    "rotate_key",
    "recover",
    "replace_key",
    "revoke",
    "accept_key_change",
    "conversations",
    "conversation",
    "start_conversation",
    "on_germ",
    "open_germ",
    "suggestions",
    "messages",
    "messages_by_id",
    "messages_around",
    "messages_after",
    "search",
    "save_draft",
    "send_text",
    "retry",
    "mark_read",
    "safety_number",
    "set_confirmed",
    "compare_safety_code",
    "provenance",
    "requests",
    "accept_request",
    "decline_request",
    "policy",
    "set_incoming",
    "connection",
    "anchoring",
    "check_anchoring",
    "begin_anchoring",
    "finish_anchoring",
    "cancel_anchoring",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest))?;
    Ok(())
}
