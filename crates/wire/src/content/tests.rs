use proptest::prelude::*;

use super::*;

fn text(text: &str) -> Content {
    Content::Text {
        salt: [7; 16],
        text: text.into(),
    }
}

fn did() -> Did {
    Did::parse("did:web:alice.example").unwrap()
}

fn conversation() -> ConversationId {
    ConversationId::of(&did(), &Did::parse("did:web:bob.example").unwrap())
}

/// The "Original Message" of draft-ietf-mimi-content-08 §5.1.
fn example() -> Vec<u8> {
    let hex = "87505eed9406c2545547ab6f09f20a18b003f640f6f6a2\
        0178206d696d693a2f2f6578616d706c652e636f6d2f752f616c6963652d736d697468\
        0278256d696d693a2f2f6578616d706c652e636f6d2f722f656e67696e656572696e675f7465616d\
        85016001781e746578742f6d61726b646f776e3b76617269616e743d47464d2d4d494d49\
        583948692065766572796f6e652c207765206a75737420736869707065642072656c65617365\
        20322e302e205f5f476f6f642020776f726b5f5f21";
    hex::decode(hex).unwrap()
}

#[test]
fn the_drafts_example_has_the_drafts_id() {
    let id = mimi_message_id(
        "mimi://example.com/u/alice-smith",
        "mimi://example.com/r/engineering_team",
        &example(),
    );
    let expected = "017ce54837404c3696e0c747b985cb172716d0ed0a3d249ca63ace7d82a096f4";
    assert_eq!(hex::encode(id.unwrap()), expected);
}

#[test]
fn the_drafts_example_is_kept_as_unsupported() {
    let content = Content::decode(&example()).unwrap();
    assert_eq!(content, Content::Unsupported { bytes: example() });
    assert_eq!(content.encode(), Ok(example()));
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

#[test]
fn texts_are_bounded() {
    let long = "x".repeat(MAX_TEXT + 1);
    assert_eq!(text(&long).encode(), Err(ContentError::TooLong));
    assert_eq!(
        Content::decode(&encode_text(&[7; 16], &long)),
        Err(ContentError::TooLong)
    );
}

/// A text message with one of its seven fields replaced.
fn replaced(at: usize, value: Value) -> Result<Content, ContentError> {
    let mut fields: Value = cbor::decode(&text("hi").encode().unwrap(), 4096).unwrap();
    fields.as_array_mut().unwrap()[at] = value;
    Content::decode(&cbor::encode(&fields))
}

#[test]
fn what_is_not_a_plain_text_is_unsupported() {
    let id = Value::Bytes(vec![1; 32]);
    let extension = Value::Map(vec![(Value::from(1), Value::from("x"))]);
    let expires = Value::Array(vec![Value::Bool(true), Value::from(60)]);
    let part = |typ: &str, disposition: u8, body: &[u8]| {
        let head = [
            Value::from(disposition),
            Value::from(""),
            Value::from(1),
            Value::from(typ),
        ];
        Value::Array([&head[..], &[Value::Bytes(body.to_vec())]].concat())
    };
    for (what, at, value) in [
        ("edit", 1, id.clone()),
        ("topic", 2, Value::Bytes(vec![1])),
        ("expiring", 3, expires),
        ("reply", 4, id),
        ("extension", 5, extension),
        ("markdown", 6, part("text/markdown", 1, b"x")),
        ("reaction", 6, part(TEXT_TYPE, 2, b"x")),
        ("not UTF-8", 6, part(TEXT_TYPE, 1, &[0xff])),
    ] {
        assert!(
            matches!(replaced(at, value), Ok(Content::Unsupported { .. })),
            "{what}"
        );
    }
}

#[test]
fn what_is_not_mimi_content_is_refused() {
    for (what, at, value) in [
        ("short salt", 0, Value::Bytes(vec![1; 15])),
        ("no salt", 0, Value::Null),
        ("short id", 1, Value::Bytes(vec![1; 31])),
        ("topic", 2, Value::Null),
        ("expires", 3, Value::from(5)),
        ("reply", 4, Value::from("x")),
        ("extensions", 5, Value::Array(vec![])),
        ("part", 6, Value::Array(vec![])),
    ] {
        assert_eq!(replaced(at, value), Err(ContentError::Malformed), "{what}");
    }
    let bytes = text("hi").encode().unwrap();
    assert_eq!(
        Content::decode(&bytes[..bytes.len() - 1]),
        Err(ContentError::Malformed)
    );
    assert_eq!(Content::decode(&[0xa0]), Err(ContentError::Malformed));
    assert_eq!(Content::decode(&[]), Err(ContentError::Malformed));
}

#[test]
fn ids_depend_on_sender_conversation_and_content() {
    let bytes = text("hi").encode().unwrap();
    let id = message_id(&did(), &conversation(), &bytes).unwrap();
    assert_eq!(id[0], 1);
    let bob = Did::parse("did:web:bob.example").unwrap();
    let elsewhere = ConversationId::from_bytes([0; 32]);
    let other = Content::Text {
        salt: [8; 16],
        text: "hi".into(),
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
        let content = Content::Text { salt, text };
        prop_assert_eq!(Content::decode(&content.encode().unwrap()), Ok(content));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = Content::decode(&bytes);
        let _ = message_id(&did(), &conversation(), &bytes);
    }
}
