use crate::attachments::AttachmentProblem;
use crate::attachments::reading::Chosen;
use crate::db::DbError;
use crate::db::attachments::{self, Attachment, AttachmentState, Piece};
use crate::messages::{ComposeError, MessageState, attach, compose, content, history, retry};
use crate::testing::{Party, acquainted, settle};
use sotto_wire::attachment::{AttachmentKey, AttachmentUrl, NONCE, ObjectName};
use sotto_wire::content::{Body, Content, Disposition, ExternalPart};
use sotto_wire::random::OsRandom;

fn send(from: &Party, to: &Party, caption: &'static str) -> i64 {
    let id = from.start(to);
    let chosen = Chosen {
        path: "/a/file.png".into(),
        name: "file.png".into(),
        mime: "image/png",
        size: 5,
        changed: 1,
    };
    from.write(move |tx| attach::compose(tx, &id, caption, &chosen))
}

fn file(party: &Party, message: i64) -> Attachment {
    let mut all = party.read(move |tx| attachments::of_message(tx, message));
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn piece(index: Option<u32>) -> Piece {
    let name = ObjectName::of(format!("{index:?}").as_bytes());
    Piece {
        index,
        name,
        done: false,
    }
}

/// As the worker does once the file has been read.
fn read(party: &Party, message: i64) {
    let attachment = file(party, message);
    party.write::<_, DbError>(move |tx| {
        let key = AttachmentKey::from_bytes([3; 32]);
        attachments::set_secret(tx, attachment.id, &key, &[4; NONCE])?;
        attachments::add_pieces(tx, attachment.id, &[piece(Some(0)), piece(None)])?;
        attachments::enter(tx, &attachment, AttachmentState::Uploading, None)
    });
}

fn url(party: &Party) -> AttachmentUrl {
    AttachmentUrl {
        domain: party.own.domain.clone(),
        name: piece(None).name,
    }
}

/// As the worker does once everything is at the relay.
fn upload(party: &Party, message: i64) {
    read(party, message);
    let (attachment, url) = (file(party, message), url(party));
    party.write(move |tx| attach::uploaded(tx, &attachment, &url));
}

#[test]
fn a_message_goes_when_its_file_is_at_the_relay_and_keeps_nobody_waiting() {
    let (mut alice, mut bob) = acquainted();
    let message = send(&alice, &bob, "look");
    alice.say(&bob, "later");
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "later"]);
    assert_eq!(alice.texts(&bob), ["hello", "look", "later"]);
    upload(&alice, message);
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "later", "look"]);
    // Where it was written, its place is the one where it was written.
    assert_eq!(alice.texts(&bob), ["hello", "look", "later"]);
    let there = bob.messages(&alice).pop().unwrap();
    let received = file(&bob, there.id);
    assert_eq!((received.name.as_str(), received.size), ("file.png", 5));
    assert_eq!(received.mime, "image/png");
    assert_eq!(received.state, AttachmentState::Remote);
    assert_eq!(received.url, Some(url(&alice).to_string()));
    let (key, nonce) = received.secret.unwrap();
    assert_eq!((key.as_bytes(), nonce), (&[3; 32], [4; NONCE]));
    let own = alice.messages(&bob);
    assert_eq!(own[1].state, MessageState::Delivered);
}

#[test]
fn a_file_without_words_is_a_message_without_words() {
    let (mut alice, mut bob) = acquainted();
    let message = send(&alice, &bob, "");
    upload(&alice, message);
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", ""]);
}

#[test]
fn nothing_seals_a_message_whose_file_is_on_its_way() {
    let (mut alice, mut bob) = acquainted();
    let message = send(&alice, &bob, "look");
    alice.write(move |tx| retry(tx, message));
    alice.write::<_, DbError>(move |tx| {
        tx.execute(
            "INSERT INTO outbox (conversation, message)
             SELECT conversation, id FROM message WHERE id = ?1",
            [message],
        )?;
        Ok(())
    });
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello"]);
}

#[test]
fn a_file_that_failed_fails_its_message_until_it_is_tried_again() {
    let (mut alice, mut bob) = acquainted();
    let message = send(&alice, &bob, "look");
    read(&alice, message);
    let attachment = file(&alice, message);
    alice.write(move |tx| attach::failed(tx, &attachment, AttachmentProblem::Quota));
    let shown = alice.messages(&bob).pop().unwrap();
    assert_eq!(shown.state, MessageState::Failed);
    assert_eq!(shown.error.as_deref(), Some("attachment.quota"));
    assert_eq!(file(&alice, message).state, AttachmentState::Failed);
    alice.write(move |tx| retry(tx, message));
    let shown = alice.messages(&bob).pop().unwrap();
    assert_eq!((shown.state, shown.error), (MessageState::Sending, None));
    // The key was used: what was encrypted under it is what goes on.
    assert_eq!(file(&alice, message).state, AttachmentState::Uploading);
    let (attachment, url) = (file(&alice, message), url(&alice));
    alice.write(move |tx| attach::uploaded(tx, &attachment, &url));
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "look"]);
}

#[test]
fn taking_a_message_back_leaves_nothing_but_what_is_to_be_cleared() {
    let (mut alice, mut bob) = acquainted();
    let message = send(&alice, &bob, "look");
    read(&alice, message);
    let id = file(&alice, message).id;
    alice.write(move |tx| attachments::piece_done(tx, id, &piece(Some(0))));
    let stopped = alice.write(move |tx| attach::cancel(tx, message, 0));
    assert_eq!(stopped, Ok(()));
    assert_eq!(alice.texts(&bob), ["hello"]);
    assert_eq!(alice.read(|tx| attachments::folders_to_clear(tx)), [id]);
    // What has not been put need not be removed.
    let objects = alice.read(|tx| attachments::objects_to_remove(tx));
    assert_eq!(objects, [piece(Some(0)).name]);
    let again = alice.write(move |tx| attach::cancel(tx, message, 0));
    assert_eq!(again, Err(AttachmentProblem::Unknown));
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello"]);
}

#[test]
fn forgetting_a_message_takes_its_own_objects_away_and_nobody_elses() {
    let (mut alice, mut bob) = acquainted();
    let message = send(&alice, &bob, "look");
    upload(&alice, message);
    settle(&mut alice, &mut bob);
    let there = bob.messages(&alice).pop().unwrap().id;
    bob.write(move |tx| attachments::forget(tx, there));
    assert!(bob.read(|tx| attachments::objects_to_remove(tx)).is_empty());
    assert_eq!(bob.read(|tx| attachments::folders_to_clear(tx)).len(), 1);
    alice.write(move |tx| attachments::forget(tx, message));
    assert_eq!(alice.read(|tx| attachments::objects_to_remove(tx)).len(), 2);
    assert_eq!(alice.count("SELECT count(*) FROM attachment_piece"), 0);
}

#[test]
fn fetching_is_asked_for_and_stopped() {
    let (mut alice, mut bob) = acquainted();
    let message = send(&alice, &bob, "look");
    upload(&alice, message);
    settle(&mut alice, &mut bob);
    let there = bob.messages(&alice).pop().unwrap().id;
    assert!(
        bob.read(|tx| attachments::due(tx, u64::MAX >> 1))
            .is_empty()
    );
    let asked = bob.write(move |tx| attach::fetch(tx, there, 0));
    assert_eq!(asked, Ok(()));
    assert_eq!(file(&bob, there).state, AttachmentState::Downloading);
    assert_eq!(bob.read(|tx| attachments::due(tx, 1 << 60)).len(), 1);
    let stopped = bob.write(move |tx| attach::cancel(tx, there, 0));
    assert_eq!(stopped, Ok(()));
    assert_eq!(file(&bob, there).state, AttachmentState::Remote);
    assert_eq!(bob.texts(&alice), ["hello", "look"]);
    let missing = bob.write(move |tx| attach::fetch(tx, there, 1));
    assert_eq!(missing, Err(AttachmentProblem::Unknown));
}

/// A part as this protocol makes it, at a relay of that domain.
fn part(size: u64, url: &str) -> ExternalPart {
    let name = ObjectName::of(b"manifest");
    ExternalPart {
        disposition: Disposition::Attachment,
        content_type: "text/html; x".into(),
        url: url.replace("{}", &name.to_string()),
        expires: 0,
        size,
        enc_alg: 29,
        key: vec![1; 32].into(),
        nonce: vec![2; NONCE],
        aad: Vec::new(),
        hash_alg: 1,
        content_hash: name.as_bytes().to_vec(),
        description: String::new(),
        filename: "../\u{202e}gpj.exe".into(),
    }
}

#[test]
fn what_makes_no_sense_is_kept_and_never_fetched() {
    const GOOD: &str = "https://relay.example/pmr/v1/attachments/{}";
    let odd = |change: fn(&mut ExternalPart)| {
        let mut part = part(10, GOOD);
        change(&mut part);
        part
    };
    let parts = vec![
        part(10, GOOD),
        part(0, GOOD),
        part(u64::MAX, GOOD),
        part(10, "https://10.0.0.1/pmr/v1/attachments/{}"),
        part(10, "http://relay.example/pmr/v1/attachments/{}"),
        part(10, "file:///etc/passwd"),
        odd(|it| it.enc_alg = 1),
        odd(|it| it.hash_alg = 2),
        odd(|it| it.content_hash = vec![0; 32]),
        odd(|it| it.key = vec![1; 16].into()),
        odd(|it| it.nonce = vec![1; 7]),
        odd(|it| it.aad = vec![1]),
    ];
    let (alice, bob) = acquainted();
    let message = bob.messages(&alice).pop().unwrap().id;
    // They come as content of a peer, whole.
    let content = Content::new(Body::Attachments { text: None, parts }, &OsRandom);
    let read = Content::decode(&content.encode().unwrap()).unwrap();
    let Body::Attachments { parts, .. } = read.body else {
        panic!("no attachments");
    };
    bob.write(move |tx| attach::received(tx, message, &parts));
    let all = bob.read(move |tx| attachments::of_message(tx, message));
    assert_eq!(all.len(), 12);
    assert_eq!(all[0].state, AttachmentState::Remote);
    assert_eq!(all[0].name, "_gpj.exe");
    assert_eq!(all[0].mime, "text/html");
    for (place, attachment) in (0..).zip(&all).skip(1) {
        assert_eq!(attachment.state, AttachmentState::Failed, "{place}");
        assert_eq!(attachment.error.as_deref(), Some("attachment.invalid"));
        let asked = bob.write(move |tx| attach::fetch(tx, message, place));
        assert_eq!(asked, Err(AttachmentProblem::Invalid), "{place}");
    }
    assert!(bob.read(|tx| attachments::due(tx, 1 << 60)).is_empty());
}

fn refusal<T: Send + 'static>(
    party: &Party,
    deed: impl FnOnce(&crate::db::WriteTx<'_>) -> Result<T, ComposeError> + Send + 'static,
) -> &'static str {
    let refused = party.db().write_blocking(move |tx| deed(tx).map(drop));
    refused.unwrap_err().code()
}

#[test]
fn a_caption_that_is_changed_while_the_file_is_on_its_way_is_the_one_that_goes_out() {
    let (mut alice, mut bob) = acquainted();
    let message = send(&alice, &bob, "lokk");
    read(&alice, message);
    alice.write(move |tx| content::edit(tx, message, "look"));
    assert_eq!(alice.texts(&bob), ["hello", "look"]);
    let (attachment, url) = (file(&alice, message), url(&alice));
    alice.write(move |tx| attach::uploaded(tx, &attachment, &url));
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "look"]);
    for party in [&alice, &bob] {
        assert_eq!(party.count("SELECT count(*) FROM edit"), 0);
        assert_eq!(party.count("SELECT count(*) FROM early_content"), 0);
    }
    // From here on it is a message like any other.
    alice.write(move |tx| content::edit(tx, message, "look at this"));
    alice.write(move |tx| content::react(tx, message, Some("👍")));
    let id = alice.start(&bob);
    alice.write(move |tx| compose::reply(tx, &id, "well?", Some(message)));
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "look at this", "well?"]);
    let [_, there, answer] = &bob.messages(&alice)[..] else {
        panic!("not three messages");
    };
    assert_eq!(there.reactions.len(), 1);
    assert_eq!(answer.reply_to.as_ref().unwrap().message, Some(there.id));
}

#[test]
fn nothing_is_said_of_a_message_whose_file_is_on_its_way() {
    let (mut alice, mut bob) = acquainted();
    let id = alice.start(&bob);
    let message = send(&alice, &bob, "look");
    let reaction = refusal(&alice, move |tx| content::react(tx, message, Some("👍")));
    assert_eq!(reaction, "message.waits_for_file");
    let reply = refusal(&alice, move |tx| {
        compose::reply(tx, &id, "well?", Some(message))
    });
    assert_eq!(reply, "message.waits_for_file");
    // Deleting it for everyone tells nobody: nobody knows of it.
    alice.write(move |tx| content::delete(tx, message, true));
    assert_eq!(alice.texts(&bob), ["hello"]);
    assert_eq!(alice.count("SELECT count(*) FROM outbox"), 0);
    assert_eq!(alice.count("SELECT count(*) FROM attachment"), 0);
    settle(&mut alice, &mut bob);
    assert_eq!(bob.count("SELECT count(*) FROM early_content"), 0);
}

#[test]
fn a_file_without_words_is_named_in_the_list_and_where_it_is_answered() {
    let (mut alice, mut bob) = acquainted();
    let id = alice.start(&bob);
    let message = send(&alice, &bob, "");
    let named = |of: &Party| {
        let line = of.read(move |tx| history::conversation(tx, &id)).unwrap();
        line.file.map(|file| (file.name, file.mime))
    };
    let expected = Some(("file.png".to_owned(), "image/png".to_owned()));
    assert_eq!(named(&alice), expected, "also while it is on its way");
    upload(&alice, message);
    settle(&mut alice, &mut bob);
    assert_eq!(named(&bob), expected);
    let there = bob.messages(&alice).pop().unwrap().id;
    bob.write(move |tx| compose::reply(tx, &id, "nice", Some(there)));
    let reply = bob.messages(&alice).pop().unwrap().reply_to.unwrap();
    assert_eq!(reply.file.unwrap().name, "file.png");
    assert_eq!(named(&bob), None);
    settle(&mut alice, &mut bob);
    // Words stand for the file that they go with.
    let message = send(&alice, &bob, "look");
    upload(&alice, message);
    settle(&mut alice, &mut bob);
    assert_eq!(named(&bob), None);
}
