//! The examples of draft-ietf-mimi-content-08, made anew of their fields: the message ids that the
//! draft gives for them say that they are the same bytes.

use super::*;

const ROOM: &str = "mimi://example.com/r/engineering_team";
const ORIGINAL: &str = "017ce54837404c3696e0c747b985cb172716d0ed0a3d249ca63ace7d82a096f4";
const REPLY: &str = "015354973c2b65ca937bf1e035ae53a5ab80e947afa43d46920d4202e5cc0b27";
const REACTION: &str = "0158c4288911e50a8f6be3f47746b6682f10fd91bc8c05557aa589a3157aff68";
const MARKDOWN: &str = "text/markdown;variant=GFM-MIMI";
const HTML: &str = "text/html;charset=utf-8";

pub(super) fn bytes(hex: &str) -> Value {
    Value::Bytes(hex::decode(hex).unwrap())
}

pub(super) fn single(disposition: u8, language: &str, typ: &str, content: &[u8]) -> Value {
    Value::Array(vec![
        disposition.into(),
        language.into(),
        1.into(),
        typ.into(),
        Value::Bytes(content.to_vec()),
    ])
}

pub(super) fn multi(disposition: u8, semantics: u8, parts: Vec<Value>) -> Value {
    Value::Array(vec![
        disposition.into(),
        "".into(),
        3.into(),
        semantics.into(),
        Value::Array(parts),
    ])
}

fn null(disposition: u8) -> Value {
    Value::Array(vec![disposition.into(), "".into(), 0.into()])
}

struct Example {
    salt: &'static str,
    sender: &'static str,
    replaces: Option<&'static str>,
    topic: &'static str,
    expires: Value,
    reply: Option<&'static str>,
    part: Value,
}

impl Example {
    fn new(salt: &'static str, sender: &'static str, part: Value) -> Self {
        Self {
            salt,
            sender,
            replaces: None,
            topic: "",
            expires: Value::Null,
            reply: None,
            part,
        }
    }

    fn uri(&self) -> String {
        format!("mimi://example.com/u/{}", self.sender)
    }

    fn encode(&self) -> Vec<u8> {
        let id = |id: Option<&str>| id.map_or(Value::Null, bytes);
        cbor::encode(&Value::Array(vec![
            bytes(self.salt),
            id(self.replaces),
            Value::Bytes(self.topic.into()),
            self.expires.clone(),
            id(self.reply),
            Value::Map(vec![(1.into(), self.uri().into()), (2.into(), ROOM.into())]),
            self.part.clone(),
        ]))
    }

    /// Checks the id and decodes.
    fn decode(&self, id: &str) -> Content {
        let content = self.encode();
        let made = mimi_message_id(&self.uri(), ROOM, &content).unwrap();
        assert_eq!(hex::encode(made), id, "these are not the draft's bytes");
        let decoded = Content::decode(&content).unwrap();
        assert_eq!(hex::encode(decoded.salt), self.salt);
        decoded
    }
}

fn id(hex: &str) -> Option<MessageId> {
    Some(hex::decode(hex).unwrap().try_into().unwrap())
}

fn says(content: &Content) -> &str {
    match &content.body {
        Body::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn original_message() {
    let text = "Hi everyone, we just shipped release 2.0. __Good  work__!";
    let part = single(1, "", MARKDOWN, text.as_bytes());
    let example = Example::new("5eed9406c2545547ab6f09f20a18b003", "alice-smith", part);
    let content = example.decode(ORIGINAL);
    assert_eq!(says(&content), text);
    assert_eq!((content.replaces, content.in_reply_to), (None, None));
}

#[test]
fn reply() {
    let text = "Right on! _Congratulations_ 'all!";
    let part = single(1, "", MARKDOWN, text.as_bytes());
    let example = Example {
        reply: Some(ORIGINAL),
        ..Example::new("11a458c73b8dd2cf404db4b378b8fe4d", "bob-jones", part)
    };
    let content = example.decode(REPLY);
    assert_eq!(says(&content), text);
    assert_eq!(content.in_reply_to, id(ORIGINAL));
}

#[test]
fn reaction() {
    let part = single(2, "", TEXT_TYPE, "\u{2764}".as_bytes());
    let example = Example {
        reply: Some(ORIGINAL),
        ..Example::new("d37bc0e6a8b4f04e9e6382375f587bf6", "cathy-washington", part)
    };
    let content = example.decode(REACTION);
    assert_eq!(content.body, Body::Reaction(vec!["❤".into()]));
    assert_eq!(content.in_reply_to, id(ORIGINAL));
}

#[test]
fn mention() {
    let text =
        "Kudos to [@Alice Smith](mimi://example.com/u/alice-smith) for making the release happen!";
    let part = single(1, "", MARKDOWN, text.as_bytes());
    let example = Example {
        reply: Some(ORIGINAL),
        ..Example::new("04f290e215d0f82d1750bfa8b7dc089d", "cathy-washington", part)
    };
    let id = "018d825adf9f6be00dcafc5704c4102f5022e74219d0b603e4ba7622654042af";
    assert_eq!(says(&example.decode(id)), text);
    let html = Example {
        part: single(1, "", HTML, b"<p>Kudos!</p>"),
        ..example
    };
    let content = Content::decode(&html.encode()).unwrap();
    assert_eq!(content.body, Body::Unsupported);
}

#[test]
fn edit() {
    let text = "Right on! _Congratulations_ y'all!";
    let part = single(1, "", MARKDOWN, text.as_bytes());
    let example = Example {
        replaces: Some(REPLY),
        reply: Some(ORIGINAL),
        ..Example::new("b8c2e6d8800ecf45df39be6c45f4c042", "bob-jones", part)
    };
    let content =
        example.decode("014028c0deddbdea56bec26172f6ede953d11024cb82b8192b5e2aea62d7fb47");
    assert_eq!(says(&content), text);
    assert_eq!(content.replaces, id(REPLY));
}

#[test]
fn delete() {
    let example = Example {
        replaces: Some(REPLY),
        reply: Some(ORIGINAL),
        ..Example::new("0a590d73b2c7761c39168be5ebf7f2e6", "bob-jones", null(1))
    };
    let content =
        example.decode("011d9efc78d04d4dcf4d82b07d5199bbef37011c1f0c7e004b6111c6dda504b4");
    assert_eq!(content.body, Body::Delete { reaction: false });
    assert_eq!(content.replaces, id(REPLY));
}

#[test]
fn unlike() {
    let example = Example {
        replaces: Some(REACTION),
        reply: Some(ORIGINAL),
        ..Example::new(
            "c5ba86dc9fd272e58ca52ec805b79199",
            "cathy-washington",
            null(2),
        )
    };
    let content =
        example.decode("013aadbb8f313253c8930f4e93c6ca54b2ed06d258185bdcec3870534c8a4ec4");
    assert_eq!(content.body, Body::Delete { reaction: true });
    assert_eq!(content.replaces, id(REACTION));
}

#[test]
fn expiring() {
    let text = "__*VPN GOING DOWN*__ I'm rebooting the VPN in ten minutes unless anyone objects.";
    let part = single(1, "", MARKDOWN, text.as_bytes());
    let example = Example {
        expires: Value::Array(vec![false.into(), 1_644_390_004.into()]),
        ..Example::new("33be993eb39f418f9295afc2ae160d2d", "alice-smith", part)
    };
    let content =
        example.decode("01e59db8173939facc2c8a4a0f0ae8d0c7a11a81239626630c9464a8d6717a03");
    assert_eq!(says(&content), text);
    assert_eq!(content.expires, Some(Expires::At(1_644_390_004)));
}

#[test]
fn attachment() {
    let hash = "9ab17a8cf0890baaae7ee016c7312fcc080ba46498389458ee44f0276e783163";
    let part = Value::Array(vec![
        6.into(),
        "en".into(),
        2.into(),
        "video/mp4".into(),
        "https://example.com/storage/8ksB4bSrrRE.mp4".into(),
        0.into(),
        708_234_961.into(),
        1.into(),
        bytes("21399320958a6f4c745dde670d95e0d8"),
        bytes("c86cf2c33f21527d1dd76f5b"),
        bytes(""),
        1.into(),
        bytes(hash),
        "2 hours of key signing video".into(),
        "bigfile.mp4".into(),
    ]);
    let example = Example::new("18fac6371e4e53f1aeaf8a013155c166", "bob-jones", part);
    let content =
        example.decode("0176180c7d19a925021fe446d241134d05c38e0d999cdc0f39c391d2377ed9d1");
    let Body::Attachments { text: None, parts } = content.body else {
        panic!("{:?}", content.body)
    };
    let [part] = &parts[..] else { panic!() };
    assert_eq!(part.disposition, Disposition::Attachment);
    assert_eq!(
        (part.size, part.enc_alg, part.hash_alg),
        (708_234_961, 1, 1)
    );
    assert_eq!(part.filename, "bigfile.mp4");
    assert_eq!(hex::encode(&part.content_hash), hash);
}

#[test]
fn conferencing() {
    let nothing = || bytes("");
    let part = Value::Array(vec![
        7.into(),
        "".into(),
        2.into(),
        "".into(),
        "https://example.com/join/12345".into(),
        0.into(),
        0.into(),
        0.into(),
        nothing(),
        nothing(),
        nothing(),
        0.into(),
        nothing(),
        "Join the Foo 118 conference".into(),
        "".into(),
    ]);
    let example = Example {
        topic: "Foo 118",
        ..Example::new("678ac6cd54de049c3e9665cd212470fa", "alice-smith", part)
    };
    let id = "01496d15a8dba28d7397f9868b70768e4a67f765d5b5b1ae9e03848c5fdeb0ba";
    assert_eq!(example.decode(id).body, Body::Unsupported);
}

#[test]
fn of_alternatives_the_one_that_is_known_counts() {
    let vendor = "application/vnd.examplevendor-fancy-im-message";
    let fancy = hex::decode("dc861ebaa718fd7c3ca159f71a2001").unwrap();
    let parts = vec![
        single(1, "", MARKDOWN, b"# Welcome!"),
        single(1, "", vendor, &fancy),
    ];
    let part = multi(1, 0, parts);
    let example = Example::new("261c953e178af653fe3d42641b91d814", "alice-smith", part);
    let id = "01da5a515ec5db42cc4dcc19b90c3c31245d8a1cfcce11318f24eb11dce0990e";
    assert_eq!(says(&example.decode(id)), "# Welcome!");
}

#[test]
fn reactions_to_nothing_are_not_supported() {
    let emoji = |text: &str| single(2, "", TEXT_TYPE, text.as_bytes());
    let part = multi(2, 2, vec![emoji("❤"), emoji("🥳"), emoji("🤞")]);
    let example = Example::new("8528dc2d92e4f1944d62042907ab94d0", "alice-smith", part);
    let id = "01d65918c6c51c8e76546337276ae6f4bfd873d867d5cb57c76bcdca3d999dd7";
    assert_eq!(example.decode(id).body, Body::Unsupported);
    let to_something = Example {
        reply: Some(ORIGINAL),
        ..example
    };
    let content = Content::decode(&to_something.encode()).unwrap();
    let expected = ["❤", "🥳", "🤞"].map(Into::into).to_vec();
    assert_eq!(content.body, Body::Reaction(expected));
}

#[test]
fn eleven_parts_in_four_levels() {
    let html = |language: &str, title: &str, alt: &str, at: u8| {
        let text = format!(
            "<html><body><h1>{title}!</h1>\n<img src=\"cid:{at}@local.invalid\" alt=\"{alt}\"/>\n</body></html>"
        );
        single(1, language, HTML, text.as_bytes())
    };
    let version = |at: u8, typ: &str, image: &str| {
        let english = html("en", "Welcome", "Welcome image", at);
        let french = html("fr", "Bienvenue", "Image bienvenue", at);
        let image = single(4, "", typ, &hex::decode(image).unwrap());
        multi(1, 2, vec![multi(1, 0, vec![english, french]), image])
    };
    let gif = version(5, "image/gif", "dc861ebaa718fd7c3ca159f71a2001a7");
    let png = version(10, "image/png", "fa444237451a05a72bb0f67037cc1669");
    let part = multi(1, 0, vec![gif, png]);
    let example = Example::new("b8362793168d18c049b882d4642a2274", "alice-smith", part);
    let id = "01cfebeadbdb83c1eefb6403ba4852daf8bbbf9cd53bf5035a74d5d741950c9f";
    assert_eq!(example.decode(id).body, Body::Unsupported);
}
