//! What must not be written down: canaries in a whole exchange, looked for in log and database.

use std::cell::RefCell;
use std::io::Write;

use reqwest::Method;
use sotto_wire::cbor;
use sotto_wire::challenge::Realm;
use sotto_wire::relay_api::{Adjudication, ClaimRequest, KeyPackagesPut, paths};
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::doubles::START;
use super::socket::Socket;
use super::world::{World, on_postgres};

thread_local! {
    /// Log lines of this thread, which is the only one of its test's runtime.
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A whole exchange; returns texts and bytes that identify someone in it.
async fn exchange(world: &World) -> Vec<Vec<u8>> {
    let (alice, device) = world.registered("alice-canary").await;
    let bob = world.person("bob-canary");
    let bobs = bob.device(world.now());
    let put = KeyPackagesPut {
        remove: Vec::new(),
        single_use: vec![b"package-canary".to_vec()],
        last_resort: None,
    };
    world
        .owner(
            &device,
            Method::PUT,
            paths::KEY_PACKAGES,
            Some(cbor::encode(&put)),
        )
        .await;

    let challenge = world.challenge(Realm::Claim, alice.did.as_str()).await;
    let body = cbor::encode(&ClaimRequest {
        id: [7; 16],
        did: bob.did.clone(),
        cert: bobs.cert.clone(),
    });
    let path = paths::key_package_claims(&alice.did);
    let headers = world.sign(&Method::POST, &path, Some(&body), &challenge, &bobs.key);
    assert_eq!(
        world
            .send(Method::POST, &path, &headers, Some(body))
            .await
            .status,
        200
    );

    world
        .contact(
            &alice.did,
            bob.envelope(&bobs, &alice.did, "first-contact-canary"),
        )
        .await;
    let body = cbor::encode(&Adjudication {
        discard: vec![bob.did.clone()],
        ..Adjudication::default()
    });
    world
        .owner(&device, Method::POST, paths::ADJUDICATION, Some(body))
        .await;

    let grant = world.grants(&device, 1).await.remove(0);
    world.put(&grant, b"sealed-canary").await;
    world.settled().await;
    let mut socket = Socket::open(world, &device).await;
    socket.next().await;
    let delivery = socket.delivery().await;
    socket.ack(&delivery).await;
    while !world.queue(&device).await.messages.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    world
        .send(Method::GET, "/nowhere/alice-canary", &[], None)
        .await;
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        text("canary"),
        text("did:web"),
        text(grant.address.as_str()),
        text(&device.key.public().thumbprint().text()),
        text(&device.id.hex()),
        text(&delivery.id),
        text(&challenge),
        text("127.0.0.1"),
        grant.key.as_bytes().to_vec(),
    ]
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

#[tokio::test]
async fn the_log_names_nobody() {
    if on_postgres() {
        // A process has one log, and the other of the two tests has it.
        return;
    }
    // For the process: a subscriber of one thread misses call sites that others met first.
    let layer = tracing_subscriber::fmt::layer()
        .json()
        .with_writer(|| Lines)
        .with_filter(crate::log::own_events());
    tracing_subscriber::registry().with(layer).init();
    let world = World::new().await;
    let canaries = exchange(&world).await;
    let log = LINES.take();
    let text = String::from_utf8_lossy(&log);
    assert!(
        text.contains("/pmr/v1/inbox/{key}/messages"),
        "templates are logged: {text}"
    );
    assert!(text.contains("\"status\":202"));
    for canary in canaries {
        assert!(
            !contains(&log, &canary),
            "{} in {text}",
            String::from_utf8_lossy(&canary)
        );
    }
}

#[tokio::test]
async fn the_database_keeps_nothing_that_it_has_no_more_use_for() {
    if on_postgres() {
        // Looks at the bytes of a file; a server overwrites what was deleted when it likes.
        return;
    }
    let world = World::new().await;
    exchange(&world).await;
    // The discard window ends, the claim's repetition too.
    world.clock.forward(4000);
    crate::sweep::once(world.relay.state()).await.unwrap();
    // Behind the checkpoint, in the order of the writer.
    let store = &world.relay.state().store;
    store.write(|_| Ok(())).await.unwrap();
    let data = world.data.clone();
    let mut kept = Vec::new();
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let path = format!("{}{suffix}", data.display());
        kept.extend(std::fs::read(path).unwrap_or_default());
    }
    assert!(
        contains(&kept, b"alice-canary"),
        "who is registered is known (§6)"
    );
    for gone in [
        "bob-canary",
        "package-canary",
        "first-contact-canary",
        "sealed-canary",
        "127.0.0.1",
    ] {
        assert!(!contains(&kept, gone.as_bytes()), "{gone} is still there");
    }
    assert!(!contains(&kept, START.to_string().as_bytes()));
}

#[tokio::test]
async fn even_while_in_use_the_database_does_not_link_claims_or_machines() {
    if on_postgres() {
        // Looks at the bytes of a file; a server overwrites what was deleted when it likes.
        return;
    }
    let world = World::new().await;
    let (alice, device) = world.registered("alice").await;
    let put = KeyPackagesPut {
        remove: Vec::new(),
        single_use: vec![b"p".to_vec()],
        last_resort: None,
    };
    world
        .owner(
            &device,
            Method::PUT,
            paths::KEY_PACKAGES,
            Some(cbor::encode(&put)),
        )
        .await;
    let bob = world.person("bob-canary");
    let bobs = bob.device(world.now());
    let challenge = world.challenge(Realm::Claim, alice.did.as_str()).await;
    let body = cbor::encode(&ClaimRequest {
        id: [7; 16],
        did: bob.did.clone(),
        cert: bobs.cert.clone(),
    });
    let path = paths::key_package_claims(&alice.did);
    let headers = world.sign(&Method::POST, &path, Some(&body), &challenge, &bobs.key);
    world.send(Method::POST, &path, &headers, Some(body)).await;
    for suffix in ["", "-wal"] {
        let bytes = std::fs::read(format!("{}{suffix}", world.data.display())).unwrap();
        assert!(!contains(&bytes, b"bob-canary") && !contains(&bytes, b"127.0.0.1"));
    }
}
