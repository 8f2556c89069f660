use ciborium::Value;
use proptest::prelude::*;

use super::*;
use crate::cbor;

mod examples;
mod shapes;

const TEXT_TYPE: &str = "text/plain;charset=utf-8";

fn plain(body: Body) -> Content {
    Content {
        salt: [7; 16],
        replaces: None,
        expires: None,
        in_reply_to: None,
        body,
    }
}

fn text(text: &str) -> Content {
    plain(Body::Text(text.into()))
}

fn did() -> Did {
    Did::parse("did:web:alice.example").unwrap()
}

fn conversation() -> ConversationId {
    ConversationId::of(&did(), &Did::parse("did:web:bob.example").unwrap())
}

#[test]
fn text_round_trip() {
    for sample in ["", "hello", "Grüße 🌳\n", &"x".repeat(MAX_TEXT)] {
        let bytes = text(sample).encode().unwrap();
        assert_eq!(Content::decode(&bytes), Ok(text(sample)));
    }
    let bytes = text("hi").encode().unwrap();
    let expected = "8750070707070707070707070707070707 07f640f6f6a0 85016001\
        7818746578742f706c61696e3b636861727365743d7574662d38 426869";
    assert_eq!(hex::encode(bytes), expected.replace(' ', ""));
}

/// One of everything that is written.
fn samples() -> Vec<Content> {
    let id = Some([1; 32]);
    let part = |disposition| ExternalPart {
        disposition,
        content_type: "image/png".into(),
        url: "https://relay.example/x".into(),
        expires: 5,
        size: u64::MAX,
        enc_alg: 1,
        key: vec![1; 16].into(),
        nonce: vec![2; 12],
        aad: vec![3],
        hash_alg: 1,
        content_hash: vec![4; 32],
        description: "a tree".into(),
        filename: "tree.png".into(),
    };
    let attachments = |text: Option<&str>, n: usize| {
        plain(Body::Attachments {
            text: text.map(Into::into),
            parts: vec![part(Disposition::Attachment); n],
        })
    };
    let reaction = |emoji: &[&str]| Content {
        in_reply_to: id,
        ..plain(Body::Reaction(
            emoji.iter().map(ToString::to_string).collect(),
        ))
    };
    let delete = |reaction| Content {
        replaces: id,
        ..plain(Body::Delete { reaction })
    };
    vec![
        text("hello"),
        Content {
            in_reply_to: id,
            expires: Some(Expires::After(60)),
            ..text("a reply")
        },
        Content {
            replaces: id,
            expires: Some(Expires::At(u32::MAX)),
            ..text("an edit")
        },
        reaction(&["🌳"]),
        reaction(&["🌳", "❤️"]),
        delete(true),
        delete(false),
        plain(Body::Status(vec![([1; 32], STATUS_READ), ([2; 32], 255)])),
        plain(Body::Status(Vec::new())),
        attachments(None, 1),
        attachments(Some("look"), 1),
        attachments(None, 2),
        attachments(Some("look"), MAX_PARTS - 2),
    ]
}

#[test]
fn everything_that_is_written_is_read_again() {
    for content in samples() {
        let bytes = content.encode().unwrap();
        assert_eq!(Content::decode(&bytes), Ok(content.clone()), "{content:?}");
        let deterministic: Result<Value, _> = cbor::decode(&bytes, MAX_FRAME);
        assert!(deterministic.is_ok());
        for len in 0..bytes.len() {
            assert_eq!(Content::decode(&bytes[..len]), Err(ContentError::Malformed));
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(Content::decode(&longer), Err(ContentError::Malformed));
    }
}

#[test]
fn what_is_too_long_is_not_written() {
    let too_long = Err(ContentError::TooLong);
    assert_eq!(text(&"x".repeat(MAX_TEXT + 1)).encode(), too_long);
    let many = vec![([1; 32], STATUS_READ); MAX_STATUSES + 1];
    assert_eq!(plain(Body::Status(many)).encode(), too_long);
    for reaction in [
        "",
        "ab",
        "👍👎",
        " ",
        "\u{202e}",
        "\u{fe0f}",
        &"e\u{301}".repeat(40),
    ] {
        assert_eq!(
            plain(Body::Reaction(vec![reaction.into()])).encode(),
            too_long,
            "{reaction:?}"
        );
    }
    let unsupported = Err(ContentError::Unsupported);
    assert_eq!(plain(Body::Unsupported).encode(), unsupported);
    assert_eq!(plain(Body::Reaction(Vec::new())).encode(), unsupported);
    let Body::Attachments { text, parts } = samples().pop().unwrap().body else {
        unreachable!()
    };
    let more = [&parts[..], &parts[..1]].concat();
    assert_eq!(
        plain(Body::Attachments { text, parts: more }).encode(),
        too_long
    );
}

#[test]
fn a_key_is_in_no_log() {
    let shown = format!("{:?}", samples().pop().unwrap());
    assert!(
        !shown.contains("relay.example") && !shown.contains("[1, 1"),
        "{shown}"
    );
}

#[test]
fn ids_depend_on_sender_conversation_and_content() {
    let bytes = text("hi").encode().unwrap();
    let id = message_id(&did(), &conversation(), &bytes).unwrap();
    assert_eq!(id[0], 1);
    let bob = Did::parse("did:web:bob.example").unwrap();
    let elsewhere = ConversationId::from_bytes([0; 32]);
    let other = Content {
        salt: [8; 16],
        ..text("hi")
    }
    .encode()
    .unwrap();
    assert_ne!(message_id(&bob, &conversation(), &bytes).unwrap(), id);
    assert_ne!(message_id(&did(), &elsewhere, &bytes).unwrap(), id);
    assert_ne!(message_id(&did(), &conversation(), &other).unwrap(), id);
    assert_eq!(
        message_id(&did(), &conversation(), b"\x87\x50"),
        Err(ContentError::Malformed)
    );
}

#[test]
fn new_texts_have_fresh_salts() {
    let random = random::OsRandom;
    assert_ne!(Content::text("a", &random), Content::text("a", &random));
}

proptest! {
    #[test]
    fn every_text_round_trips(salt: [u8; 16], text in ".{0,300}") {
        let content = Content { salt, ..plain(Body::Text(text)) };
        prop_assert_eq!(Content::decode(&content.encode().unwrap()), Ok(content));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = Content::decode(&bytes);
        let _ = message_id(&did(), &conversation(), &bytes);
    }

    /// What is read of bytes that were changed in one place is still bounded and never panics.
    #[test]
    fn changed_bytes_never_panic(which in 0usize..13, at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = samples()[which].encode().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(Content { body: Body::Text(text), .. }) = Content::decode(&bytes) {
            prop_assert!(text.len() <= MAX_TEXT);
        }
    }
}
