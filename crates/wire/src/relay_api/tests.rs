use proptest::prelude::*;

use super::*;
use crate::{
    cbor::{self, CborError},
    did::Did,
    grant::Address,
    key::{SigningKey, Thumbprint},
};

fn address() -> Address {
    Address::parse("lXoAYEVUjLGCQmEXp55sYzcnh46BUe5-eTgCb7LKz28").unwrap()
}

fn did() -> Did {
    Did::parse("did:web:alice.example").unwrap()
}

fn delivery(hints: bool) -> Delivery {
    Delivery {
        k: MailboxKey::Did(did()),
        m: vec![1, 2, 3],
        id: "id".into(),
        kt: hints.then(|| Thumbprint::from_bytes([4; 32])),
        sd: hints.then(did),
    }
}

#[test]
fn events_round_trip() {
    let ack = Ack {
        k: MailboxKey::Grant(address()),
        id: "id".into(),
    };
    for event in [
        Event::Capabilities(GrantLifecycle::Active.into()),
        Event::Capabilities(GrantLifecycle::Absent.into()),
        Event::Capabilities(Capabilities {
            gr: GrantLifecycle::Active,
            paused: Some(Paused::KeyChanged),
        }),
        Event::Delivery(delivery(true)),
        Event::Delivery(delivery(false)),
        Event::Pool,
        Event::CaughtUp,
        Event::Ack(ack),
    ] {
        assert_eq!(Event::decode(&event.encode(), 1024), Ok(event));
    }
}

#[test]
fn events_are_two_values() {
    assert_eq!(
        hex::encode(Event::Pool.encode()),
        "a261746523706f6f6c626f7001a0"
    );
    let pool = Event::Pool.encode();
    for (what, bytes) in [
        ("no body", pool[..pool.len() - 1].to_vec()),
        ("three values", [&pool[..], &[0xa0]].concat()),
        ("empty", Vec::new()),
    ] {
        let refused = Event::decode(&bytes, 1024);
        assert_eq!(
            refused,
            Err(EventError::Malformed(CborError::Malformed)),
            "{what}"
        );
    }
    let with_body = [&pool[..pool.len() - 1], &[0xa1, 0x61, 0x61, 0x01]].concat();
    assert_eq!(
        Event::decode(&with_body, 1024),
        Err(EventError::Malformed(CborError::Shape))
    );
    assert_eq!(
        Event::decode(&pool, 5),
        Err(EventError::Malformed(CborError::TooLarge))
    );
}

#[test]
fn later_events_are_told_from_malformed_ones() {
    let later = |hex: &str| Event::decode(&hex::decode(hex).unwrap(), 1024);
    assert_eq!(
        later("a261746523706f6f6e626f7001a0"),
        Err(EventError::Unknown)
    );
    assert_eq!(
        later("a261746523706f6f6c626f7002a0"),
        Err(EventError::Unknown)
    );
}

#[test]
fn capabilities_may_grow() {
    let frame =
        |body: &str| hex::decode(format!("a261746d236361706162696c6974696573626f7001{body}"));
    let decode = |body: &str| Event::decode(&frame(body).unwrap(), 1024);
    let draining = Ok(Event::Capabilities(GrantLifecycle::Draining.into()));
    // {"gr": "draining"}, {"gr": "draining", "new": 1}, {"gr": "paused"}, {"new": 1}, []
    assert_eq!(decode("a162677268647261696e696e67"), draining);
    assert_eq!(decode("a262677268647261696e696e67636e657701"), draining);
    assert_eq!(decode("a162677266706175736564"), Err(EventError::Unknown));
    assert_eq!(decode("a1636e657701"), Err(EventError::Unknown));
    let shape = EventError::Malformed(CborError::Shape);
    assert_eq!(decode("80"), Err(shape));
}

#[test]
fn mailbox_keys_are_dids_or_addresses() {
    for (text, key) in [
        ("did:web:alice.example", MailboxKey::Did(did())),
        (address().as_str(), MailboxKey::Grant(address())),
    ] {
        assert_eq!(MailboxKey::try_from(text.to_owned()), Ok(key.clone()));
        assert_eq!(key.to_string(), text);
    }
    assert!(MailboxKey::try_from(format!("grant:{}", address())).is_err());
    assert!(MailboxKey::try_from(String::new()).is_err());
}

#[test]
fn message_ids_are_scoped_to_the_mailbox() {
    let (one, two) = (MailboxKey::Did(did()), MailboxKey::Grant(address()));
    let id = message_id(&one, b"x");
    assert_eq!((id.len(), &id[..1]), (44, "E"), "33 bytes, the first 0x12");
    assert_ne!(id, message_id(&two, b"x"));
    assert_ne!(id, message_id(&one, b"y"));
    assert_eq!(id, message_id(&one, b"x"));
}

#[test]
fn paths_escape_what_they_are_given() {
    let did = Did::parse("did:web:localhost%3A80").unwrap();
    assert_eq!(
        paths::did_mailbox(&did),
        "/pmr/v1/inbox/did:web:localhost%253A80/messages"
    );
    assert_eq!(
        paths::grant_mailbox(&address()),
        format!("/pmr/v1/inbox/grant:{}/messages", address())
    );
    assert_eq!(
        paths::messages_query("a b&c=ü"),
        "cursor=a%20b%26c%3D%C3%BC"
    );
}

#[test]
fn null_is_written_where_the_field_is_always_there() {
    let page = MessagesPage {
        cursor: None,
        messages: Vec::new(),
    };
    let bytes = cbor::encode(&page);
    assert_eq!(
        hex::encode(&bytes),
        "a266637572736f72f6686d6573736167657380"
    );
    assert_eq!(cbor::decode(&bytes, 1024), Ok(page));
    let without = hex::decode("a1686d6573736167657380").unwrap();
    assert_eq!(
        cbor::decode::<MessagesPage>(&without, 1024),
        Err(CborError::Shape)
    );
}

#[test]
fn bodies_round_trip() {
    let put = KeyPackagesPut {
        remove: Vec::new(),
        single_use: vec![vec![1]],
        last_resort: None,
    };
    assert_eq!(
        hex::encode(cbor::encode(&put)),
        "a16973696e676c65557365814101"
    );
    assert_eq!(cbor::decode(&cbor::encode(&put), 1024), Ok(put));
    let state = KeyPackagesState {
        single_use: vec![vec![1; 32]],
        last_resort: Some(vec![2; 32]),
    };
    assert_eq!(cbor::decode(&cbor::encode(&state), 1024), Ok(state));
    let adjudication = Adjudication {
        discard: vec![did()],
        release: vec![],
        provision: vec![],
    };
    assert_eq!(
        cbor::decode(&cbor::encode(&adjudication), 1024),
        Ok(adjudication)
    );
    let registration = RegistrationRequest {
        did: did(),
        key: SigningKey::from_seed(&[1; 32]).public(),
        cert: Some(vec![1]),
        roster: Some(vec![2]),
        claim: Some(vec![3]),
    };
    let alone = RegistrationRequest {
        cert: None,
        roster: None,
        ..registration.clone()
    };
    assert_eq!(cbor::decode(&cbor::encode(&alone), 1024), Ok(alone));
    assert_eq!(
        cbor::decode(&cbor::encode(&registration), 1024),
        Ok(registration)
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        if let Ok(event) = Event::decode(&bytes, 1024) {
            prop_assert_eq!(event.encode(), bytes);
        }
    }
}
