use crate::messages::{Incoming, Outcome, Source};
use crate::mls::Session;
use crate::mls::tests::forge;
use crate::testing::{Party, TestClock, acquainted, settle};
use sotto_wire::conversation::{ConversationId, GroupBinding};
use sotto_wire::first_contact::{Envelope, UnverifiedEnvelope};
use sotto_wire::frame::{self, Frame, SealKey};
use sotto_wire::payload::Payload;
use sotto_wire::random::{self, OsRandom};

fn text(alice: &Party, bob: &Party, text: &str) -> Incoming {
    alice.say(bob, text);
    let put = alice.seal(bob).remove(0);
    alice.delivery(&put)
}

fn code(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Quarantined(code) => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn damaged_frames_harm_nobody() {
    let (alice, bob) = acquainted();
    let genuine = text(&alice, &bob, "genuine");
    for at in [0, 23, 24, 100, genuine.bytes.len() - 1] {
        let mut flipped = genuine.clone();
        flipped.bytes[at] ^= 0x40;
        assert_eq!(code(&bob.receive_batch(vec![flipped])[0]), "frame.unsealed");
    }
    for len in [0, 10, 41, genuine.bytes.len() - 1] {
        let mut short = genuine.clone();
        short.bytes.truncate(len);
        assert_eq!(code(&bob.receive_batch(vec![short])[0]), "frame.unsealed");
    }
    let mut huge = genuine.clone();
    huge.bytes = vec![0; 1 << 20];
    let kept = bob.count("SELECT count(*) FROM quarantine");
    assert_eq!(code(&bob.receive_batch(vec![huge])[0]), "frame.too-large");
    assert_eq!(
        bob.count("SELECT count(*) FROM quarantine"),
        kept,
        "not even kept"
    );
    assert!(matches!(
        bob.receive_batch(vec![genuine])[0],
        Outcome::Message(_)
    ));
}

#[test]
fn a_frame_for_somebody_else_is_refused() {
    let (alice, bob) = acquainted();
    let (carol, _dave) = acquainted();
    let mut stray = text(&alice, &bob, "not for carol");
    assert_eq!(
        code(&carol.receive_batch(vec![stray.clone()])[0]),
        "grant.unknown"
    );
    let address = "SELECT address FROM issued_grant WHERE peer_device IS NOT NULL";
    let address: String = carol.read(move |tx| Ok(tx.query_row(address, [], |row| row.get(0))?));
    stray.source = Source::Grant(sotto_wire::grant::Address::parse(&address).unwrap());
    assert_eq!(code(&carol.receive_batch(vec![stray])[0]), "frame.unsealed");
}

#[test]
fn poison_in_the_middle_spoils_nothing() {
    let (alice, bob) = acquainted();
    let mut batch: Vec<Incoming> = (0..9).map(|n| text(&alice, &bob, &n.to_string())).collect();
    // One that is refused at once, one whose payload only turns out bad when it is decrypted.
    batch[3].bytes[50] ^= 1;
    let bad = payload_of_alice(&alice, &bob, b"not a payload");
    batch.insert(6, bad);
    let outcomes = bob.receive_batch(batch);
    assert_eq!(code(&outcomes[3]), "frame.unsealed");
    assert_eq!(code(&outcomes[6]), "payload.malformed");
    assert_eq!(
        outcomes
            .iter()
            .filter(|it| matches!(it, Outcome::Message(_)))
            .count(),
        8
    );
    assert_eq!(
        bob.texts(&alice),
        ["hello", "0", "1", "2", "4", "5", "6", "7", "8"]
    );
    assert_eq!(bob.count("SELECT unread FROM conversation"), 9);
    assert_eq!(bob.count("SELECT count(*) FROM quarantine"), 2);
}

/// Seals any bytes as the payload of a frame from Alice to Bob.
pub(super) fn payload_of_alice(alice: &Party, bob: &Party, payload: &[u8]) -> Incoming {
    let key = alice.own.device_key.clone();
    let payload = payload.to_vec();
    let (message, address, seal) = alice.write(move |tx| {
        let group: Vec<u8> =
            tx.query_row("SELECT group_id FROM send_group", [], |row| row.get(0))?;
        let message = Session::storing_each_time(tx)
            .seal(&group, &key, &payload)
            .unwrap();
        let (grant, seal): ([u8; 32], [u8; 32]) =
            tx.query_row("SELECT key, seal FROM held_grant", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let host: String = tx.query_row("SELECT host FROM held_grant", [], |row| row.get(0))?;
        let host = sotto_wire::domain::Domain::parse(&host).unwrap();
        let grant = sotto_wire::grant::GrantKey::from_bytes(grant);
        Ok::<_, crate::db::DbError>((message, sotto_wire::grant::address(&grant, &host), seal))
    });
    let _ = bob;
    let frame = Frame {
        commits: Vec::new(),
        message,
        welcome: None,
    };
    let bytes = frame::seal(&frame, &SealKey::from_bytes(seal), &OsRandom).unwrap();
    Incoming {
        relay_id: String::new(),
        source: Source::Grant(address),
        bytes,
    }
}

fn payload(seq: u64) -> Payload {
    Payload {
        seq,
        first: 1,
        ..Payload::default()
    }
}

#[test]
fn impossible_numbers_are_refused() {
    let (alice, bob) = acquainted();
    for (seq, expected) in [
        (u64::MAX, "payload.sequence"),
        (100_000, "payload.sequence"),
    ] {
        let frame = payload_of_alice(&alice, &bob, &payload(seq).encode());
        assert_eq!(code(&bob.receive_batch(vec![frame])[0]), expected);
    }
    assert_eq!(bob.count("SELECT count(*) FROM early_frame"), 0);
    // A number that was used is not used again, whatever comes with it.
    let mut again = payload(1);
    again.content = Some(b"anything".to_vec());
    let frame = payload_of_alice(&alice, &bob, &again.encode());
    assert_eq!(bob.receive_batch(vec![frame]), [Outcome::Duplicate]);
    assert_eq!(bob.texts(&alice), ["hello"]);
}

#[test]
fn acknowledgements_of_what_was_never_sent_are_ignored() {
    let (alice, bob) = acquainted();
    bob.say(&alice, "unheard");
    bob.seal(&alice);
    let group: Vec<u8> =
        bob.read(|tx| Ok(tx.query_row("SELECT group_id FROM send_group", [], |row| row.get(0))?));
    let own: Vec<u8> =
        alice.read(|tx| Ok(tx.query_row("SELECT group_id FROM send_group", [], |row| row.get(0))?));
    let mut lying = payload(0);
    for (group, seq) in [(group, u64::MAX), (own, 1), (vec![9; 16], 1)] {
        lying.acks.push(sotto_wire::payload::Ack {
            group,
            seq,
            mark: sotto_wire::payload::NO_MARK,
        });
    }
    let frame = payload_of_alice(&alice, &bob, &lying.encode());
    assert_eq!(bob.receive_batch(vec![frame]), [Outcome::Control]);
    assert_ne!(
        bob.messages(&alice)[1].state,
        crate::messages::MessageState::Delivered
    );
}

#[test]
fn values_that_do_not_fit_spoil_one_frame_only() {
    let (alice, bob) = acquainted();
    let mut endless = payload(2);
    endless.grants.push(sotto_wire::payload::PayloadGrant {
        to: bob.own.device_id,
        key: sotto_wire::grant::GrantKey::generate(&OsRandom),
        host: alice.own.domain.clone(),
        seal: SealKey::generate(&OsRandom),
        expires: sotto_wire::time::Timestamp(u64::MAX),
    });
    let bad = payload_of_alice(&alice, &bob, &endless.encode());
    let good = payload_of_alice(&alice, &bob, &payload(0).encode());
    let outcomes = bob.receive_batch(vec![good.clone(), bad, good]);
    assert_eq!(
        outcomes,
        [
            Outcome::Control,
            Outcome::Quarantined("envelope.internal"),
            Outcome::Duplicate
        ]
    );
}

#[test]
fn unsupported_content_is_kept_and_marked() {
    let (alice, bob) = acquainted();
    let mut content = sotto_wire::content::Content::text("x", &OsRandom)
        .encode()
        .unwrap();
    // Disposition "render" becomes "reaction": no text message any more.
    let at = content.iter().rposition(|byte| *byte == 0x85).unwrap();
    content[at + 1] = 2;
    let mut unknown = payload(2);
    unknown.content = Some(content);
    let frame = payload_of_alice(&alice, &bob, &unknown.encode());
    let seq = alice.count("SELECT next_seq FROM send_group");
    assert_eq!(seq, 2);
    assert!(matches!(
        bob.receive_batch(vec![frame])[0],
        Outcome::Message(_)
    ));
    assert_eq!(bob.messages(&alice)[1].text, None);
}

#[test]
fn a_reader_cannot_write_in_the_owners_group() {
    let (alice, bob) = acquainted();
    let key = bob.own.device_key.clone();
    let put = bob.say(&alice, "x");
    assert!(put > 0);
    let mut genuine = bob.delivery(&bob.seal(&alice)[0]);
    let message = bob.write(move |tx| {
        let group: Vec<u8> =
            tx.query_row("SELECT group_id FROM read_group", [], |row| row.get(0))?;
        let forged = Session::storing_each_time(tx).seal(&group, &key, &payload(1).encode());
        Ok::<_, crate::db::DbError>(forged.unwrap())
    });
    let seal: [u8; 32] =
        bob.read(|tx| Ok(tx.query_row("SELECT seal FROM held_grant", [], |row| row.get(0))?));
    let frame = Frame {
        commits: Vec::new(),
        message,
        welcome: None,
    };
    genuine.bytes = frame::seal(&frame, &SealKey::from_bytes(seal), &OsRandom).unwrap();
    assert_eq!(
        code(&alice.receive_batch(vec![genuine])[0]),
        "message.not-owner"
    );
}

/// A first contact from Alice to Bob, with a forged group.
fn envelope(
    alice: &Party,
    bob: &Party,
    change: impl FnOnce(&mut GroupBinding, &mut Envelope),
) -> Incoming {
    let mut binding = GroupBinding {
        conversation: ConversationId::of(&alice.own.did, &bob.own.did),
        did: alice.own.did.clone(),
        device_id: alice.own.device_id,
    };
    let mut envelope = Envelope {
        from: alice.own.did.clone(),
        to: bob.own.did.clone(),
        cert: alice.own.certificate.clone(),
        nonce: random::array(&OsRandom),
        welcome: Vec::new(),
        sealed: Vec::new(),
    };
    change(&mut binding, &mut envelope);
    let (own, package) = (alice.own.clone(), bob.key_package());
    let (welcome, sealed) = alice.write(move |tx| {
        let forged = forge(tx, &own, &binding, &[package])?;
        let message = Session::storing_each_time(tx).seal(
            &forged.group_id,
            &own.device_key,
            &payload(1).encode(),
        )?;
        let key = SealKey::from_bytes(forged.first_contact_key);
        let sealed = frame::seal(
            &Frame {
                commits: Vec::new(),
                message,
                welcome: None,
            },
            &key,
            &OsRandom,
        )
        .unwrap();
        Ok::<_, crate::mls::MlsError>((forged.welcome, sealed))
    });
    envelope.welcome = welcome;
    envelope.sealed = sealed;
    incoming(alice, envelope.sign(&alice.own.device_key))
}

fn incoming(alice: &Party, bytes: Vec<u8>) -> Incoming {
    let envelope = Box::new(UnverifiedEnvelope::parse(&bytes).unwrap());
    let source = Source::DidMailbox {
        sender: Box::new(alice.pin()),
        envelope,
    };
    Incoming {
        relay_id: String::new(),
        source,
        bytes,
    }
}

#[test]
fn first_contacts_are_checked() {
    let clock = TestClock::new();
    let (alice, bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    let carol = Party::new("carol", &clock);
    let refused = |envelope: Incoming| {
        let outcomes = bob.receive_batch(vec![envelope]);
        assert_eq!(bob.count("SELECT count(*) FROM conversation"), 0);
        assert_eq!(bob.count("SELECT count(*) FROM read_group"), 0);
        code(&outcomes[0])
    };
    let elsewhere = envelope(&alice, &bob, |binding, _| {
        binding.conversation = ConversationId::of(&binding.did, &carol.own.did);
    });
    assert_eq!(refused(elsewhere), "welcome.other-conversation");
    let for_carol = envelope(&alice, &bob, |_, it| it.to = carol.own.did.clone());
    assert_eq!(refused(for_carol), "first-contact.other-recipient");
    let from_carol = envelope(&alice, &bob, |_, it| it.from = carol.own.did.clone());
    assert_eq!(refused(from_carol), "first-contact.other-sender");
    let others_certificate = envelope(&alice, &bob, |_, it| {
        it.cert = carol.own.certificate.clone();
    });
    assert_eq!(refused(others_certificate), "certificate.invalid");

    // Signed by another key than the certificate's.
    let honest = envelope(&alice, &bob, |_, _| {});
    let Source::DidMailbox {
        envelope: parsed, ..
    } = &honest.source
    else {
        unreachable!()
    };
    let certificate = sotto_wire::device::DeviceCertificate::parse_unverified(parsed.cert());
    let opened = parsed.clone().verify(&certificate.unwrap()).unwrap();
    let resigned = incoming(&alice, opened.sign(&carol.own.device_key));
    assert_eq!(refused(resigned), "first-contact.signature");

    // A nonce is good once; the same envelope is a repetition and no harm.
    assert_eq!(bob.receive_batch(vec![honest.clone()]), [Outcome::Control]);
    assert_eq!(
        bob.receive_batch(vec![honest.clone()]),
        [Outcome::Duplicate]
    );
    let replayed = envelope(&alice, &bob, |_, it| it.nonce = *parsed.nonce());
    assert_eq!(
        code(&bob.receive_batch(vec![replayed])[0]),
        "first-contact.replayed"
    );
    assert_eq!(bob.count("SELECT count(*) FROM read_group"), 1);
}

#[test]
fn frames_before_their_welcome_are_read_after_it() {
    let clock = TestClock::new();
    let (mut alice, mut bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    alice.say(&bob, "hello");
    alice.send(&mut bob);
    bob.receive();
    bob.say(&alice, "one");
    let puts = bob.seal(&alice);
    // Somebody strips the Welcome of the second frame; only then the first one comes.
    let seal: [u8; 32] =
        bob.read(|tx| Ok(tx.query_row("SELECT seal FROM held_grant", [], |row| row.get(0))?));
    let seal = SealKey::from_bytes(seal);
    let mut stripped = bob.delivery(&puts[1]);
    let opened = frame::open(&stripped.bytes, &seal).unwrap();
    let bare = Frame {
        commits: Vec::new(),
        message: opened.message,
        welcome: None,
    };
    stripped.bytes = frame::seal(&bare, &seal, &OsRandom).unwrap();
    assert_eq!(
        code(&alice.receive_batch(vec![stripped])[0]),
        "frame.unknown-group"
    );
    alice.receive_batch(vec![bob.delivery(&puts[0])]);
    assert_eq!(alice.texts(&bob), ["hello", "one"]);
    assert_eq!(alice.count("SELECT count(*) FROM quarantine"), 0);
    settle(&mut alice, &mut bob);
    assert_eq!(alice.texts(&bob), ["hello", "one"]);
}

#[test]
fn quarantine_is_bounded() {
    let (alice, bob) = acquainted();
    let genuine = text(&alice, &bob, "genuine");
    let poison: Vec<Incoming> = (0..1100u32)
        .map(|n| {
            let mut bad = genuine.clone();
            bad.bytes[30..34].copy_from_slice(&n.to_be_bytes());
            bad
        })
        .collect();
    bob.receive_batch(poison);
    assert_eq!(bob.count("SELECT count(*) FROM quarantine"), 1000);
    assert_eq!(
        bob.count("SELECT min(id) FROM quarantine"),
        101,
        "the oldest went"
    );
    assert!(matches!(
        bob.receive_batch(vec![genuine])[0],
        Outcome::Message(_)
    ));
}
