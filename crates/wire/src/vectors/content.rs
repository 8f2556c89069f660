//! Content of every kind.

use ciborium::Value as Cbor;
use serde_json::json;

use super::*;
use crate::{
    cbor,
    content::{self, Body, Content, Disposition, Expires, ExternalPart, MAX_STATUSES, STATUS_READ},
    conversation::ConversationId,
};

const TEXT_TYPE: &str = "text/plain;charset=utf-8";

fn plain(body: Body) -> Content {
    Content {
        salt: [6; 16],
        replaces: None,
        expires: None,
        in_reply_to: None,
        body,
    }
}

fn text(text: &str) -> Content {
    plain(Body::Text(text.into()))
}

fn external() -> ExternalPart {
    ExternalPart {
        disposition: Disposition::Attachment,
        content_type: "image/png".into(),
        url: "https://relay.example/tree".into(),
        expires: 1_700_000_000,
        size: 70_000,
        enc_alg: 1,
        key: vec![1; 16].into(),
        nonce: vec![2; 12],
        aad: Vec::new(),
        hash_alg: 1,
        content_hash: vec![4; 32],
        description: String::new(),
        filename: "tree.png".into(),
    }
}

fn body(body: &Body) -> Value {
    let attachment = |it: &ExternalPart| {
        json!({
            "disposition": u8::from(it.disposition), "contentType": it.content_type, "url": it.url,
            "expires": it.expires, "size": it.size, "encAlg": it.enc_alg,
            "key": hex::encode(&*it.key), "nonce": hex::encode(&it.nonce), "aad": hex::encode(&it.aad),
            "hashAlg": it.hash_alg, "contentHash": hex::encode(&it.content_hash),
            "description": it.description, "filename": it.filename,
        })
    };
    match body {
        Body::Text(text) => json!({ "text": text }),
        Body::Reaction(emoji) => json!({ "reaction": emoji }),
        Body::Delete { reaction } => {
            json!({ "delete": if *reaction { "reaction" } else { "message" } })
        }
        Body::Status(statuses) => {
            let pair = |(id, status): &(_, u8)| json!([hex::encode::<&[u8; 32]>(id), status]);
            json!({ "status": statuses.iter().map(pair).collect::<Vec<_>>() })
        }
        Body::Attachments { text, parts } => {
            json!({ "text": text, "attachments": parts.iter().map(attachment).collect::<Vec<_>>() })
        }
        Body::Unsupported => json!("unsupported"),
    }
}

/// What a decoder makes of the bytes.
fn case(name: &str, bytes: &[u8]) -> Value {
    let conversation = ConversationId::of(&alice(), &bob());
    let content = Content::decode(bytes).unwrap();
    let id = content::message_id(&alice(), &conversation, bytes).unwrap();
    let expires = content.expires.map(|expires| match expires {
        Expires::After(seconds) => json!({ "after": seconds }),
        Expires::At(time) => json!({ "at": time }),
    });
    let input = json!({
        "salt": hex::encode(content.salt), "replaces": content.replaces.map(hex::encode),
        "expires": expires, "inReplyTo": content.in_reply_to.map(hex::encode),
        "body": body(&content.body), "sender": alice(),
        "conversation": conversation.hex(), "messageId": hex::encode(id),
    });
    accepted(name, input, bytes)
}

fn written() -> Vec<(&'static str, Content)> {
    let id = Some([1; 32]);
    let reaction = |emoji: &[&str]| Content {
        in_reply_to: id,
        ..plain(Body::Reaction(
            emoji.iter().map(ToString::to_string).collect(),
        ))
    };
    let delete = |reaction: bool| Content {
        replaces: id,
        in_reply_to: reaction.then_some([2; 32]),
        ..plain(Body::Delete { reaction })
    };
    let expires = |expires| Content {
        expires: Some(expires),
        ..text("soon gone")
    };
    let attachments = |text: Option<&str>, n| {
        plain(Body::Attachments {
            text: text.map(Into::into),
            parts: vec![external(); n],
        })
    };
    vec![
        ("text", text("")),
        ("text", text("Hello, Bob")),
        ("text", text("Grüße 🌳")),
        (
            "reply",
            Content {
                in_reply_to: id,
                ..text("So do I")
            },
        ),
        (
            "edit",
            Content {
                replaces: id,
                ..text("Hello, Bob!")
            },
        ),
        ("disappearing", expires(Expires::After(3600))),
        (
            "disappearing at a time",
            expires(Expires::At(1_700_000_000)),
        ),
        ("reaction", reaction(&["🌳"])),
        ("two reactions", reaction(&["🌳", "❤️"])),
        ("reaction withdrawn", delete(true)),
        ("deleted", delete(false)),
        (
            "read",
            plain(Body::Status(vec![
                ([1; 32], STATUS_READ),
                ([2; 32], STATUS_READ),
            ])),
        ),
        ("attachment", attachments(None, 1)),
        ("attachment with text", attachments(Some("Look"), 1)),
        ("attachments", attachments(None, 2)),
    ]
}

fn with(at: usize, value: Cbor) -> Vec<u8> {
    let mut fields: Cbor = cbor::decode(&text("x").encode().unwrap(), 1024).unwrap();
    fields.as_array_mut().unwrap()[at] = value;
    let mut bytes = Vec::new();
    ciborium::into_writer(&fields, &mut bytes).unwrap();
    bytes
}

fn part(disposition: u8, typ: &str, content: &[u8]) -> Cbor {
    let content = Cbor::Bytes(content.to_vec());
    Cbor::Array(vec![
        disposition.into(),
        "".into(),
        1.into(),
        typ.into(),
        content,
    ])
}

fn multi(semantics: u8, parts: Vec<Cbor>) -> Cbor {
    let parts = Cbor::Array(parts);
    Cbor::Array(vec![1.into(), "".into(), 3.into(), semantics.into(), parts])
}

/// Valid, and not as this version writes it.
fn read() -> Vec<(&'static str, Vec<u8>)> {
    let gif = |disposition| part(disposition, "image/gif", b"x");
    let markdown = || part(1, "text/markdown;variant=GFM-MIMI", b"*x*");
    let extension = Cbor::Map(vec![
        (1.into(), "x".into()),
        ((-1).into(), Cbor::Float(0.5)),
    ]);
    let many = multi(2, vec![part(1, TEXT_TYPE, b"x"); 16]);
    vec![
        ("markdown", with(6, markdown())),
        ("topic", with(2, Cbor::Bytes(vec![1]))),
        ("extensions", with(5, extension)),
        ("one of two", with(6, multi(0, vec![gif(1), markdown()]))),
        ("a preview", with(6, multi(2, vec![markdown(), gif(8)]))),
        (
            "half of it unknown",
            with(6, multi(2, vec![markdown(), gif(1)])),
        ),
        ("another media type", with(6, gif(1))),
        (
            "reaction to nothing",
            with(6, part(2, TEXT_TYPE, "🌳".as_bytes())),
        ),
        (
            "deleted nothing",
            with(6, Cbor::Array(vec![1.into(), "".into(), 0.into()])),
        ),
        ("17 parts", with(6, many)),
    ]
}

#[test]
fn contents() {
    let mut cases = Vec::new();
    for (name, content) in written() {
        let bytes = content.encode().unwrap();
        assert_eq!(Content::decode(&bytes), Ok(content), "{name}");
        cases.push(case(name, &bytes));
    }
    cases.extend(read().iter().map(|(name, bytes)| case(name, bytes)));
    let too_many = plain(Body::Status(vec![([1; 32], STATUS_READ); MAX_STATUSES + 1]));
    assert!(too_many.encode().is_err());
    let text = text("x").encode().unwrap();
    let mut six = with(6, Cbor::Null);
    (six[0], _) = (0x86, six.pop());
    let nested = (0..4).fold(part(1, TEXT_TYPE, b"x"), |inner, _| {
        multi(0, vec![inner, part(1, TEXT_TYPE, b"x")])
    });
    let expires = |time: u64| Cbor::Array(vec![true.into(), time.into()]);
    let unsorted = b"\xa2\x04\x01\x03\x01";
    let unsorted = [&text[..22], unsorted, &text[23..]].concat();
    for (name, bytes) in [
        ("salt of 15 bytes", with(0, Cbor::Bytes(vec![6; 15]))),
        ("message id of 31 bytes", with(1, Cbor::Bytes(vec![1; 31]))),
        ("expires in 2^32 seconds", with(3, expires(1 << 32))),
        ("extensions out of order", unsorted),
        (
            "disposition 256",
            with(6, Cbor::Array(vec![256.into(), "".into(), 0.into()])),
        ),
        (
            "one of one",
            with(6, multi(0, vec![part(1, TEXT_TYPE, b"x")])),
        ),
        ("five levels of parts", with(6, nested)),
        ("six fields", six),
        ("truncated", text[..text.len() - 1].to_vec()),
    ] {
        cases.push(refused(name, &bytes, Content::decode(&bytes)));
    }
    check("content", "5", cases.into());
}
