//! What is valid, what is supported, and what is neither.

use super::{
    examples::{multi, single},
    *,
};

/// A text message with one of its seven fields replaced.
fn replaced(at: usize, value: Value) -> Vec<u8> {
    let mut fields: Value = cbor::decode(&text("hi").encode().unwrap(), 4096).unwrap();
    fields.as_array_mut().unwrap()[at] = value;
    let mut bytes = Vec::new();
    ciborium::into_writer(&fields, &mut bytes).unwrap();
    bytes
}

fn with(at: usize, value: Value) -> Result<Content, ContentError> {
    Content::decode(&replaced(at, value))
}

fn body(part: Value) -> Result<Body, ContentError> {
    with(6, part).map(|content| content.body)
}

fn plain_text(text: &str) -> Value {
    single(1, "", TEXT_TYPE, text.as_bytes())
}

fn said(text: &str) -> Result<Body, ContentError> {
    Ok(Body::Text(text.into()))
}

#[test]
fn what_is_not_mimi_content_is_refused() {
    let array = Value::Array;
    let null_part = |fields: Vec<Value>| array(fields);
    for (what, at, value) in [
        ("short salt", 0, Value::Bytes(vec![1; 15])),
        ("no salt", 0, Value::Null),
        ("short id", 1, Value::Bytes(vec![1; 31])),
        ("topic", 2, Value::Null),
        ("expires", 3, Value::from(5)),
        (
            "expires in three",
            3,
            array(vec![true.into(), 1.into(), 1.into()]),
        ),
        ("expires never", 3, array(vec![true.into(), Value::Null])),
        (
            "expires in 2^32 s",
            3,
            array(vec![true.into(), (1u64 << 32).into()]),
        ),
        (
            "expires in 2^63 s",
            3,
            array(vec![true.into(), (1u64 << 63).into()]),
        ),
        ("expired before", 3, array(vec![true.into(), (-1).into()])),
        ("reply", 4, Value::from("x")),
        ("extensions", 5, array(vec![])),
        ("no part", 6, array(vec![])),
        ("a part too short", 6, null_part(vec![1.into(), "".into()])),
        (
            "a part too long",
            6,
            null_part(vec![1.into(), "".into(), 0.into(), 0.into()]),
        ),
        (
            "disposition 256",
            6,
            null_part(vec![256.into(), "".into(), 0.into()]),
        ),
        (
            "cardinality 4",
            6,
            null_part(vec![1.into(), "".into(), 4.into()]),
        ),
        ("one of one", 6, multi(1, 0, vec![plain_text("a")])),
        (
            "semantics 3",
            6,
            multi(1, 3, vec![plain_text("a"), plain_text("b")]),
        ),
    ] {
        assert_eq!(with(at, value), Err(ContentError::Malformed), "{what}");
    }
    for bytes in [&[][..], &[0xa0], &[0x87], b"\x87\x50"] {
        assert_eq!(Content::decode(bytes), Err(ContentError::Malformed));
    }
    let long = text(&"x".repeat(MAX_TEXT)).encode().unwrap();
    let six = [&[0x86][..], &long[1..]].concat();
    assert_eq!(Content::decode(&six), Err(ContentError::Malformed));
    let padded = [&long[..], &vec![0; MAX_FRAME]].concat();
    assert_eq!(Content::decode(&padded), Err(ContentError::Malformed));
}

#[test]
fn another_spelling_of_the_same_is_refused() {
    let bytes = text("hi").encode().unwrap();
    // The topic's length in two bytes, and the text as one of unknown length.
    let topic = [&bytes[..18], &[0x58, 0], &bytes[19..]].concat();
    let end = bytes.len() - 3;
    let indefinite = [&bytes[..end], &[0x5f, 0x42, b'h', b'i', 0xff]].concat();
    for bytes in [topic, indefinite] {
        assert_eq!(Content::decode(&bytes), Err(ContentError::Malformed));
    }
}

#[test]
fn topics_extensions_and_languages_are_passed_over() {
    let deep =
        |levels: usize| (0..levels).fold(Value::from(1), |inner, _| Value::Array(vec![inner]));
    let map = |entries: Vec<(Value, Value)>| Value::Map(entries);
    let name = |len: usize| Value::from("k".repeat(len));
    for (what, at, value) in [
        ("topic", 2, Value::Bytes(vec![1; 40])),
        ("sender", 5, map(vec![(1.into(), "x".into())])),
        ("three levels in it", 5, map(vec![(256.into(), deep(3))])),
        (
            "private",
            5,
            map(vec![((-1).into(), Value::Null), (name(255), 1.into())]),
        ),
        ("a float", 5, map(vec![(256.into(), Value::Float(1.5))])),
        ("language", 6, single(1, "de", TEXT_TYPE, b"hi")),
    ] {
        assert_eq!(with(at, value), Ok(text("hi")), "{what}");
    }
    for (what, value) in [
        ("a sender that is a number", map(vec![(1.into(), 1.into())])),
        ("four levels in it", map(vec![(256.into(), deep(4))])),
        (
            "a key of bytes",
            map(vec![(Value::Bytes(vec![1]), 1.into())]),
        ),
        ("an empty name", map(vec![("".into(), 1.into())])),
        ("a long name", map(vec![(name(256), 1.into())])),
        (
            "twice",
            map(vec![(3.into(), 1.into()), (3.into(), 1.into())]),
        ),
        (
            "out of order",
            map(vec![(4.into(), 1.into()), (3.into(), 1.into())]),
        ),
    ] {
        assert_eq!(with(5, value), Err(ContentError::Malformed), "{what}");
    }
}

#[test]
fn what_is_valid_and_not_known_is_unsupported() {
    let long = "x".repeat(MAX_TEXT + 1);
    let null = Value::Array(vec![1.into(), "".into(), 0.into()]);
    let two = |a: Value, b: Value| multi(1, 2, vec![a, b]);
    let half = "x".repeat(MAX_TEXT / 2);
    for (what, part) in [
        ("nothing", null.clone()),
        ("html", single(1, "", "text/html", b"x")),
        (
            "latin",
            single(1, "", "text/plain;charset=iso-8859-1", b"x"),
        ),
        ("not UTF-8", single(1, "", TEXT_TYPE, &[0xff])),
        ("a text file", single(6, "", TEXT_TYPE, b"x")),
        ("a profile", single(3, "", TEXT_TYPE, b"x")),
        ("too long", plain_text(&long)),
        (
            "too long together",
            two(plain_text(&half), plain_text(&half)),
        ),
        (
            "half of it",
            two(plain_text("a"), single(4, "", "image/gif", b"x")),
        ),
        (
            "no alternative",
            multi(1, 0, vec![null.clone(), single(1, "", "x/y", b"x")]),
        ),
        (
            "a report that is none",
            single(0, "", "application/mimi-message-status", b"\x81"),
        ),
        ("17 parts", multi(1, 2, vec![plain_text("a"); MAX_PARTS])),
        ("thousands of parts", multi(1, 2, vec![null; 10_000])),
    ] {
        assert_eq!(body(part), Ok(Body::Unsupported), "{what}");
    }
    let unlisted = || {
        (
            "a reaction to nothing",
            single(2, "", TEXT_TYPE, "❤".as_bytes()),
        )
    };
    let (what, part) = unlisted();
    assert_eq!(body(part), Ok(Body::Unsupported), "{what}");
}

#[test]
fn a_reaction_is_one_character() {
    let mut fields: Value = cbor::decode(&text("x").encode().unwrap(), 4096).unwrap();
    let mut react = |emoji: &[u8]| {
        let fields = fields.as_array_mut().unwrap();
        fields[4] = Value::Bytes(vec![1; 32]);
        fields[6] = single(2, "", TEXT_TYPE, emoji);
        let bytes = cbor::encode(&Value::Array(fields.clone()));
        Content::decode(&bytes).unwrap().body
    };
    let long = format!("e{}", "\u{301}".repeat(31));
    let family = "\u{1f469}\u{1f3fd}\u{200d}\u{2695}\u{fe0f}";
    for emoji in ["❤", "👍🏽", "🏳️‍🌈", "a", "1️⃣", family, &long] {
        assert_eq!(react(emoji.as_bytes()), Body::Reaction(vec![emoji.into()]));
    }
    let longer = format!("{long}\u{301}");
    for none in ["", "ok", "❤❤", " ", "\n", "\u{202e}", "\u{200d}", &longer] {
        assert_eq!(react(none.as_bytes()), Body::Unsupported, "{none:?}");
    }
    assert_eq!(react(&vec![b'x'; 60_000]), Body::Unsupported);
    assert_eq!(react(&[0xff]), Body::Unsupported);
}

#[test]
fn media_types_are_read_as_what_they_mean() {
    for typ in [
        TEXT_TYPE,
        "text/plain",
        "TEXT/PLAIN; Charset=\"UTF-8\"",
        "text/markdown;variant=CommonMark",
    ] {
        assert_eq!(body(single(0, "", typ, b"hi")), said("hi"), "{typ}");
    }
}

#[test]
fn parts_that_belong_together_are_one_message() {
    let gif = |disposition| single(disposition, "", "image/gif", b"x");
    let all = multi(1, 2, vec![plain_text("a"), plain_text("b"), gif(8), gif(5)]);
    assert_eq!(body(all), said("a\n\nb"));
    let unit = multi(1, 1, vec![plain_text("a"), gif(8)]);
    assert_eq!(
        body(unit),
        Ok(Body::Unsupported),
        "a unit is whole or nothing"
    );
    let pair = multi(1, 1, vec![plain_text("no"), gif(1)]);
    let choice = multi(
        1,
        0,
        vec![pair, gif(1), plain_text("yes"), plain_text("late")],
    );
    assert_eq!(body(choice), said("yes"));
}

#[test]
fn parts_nest_four_deep() {
    let nested = |levels: usize| {
        (1..levels).fold(plain_text("a"), |inner, _| {
            multi(1, 0, vec![inner, plain_text("b")])
        })
    };
    assert_eq!(body(nested(4)), said("a"));
    assert_eq!(body(nested(5)), Err(ContentError::Malformed));
    // A bomb: nothing but heads of parts, as many as fit.
    let start = replaced(6, Value::Null);
    let level = [0x85, 0x01, 0x60, 0x03, 0x00, 0x82];
    let bomb = [&start[..start.len() - 1], &level.repeat(10_000)].concat();
    assert_eq!(Content::decode(&bomb), Err(ContentError::Malformed));
    let arrays = [
        &start[..start.len() - 2],
        &[0xa1, 0x03],
        &[0x81; 60_000][..],
    ]
    .concat();
    assert_eq!(Content::decode(&arrays), Err(ContentError::Malformed));
}
