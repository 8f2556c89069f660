use super::*;
use std::path::{Path, PathBuf};
use ts_rs::Config;

fn generated() -> Vec<(String, String)> {
    let config = Config::new();
    fn one<T: TS + 'static>(config: &Config) -> (String, String) {
        (
            format!("{}.ts", T::name(config)),
            T::export_to_string(config).unwrap(),
        )
    }
    vec![
        one::<AccountView>(&config),
        one::<AnchorStanding>(&config),
        one::<AnchoringStep>(&config),
        one::<AnchoringView>(&config),
        one::<AppEvent>(&config),
        one::<AppState>(&config),
        one::<AttachmentState>(&config),
        one::<AttachmentView>(&config),
        one::<ConnectionState>(&config),
        one::<ConnectionView>(&config),
        one::<ConversationView>(&config),
        one::<EditView>(&config),
        one::<ErrorView>(&config),
        one::<FormerRelayView>(&config),
        one::<GermView>(&config),
        one::<HoldView>(&config),
        one::<IncomingPolicy>(&config),
        one::<Level>(&config),
        one::<MarkView>(&config),
        one::<MessageState>(&config),
        one::<MessageView>(&config),
        one::<MoveView>(&config),
        one::<PeerView>(&config),
        one::<ProvenanceFinding>(&config),
        one::<ProvenanceLineView>(&config),
        one::<ProvenanceOutcome>(&config),
        one::<ProvenanceStep>(&config),
        one::<ProvenanceView>(&config),
        one::<SafetyCodeView>(&config),
        one::<SafetyComparison>(&config),
        one::<SafetyNumberView>(&config),
        one::<PolicyView>(&config),
        one::<ReactionView>(&config),
        one::<ReceiptsView>(&config),
        one::<FileView>(&config),
        one::<RelayOfferView>(&config),
        one::<RelayView>(&config),
        one::<ReplyView>(&config),
        one::<RequestMessageView>(&config),
        one::<RequestView>(&config),
        one::<RequestsView>(&config),
        one::<SearchHitView>(&config),
        one::<SearchView>(&config),
        one::<SuggestionView>(&config),
        one::<WebAnchorView>(&config),
    ]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/lib/generated")
}

#[test]
fn typescript_is_up_to_date() {
    let write = std::env::var_os("SOTTO_WRITE_GENERATED").is_some();
    let mut expected = Vec::new();
    for (name, text) in generated() {
        let path = folder().join(&name);
        if write {
            std::fs::write(&path, &text).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            found, text,
            "{name} is out of date: SOTTO_WRITE_GENERATED=1 cargo test"
        );
        expected.push(name);
    }
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(expected.contains(&name), "{name} is generated from no type");
    }
}

#[test]
fn tags_and_names_are_those_of_the_contract() {
    let state = AppState::SettingUp {
        account: AccountView {
            did: "did:plc:a".into(),
            handle: "a.test".into(),
            display_name: None,
            avatar: None,
            relay: None,
            words_due: false,
        },
        default_relay: "relay.test".into(),
    };
    let json = serde_json::to_value(&state).unwrap();
    assert_eq!(json["kind"], "settingUp");
    assert_eq!(json["defaultRelay"], "relay.test");
    assert_eq!(json["account"]["displayName"], serde_json::Value::Null);
    let event = AppEvent::Messages {
        conversation_id: "00".into(),
        ids: vec![1],
    };
    let json = serde_json::to_string(&event).unwrap();
    assert_eq!(
        json,
        r#"{"kind":"messages","conversationId":"00","ids":[1]}"#
    );
    assert_eq!(
        serde_json::to_string(&AppEvent::State).unwrap(),
        r#"{"kind":"state"}"#
    );
}
