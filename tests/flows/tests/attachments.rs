//! Files between two people, over real relays.
#![expect(clippy::unwrap_used, reason = "tests, and what they share")]

use sotto_core::views::{AttachmentState, AttachmentView, MessageState, MessageView};
use sotto_testkit::{Cli, Client, Relay, network, until};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

const MIB: usize = 1 << 20;

/// Bytes that no compression and no repetition makes small.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    (0..len.div_ceil(4))
        .flat_map(|_| next().to_le_bytes())
        .take(len)
        .collect()
}

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn folder(&self) -> PathBuf {
        self.0.path().to_owned()
    }
}

async fn send(from: &Client, to: &Client, path: &Path, caption: &str) -> i64 {
    let conversation = from.conversation(to).await;
    let sent = from
        .app()
        .send_file(conversation, path.to_owned(), caption.to_owned())
        .await;
    let sent = sent.unwrap();
    assert_eq!(sent.state, MessageState::Sending);
    sent.id
}

async fn messages(of: &Client, with: &Client) -> Vec<MessageView> {
    let conversation = of.conversation(with).await;
    of.app().messages(conversation, None, 100).await.unwrap()
}

/// The last message with a file, and the file.
async fn last_file(of: &Client, with: &Client) -> Option<(MessageView, AttachmentView)> {
    let all = messages(of, with).await;
    let message = all
        .into_iter()
        .rev()
        .find(|it| !it.attachments.is_empty())?;
    let file = message.attachments.first()?.clone();
    Some((message, file))
}

async fn becomes(
    of: &Client,
    with: &Client,
    state: AttachmentState,
) -> (MessageView, AttachmentView) {
    until(&format!("a file that is {state:?}"), || async {
        last_file(of, with)
            .await
            .is_some_and(|(_, file)| file.state == state)
    })
    .await;
    last_file(of, with).await.unwrap()
}

/// The other's file, fetched as soon as it is there.
async fn fetched(of: &Client, with: &Client) -> (MessageView, AttachmentView) {
    until("a file of the other", || async {
        let last = last_file(of, with).await;
        last.is_some_and(|(message, _)| !message.mine)
    })
    .await;
    let (message, _) = becomes(of, with, AttachmentState::Remote).await;
    of.app().fetch_attachment(message.id, 0).await.unwrap();
    becomes(of, with, AttachmentState::Here).await
}

/// How often the relay answered a method with a status at an object.
fn answers(relay: &Relay, method: &str, status: u16) -> usize {
    let route = "\"route\":\"/pmr/v1/attachments/{name}\"";
    let (method, status) = (
        format!("\"method\":\"{method}\""),
        format!("\"status\":{status}"),
    );
    let log = relay.log();
    log.lines()
        .filter(|line| line.contains(route) && line.contains(&method) && line.contains(&status))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn large_files_go_both_ways() {
    let network = network();
    let (first, second) = (Relay::start(network).await, Relay::start(network).await);
    let alice = Client::ready(network, "alice", 0, first.domain()).await;
    let bob = Client::ready(network, "bob", 0, second.domain()).await;
    let files = Files::new();
    let bytes = noise(25 * MIB + 77);
    let path = files.file("large.bin", &bytes);
    for (from, to, relay) in [(&alice, &bob, &first), (&bob, &alice, &second)] {
        send(from, to, &path, "have this").await;
        let (message, file) = fetched(to, from).await;
        assert_eq!(message.text.as_deref(), Some("have this"));
        assert_eq!(
            (file.name.as_str(), file.size),
            ("large.bin", bytes.len() as u64)
        );
        let saved = to
            .app()
            .save_attachment(message.id, 0, files.folder())
            .await
            .unwrap();
        assert!(std::fs::read(&saved).unwrap() == bytes);
        assert_ne!(saved, path, "what is there is not replaced");
        std::fs::remove_file(saved).unwrap();
        // 26 pieces and the manifest, and nothing of the file in them.
        assert_eq!(relay.objects().len(), 27);
        let needle = &bytes[100_000..100_032];
        for object in relay.objects() {
            let object = std::fs::read(object).unwrap();
            assert!(!object.windows(32).any(|window| window == needle));
        }
        from.delivered(to).await;
    }
    // Nothing is left of the pieces at the sender, whose file it is.
    let (_, own) = last_file(&bob, &alice).await.unwrap();
    assert_eq!(own.state, AttachmentState::Remote);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_shown_small_on_both_sides() {
    let network = network();
    let relay = Relay::start(network).await;
    let alice = Client::ready(network, "alice", 0, relay.domain()).await;
    let bob = Client::ready(network, "bob", 0, relay.domain()).await;
    let files = Files::new();
    let path = files.0.path().join("picture.dat");
    let picture = image::RgbImage::from_fn(640, 480, |x, y| image::Rgb([x as u8, y as u8, 9]));
    picture
        .save_with_format(&path, image::ImageFormat::Png)
        .unwrap();
    send(&alice, &bob, &path, "").await;
    let (_, own) = becomes(&alice, &bob, AttachmentState::Remote).await;
    assert_eq!(own.mime, "image/png", "by its bytes, whatever its name");
    let (_, before) = becomes(&bob, &alice, AttachmentState::Remote).await;
    assert_eq!(before.thumbnail, None, "nothing is fetched unasked");
    let (_, after) = fetched(&bob, &alice).await;
    for file in [own, after] {
        assert_eq!((file.width, file.height), (Some(640), Some(480)));
        assert!(
            file.thumbnail
                .unwrap()
                .starts_with("data:image/jpeg;base64,")
        );
        assert!(!file.dangerous);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_is_refused_and_leaves_no_message() {
    let network = network();
    let relay = Relay::start(network).await;
    let alice = Client::ready(network, "alice", 0, relay.domain()).await;
    let bob = Client::ready(network, "bob", 0, relay.domain()).await;
    let files = Files::new();
    let conversation = alice.conversation(&bob).await;
    for (path, code) in [
        (files.file("empty", b""), "attachment.empty"),
        (files.folder(), "attachment.not_a_file"),
        (files.folder().join("missing"), "attachment.missing"),
        (PathBuf::new(), "attachment.missing"),
    ] {
        let refused = alice
            .app()
            .send_file(conversation.clone(), path, String::new())
            .await;
        assert_eq!(refused.unwrap_err().code, code);
    }
    assert!(messages(&alice, &bob).await.is_empty());
}

fn killed(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn quiet(cli: &Cli, arguments: &[&str]) -> Child {
    let mut command = cli.command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_it_goes_on_where_it_was() {
    let network = network();
    let relay = Relay::start(network).await;
    let mut alice = Client::ready(network, "alice", 0, relay.domain()).await;
    let mut bob = Client::ready(network, "bob", 0, relay.domain()).await;
    let files = Files::new();
    let bytes = noise(40 * MIB);
    let path = files.file("large.bin", &bytes);
    alice.stop().await;
    let handle = bob.account.handle.clone();
    let child = quiet(
        &Cli::of(&alice),
        &[
            "send-file",
            &handle,
            path.to_str().unwrap(),
            "--caption",
            "late",
        ],
    );
    until("some pieces at the relay", || async {
        answers(&relay, "PUT", 201) >= 5
    })
    .await;
    killed(child);
    let before = answers(&relay, "PUT", 201);
    assert!(before < 41, "it was too quick to be killed");
    // What counts was read already: the file may go.
    std::fs::remove_file(&path).unwrap();
    alice.restart().await;
    bob.hears(&alice, &["late"]).await;
    assert_eq!(
        answers(&relay, "PUT", 201),
        41,
        "40 pieces and the manifest, once each"
    );
    // The piece whose answer was not noted any more.
    assert!(answers(&relay, "PUT", 200) <= 1);

    let (message, _) = becomes(&bob, &alice, AttachmentState::Remote).await;
    bob.stop().await;
    let (id, target) = (message.id.to_string(), files.folder().join("saved.bin"));
    let save = ["save", &id, "0", target.to_str().unwrap()];
    let child = quiet(&Cli::of(&bob), &save);
    until("some pieces fetched", || async {
        answers(&relay, "GET", 200) >= 6
    })
    .await;
    killed(child);
    assert!(!target.exists());
    let done = Cli::of(&bob).run(&save);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(std::fs::read(&target).unwrap() == bytes);
    // 40 pieces and the manifest, and the one that was under way.
    let gets = answers(&relay, "GET", 200) + answers(&relay, "GET", 206);
    assert!(gets <= 42, "{gets} requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_taken_back_leaves_nothing_anywhere() {
    let network = network();
    // Room for a part of it, so that it stays in the middle.
    let relay = Relay::with(network, &[("SOTTO_RELAY_ATTACHMENT_MAX_BYTES", "3500000")]).await;
    let alice = Client::ready(network, "alice", 0, relay.domain()).await;
    let bob = Client::ready(network, "bob", 0, relay.domain()).await;
    let files = Files::new();
    let path = files.file("file.bin", &noise(8 * MIB));
    let message = send(&alice, &bob, &path, "too much").await;
    let (shown, file) = becomes(&alice, &bob, AttachmentState::Failed).await;
    assert_eq!(shown.state, MessageState::Failed);
    for error in [shown.error, file.error] {
        assert_eq!(error.unwrap().code, "attachment.quota");
    }
    assert_eq!(relay.objects().len(), 3);
    alice.write(&bob, "goes on").await;
    bob.hears(&alice, &["goes on"]).await;
    // Trying again comes to the same, and to no more.
    alice.app().retry(message).await.unwrap();
    becomes(&alice, &bob, AttachmentState::Failed).await;
    assert_eq!(relay.objects().len(), 3);

    alice.app().cancel_attachment(message, 0).await.unwrap();
    assert!(last_file(&alice, &bob).await.is_none());
    until("nothing at the relay", || async {
        relay.objects().is_empty()
    })
    .await;
    let account = alice.data_dir().join("accounts");
    until("nothing on the disk", || async { pieces_in(&account) == 0 }).await;
    let small = files.file("small.bin", &noise(3 * MIB));
    send(&alice, &bob, &small, "").await;
    fetched(&bob, &alice).await;
}

/// Files in the folders of attachments below a folder.
fn pieces_in(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let mut found = 0;
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            found += pieces_in(&path);
        } else if path
            .components()
            .any(|part| part.as_os_str() == "attachments")
        {
            found += 1;
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_relay_damages_or_loses_is_named() {
    let network = network();
    let relay = Relay::start(network).await;
    let alice = Client::ready(network, "alice", 0, relay.domain()).await;
    let bob = Client::ready(network, "bob", 0, relay.domain()).await;
    let files = Files::new();
    let path = files.file("file.bin", &noise(2 * MIB));
    send(&alice, &bob, &path, "").await;
    let (message, _) = becomes(&bob, &alice, AttachmentState::Remote).await;
    let objects = relay.objects();
    let whole: Vec<_> = objects
        .iter()
        .map(|it| std::fs::read(it).unwrap())
        .collect();
    let bend = |object: &PathBuf, bytes: &[u8]| {
        let mut bent = bytes.to_vec();
        bent[77] ^= 1;
        std::fs::write(object, bent).unwrap();
    };
    let objects_and_bytes = || objects.iter().zip(&whole);
    objects_and_bytes().for_each(|(object, bytes)| bend(object, bytes));
    // First the manifest, then the pieces.
    for _ in 0..2 {
        bob.app().fetch_attachment(message.id, 0).await.unwrap();
        let (_, file) = becomes(&bob, &alice, AttachmentState::Failed).await;
        assert_eq!(file.error.unwrap().code, "attachment.damaged");
        for (object, bytes) in objects_and_bytes().filter(|(_, bytes)| bytes.len() < MIB) {
            std::fs::write(object, bytes).unwrap();
        }
    }
    for (object, bytes) in objects_and_bytes() {
        std::fs::write(object, bytes).unwrap();
    }
    let refused = bob
        .app()
        .save_attachment(message.id, 0, files.folder())
        .await;
    assert_eq!(refused.unwrap_err().code, "attachment.not_here");
    // Shorter than it says: like a connection that breaks, and it goes on when it is whole again.
    let large = objects
        .iter()
        .zip(&whole)
        .find(|(_, it)| it.len() > MIB)
        .unwrap();
    std::fs::write(large.0, &large.1[..1000]).unwrap();
    bob.app().fetch_attachment(message.id, 0).await.unwrap();
    becomes(&bob, &alice, AttachmentState::Waiting).await;
    std::fs::write(large.0, large.1).unwrap();
    becomes(&bob, &alice, AttachmentState::Here).await;
    let own = last_file(&alice, &bob).await.unwrap().0;
    for object in &objects {
        std::fs::remove_file(object).unwrap();
    }
    alice.app().fetch_attachment(own.id, 0).await.unwrap();
    let (_, file) = becomes(&alice, &bob, AttachmentState::Gone).await;
    assert_eq!(file.error.unwrap().code, "attachment.gone");
}
