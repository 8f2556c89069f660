//! Objects of attachments (§4.8).

use std::path::PathBuf;
use std::sync::Arc;

use reqwest::{Method, StatusCode};
use sotto_wire::attachment::{MAX_OBJECT, ObjectName};
use sotto_wire::challenge::{NEXT_CHALLENGE, Realm};
use sotto_wire::domain::Domain;
use sotto_wire::enabler::{EnablerDocument, PATH};
use sotto_wire::relay_api::{ErrorBody, MAX_OBJECT_PAGE, ObjectList, paths};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::answer::Answer;
use super::people::Device;
use super::world::{Setup, World};
use crate::store::sql::params;
use crate::sweep;

fn object(byte: u8, len: usize) -> (ObjectName, Vec<u8>) {
    let bytes = vec![byte; len];
    (ObjectName::of(&bytes), bytes)
}

async fn put(world: &World, device: &Device, bytes: &[u8]) -> Answer {
    let path = paths::attachment(&ObjectName::of(bytes));
    world
        .owner(device, Method::PUT, &path, Some(bytes.to_vec()))
        .await
}

async fn get(world: &World, name: &ObjectName, range: Option<&str>) -> Answer {
    let range = range.map(|range| ("range".to_owned(), range.to_owned()));
    let headers: Vec<_> = range.into_iter().collect();
    world
        .send(Method::GET, &paths::attachment(name), &headers, None)
        .await
}

async fn delete(world: &World, device: &Device, name: &ObjectName) -> Answer {
    world
        .owner(device, Method::DELETE, &paths::attachment(name), None)
        .await
}

fn refused(answer: &Answer, status: u16, code: &str) {
    let found = (answer.status.as_u16(), answer.error());
    assert_eq!(found, (status, Some(code.to_owned())));
}

/// All files in the folder of attachments.
fn files(world: &World) -> Vec<PathBuf> {
    let root = world.data.with_extension("attachments");
    let folders = std::fs::read_dir(root).unwrap();
    folders
        .flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect()
}

#[tokio::test]
async fn an_object_is_put_by_a_device_and_got_by_anyone() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let (name, bytes) = object(1, MAX_OBJECT);
    assert_eq!(get(&world, &name, None).await.status, 404);
    let first = put(&world, &device, &bytes).await;
    assert_eq!(first.status, StatusCode::CREATED);
    assert!(first.headers.contains_key(NEXT_CHALLENGE));
    assert_eq!(put(&world, &device, &bytes).await.status, StatusCode::OK);
    let got = get(&world, &name, None).await;
    assert_eq!((got.status, got.body), (StatusCode::OK, bytes));
    assert_eq!(got.headers["accept-ranges"], "bytes");
    assert_eq!(got.headers["x-content-type-options"], "nosniff");
    let head = world
        .send(Method::HEAD, &paths::attachment(&name), &[], None)
        .await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    assert_eq!(head.headers["content-length"], MAX_OBJECT.to_string());
}

#[tokio::test]
async fn parts_are_given_and_what_lies_behind_the_end_is_not() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let bytes: Vec<u8> = (0..=255).collect();
    let name = ObjectName::of(&bytes);
    put(&world, &device, &bytes).await;
    let part = get(&world, &name, Some("bytes=250-")).await;
    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers["content-range"], "bytes 250-255/256");
    assert_eq!(part.headers["content-length"], "6");
    assert_eq!(part.body, [250, 251, 252, 253, 254, 255]);
    let part = get(&world, &name, Some("bytes=0-0")).await;
    assert_eq!((part.status.as_u16(), part.body), (206, vec![0]));
    let behind = get(&world, &name, Some("bytes=256-")).await;
    assert_eq!(behind.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(behind.headers["content-range"], "bytes */256");
    assert!(behind.body.is_empty());
    let many = get(&world, &name, Some("bytes=0-1,4-5")).await;
    assert_eq!((many.status.as_u16(), many.body), (200, bytes));
}

#[tokio::test]
async fn what_is_not_there_looks_always_the_same() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let (name, bytes) = object(1, 100);
    put(&world, &device, &bytes).await;
    let unknown = get(&world, &ObjectName::of(b"other"), None).await;
    let nonsense = world
        .send(Method::GET, "/pmr/v1/attachments/nonsense", &[], None)
        .await;
    world.clock.forward(45 * 86_400);
    let expired = get(&world, &name, None).await;
    for answer in [&unknown, &nonsense, &expired] {
        refused(answer, 404, "not-found");
        assert_eq!(answer.headers.len(), unknown.headers.len());
    }
}

#[tokio::test]
async fn only_the_bytes_of_the_name_are_taken() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let path = paths::attachment(&ObjectName::of(b"right"));
    let wrong = world
        .owner(&device, Method::PUT, &path, Some(b"wrong".to_vec()))
        .await;
    refused(&wrong, 400, "wrong-name");
    // Signed for the right bytes, and then others come.
    let subject = device.key.public().thumbprint().text();
    let challenge = world.challenge(Realm::Device, &subject).await;
    let headers = world.sign(&Method::PUT, &path, Some(b"right"), &challenge, &device.key);
    let swapped = world
        .send(Method::PUT, &path, &headers, Some(b"wrong".to_vec()))
        .await;
    refused(&swapped, 400, "wrong-name");
    let none = world.owner(&device, Method::PUT, &path, None).await;
    refused(&none, 401, "bad-signature");
    let nonsense = world
        .owner(&device, Method::PUT, "/pmr/v1/attachments/x", Some(vec![1]))
        .await;
    refused(&nonsense, 400, "malformed");
    let large = put(&world, &device, &vec![0; MAX_OBJECT + 1]).await;
    refused(&large, 413, "too-large");
    assert!(files(&world).is_empty());
}

#[tokio::test]
async fn nobody_unregistered_puts_or_deletes() {
    let world = World::new().await;
    let (_, alice) = world.registered("alice").await;
    let (name, bytes) = object(1, 10);
    put(&world, &alice, &bytes).await;
    let path = paths::attachment(&name);
    for method in [Method::PUT, Method::DELETE] {
        let unsigned = world.send(method, &path, &[], Some(bytes.clone())).await;
        refused(&unsigned, 401, "bad-signature");
    }
    let stranger = world.person("bob").device(world.now());
    refused(&put(&world, &stranger, &bytes).await, 401, "not-registered");
    let expiring = world.person("carol");
    let device = expiring.device_until(world.now(), world.now() + 100);
    let body = expiring.registration(&device, expiring.roster(1, &[&device]));
    world
        .owner(&device, Method::POST, paths::REGISTRATIONS, Some(body))
        .await;
    world.clock.forward(200);
    let late = put(&world, &device, &bytes).await;
    refused(&late, 401, "expired-certificate");
}

#[tokio::test]
async fn an_unsigned_body_is_not_even_read() {
    let world = World::new().await;
    let mut stream = TcpStream::connect(world.relay.addr()).await.unwrap();
    let path = paths::attachment(&ObjectName::of(b"x"));
    let head = format!("PUT {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    // Not a byte of the body was sent.
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
}

#[tokio::test]
async fn a_slow_body_is_cut_off() {
    let world = World::with(|config| config.limits.attachment_timeout = 1).await;
    let (_, device) = world.registered("alice").await;
    let bytes = vec![7; 1000];
    let path = paths::attachment(&ObjectName::of(&bytes));
    let subject = device.key.public().thumbprint().text();
    let challenge = world.challenge(Realm::Device, &subject).await;
    let signed = world.sign(&Method::PUT, &path, Some(&bytes), &challenge, &device.key);
    let mut head = format!("PUT {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n");
    for (name, value) in signed {
        head += &format!("{name}: {value}\r\n");
    }
    let mut stream = TcpStream::connect(world.relay.addr()).await.unwrap();
    let start = [head.as_bytes(), b"\r\n", &bytes[..10]].concat();
    stream.write_all(&start).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
}

#[tokio::test]
async fn an_account_keeps_no_more_than_its_quota() {
    let world = World::with(|config| config.limits.attachment_max_bytes = 1000).await;
    let (_, alice) = world.registered("alice").await;
    let (_, bob) = world.registered("bob").await;
    let (first, bytes) = object(1, 600);
    assert_eq!(put(&world, &alice, &bytes).await.status, 201);
    let full = put(&world, &alice, &object(2, 401).1).await;
    assert_eq!(full.status, StatusCode::INSUFFICIENT_STORAGE);
    let body: ErrorBody = sotto_wire::cbor::decode(&full.body, 1000).unwrap();
    assert_eq!((body.error.as_str(), body.left), ("quota", Some(400)));
    // What is there already needs no room; another account has its own.
    assert_eq!(put(&world, &alice, &bytes).await.status, 200);
    assert_eq!(put(&world, &bob, &object(2, 401).1).await.status, 201);
    assert_eq!(put(&world, &alice, &object(3, 400).1).await.status, 201);
    assert_eq!(delete(&world, &alice, &first).await.status, 204);
    assert_eq!(put(&world, &alice, &object(4, 600).1).await.status, 201);
    let document = world.send(Method::GET, PATH, &[], None).await;
    let document = EnablerDocument::from_json(&document.body).unwrap();
    let offered = document.capabilities.attachments.unwrap();
    assert_eq!(offered.account_max_bytes, 1000);
    assert_eq!(offered.object_max_bytes, 1_048_592);
    assert_eq!(offered.object_expiry, 45 * 86_400);
}

#[tokio::test]
async fn two_accounts_may_have_the_same_object_and_each_deletes_its_own() {
    let world = World::new().await;
    let (_, alice) = world.registered("alice").await;
    let (_, bob) = world.registered("bob").await;
    let (name, bytes) = object(1, 50);
    put(&world, &alice, &bytes).await;
    assert_eq!(delete(&world, &bob, &name).await.status, 204);
    assert_eq!(get(&world, &name, None).await.status, 200);
    assert_eq!(put(&world, &bob, &bytes).await.status, 201);
    assert_eq!(files(&world).len(), 1);
    assert_eq!(delete(&world, &alice, &name).await.status, 204);
    assert_eq!(get(&world, &name, None).await.body, bytes);
    assert_eq!(delete(&world, &bob, &name).await.status, 204);
    assert_eq!(get(&world, &name, None).await.status, 404);
    assert_eq!(delete(&world, &bob, &name).await.status, 204);
    assert!(files(&world).is_empty());
}

#[tokio::test]
async fn what_has_expired_and_what_an_account_leaves_behind_is_swept() {
    let world = World::new().await;
    let (_, alice) = world.registered("alice").await;
    let (_, bob) = world.registered("bob").await;
    put(&world, &alice, &object(1, 50).1).await;
    put(&world, &bob, &object(2, 50).1).await;
    let gone = world
        .owner(&bob, Method::DELETE, paths::REGISTRATION, None)
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    sweep::once(world.relay.state()).await.unwrap();
    assert_eq!(files(&world).len(), 1);
    world.clock.forward(44 * 86_400);
    // Put again, it is kept for the full time again.
    put(&world, &alice, &object(1, 50).1).await;
    put(&world, &alice, &object(3, 50).1).await;
    world.clock.forward(44 * 86_400);
    sweep::once(world.relay.state()).await.unwrap();
    assert_eq!(files(&world).len(), 2);
    world.clock.forward(2 * 86_400);
    sweep::once(world.relay.state()).await.unwrap();
    assert!(files(&world).is_empty());
    assert_eq!(put(&world, &alice, &object(1, 50).1).await.status, 201);
}

#[tokio::test]
async fn fetches_are_counted_per_client() {
    let world = World::with(|config| config.limits.attachment_fetches_per_minute = 2).await;
    let name = ObjectName::of(b"x");
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(get(&world, &name, None).await.status.as_u16());
    }
    assert_eq!(statuses, [404, 404, 429]);
}

#[tokio::test]
async fn a_crash_between_file_and_row_leaves_nothing_behind() {
    if super::world::on_postgres() {
        // Others may be between file and row: what has none is looked after by the sweep.
        return;
    }
    let setup = Setup {
        domain: Some(Domain::parse("relay.example").unwrap()),
        ..Setup::default()
    };
    let world = setup.start().await;
    let (_, alice) = world.registered("alice").await;
    let (kept, bytes) = object(1, 50);
    put(&world, &alice, &bytes).await;
    // What a crash in the middle of a put leaves: a file without a row, and half of a file.
    let (orphan, lost) = object(2, 50);
    let objects = Arc::clone(&world.relay.state().objects);
    objects.write(&orphan, &lost).unwrap();
    let root = world.data.with_extension("attachments");
    std::fs::write(root.join("unfinished/77"), b"half").unwrap();
    std::fs::write(root.join("note-of-the-operator"), b"").unwrap();
    assert_eq!(get(&world, &orphan, None).await.status, 404);
    let World { relay, .. } = world;
    relay.shutdown().await;

    let again = setup.start().await;
    assert_eq!(get(&again, &kept, None).await.body, bytes);
    assert!(!objects.path(&orphan).exists());
    assert!(!root.join("unfinished/77").exists());
    assert!(root.join("note-of-the-operator").exists());
    assert_eq!(put(&again, &alice, &lost).await.status, 201);
    assert_eq!(get(&again, &orphan, None).await.body, lost);
}

#[tokio::test]
async fn a_file_that_somebody_took_away_is_missing_until_it_is_put_again() {
    let world = World::new().await;
    let (_, alice) = world.registered("alice").await;
    let (name, bytes) = object(1, 50);
    put(&world, &alice, &bytes).await;
    std::fs::remove_file(world.relay.state().objects.path(&name)).unwrap();
    refused(&get(&world, &name, None).await, 404, "not-found");
    assert_eq!(put(&world, &alice, &bytes).await.status, 200);
    assert_eq!(get(&world, &name, None).await.body, bytes);
}

#[tokio::test]
async fn objects_put_and_removed_at_once_end_in_order() {
    let world = Arc::new(World::new().await);
    let (_, alice) = world.registered("alice").await;
    let (_, bob) = world.registered("bob").await;
    let (name, bytes) = object(1, 5000);
    for _ in 0..10 {
        let (putting, deleting) = tokio::join!(put(&world, &alice, &bytes), async {
            put(&world, &bob, &bytes).await;
            delete(&world, &bob, &name).await
        });
        assert!(putting.status.is_success());
        assert_eq!(deleting.status, StatusCode::NO_CONTENT);
        assert_eq!(get(&world, &name, None).await.body, bytes);
        delete(&world, &alice, &name).await;
        assert!(files(&world).is_empty());
    }
}

#[tokio::test]
async fn an_account_lists_what_it_keeps_and_may_remove_it_twice() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let (_, other) = world.registered("bob").await;
    let page = async |device: &Device, cursor: &str| -> ObjectList {
        let path = format!("{}?cursor={cursor}", paths::ATTACHMENTS);
        world.owner(device, Method::GET, &path, None).await.decode()
    };
    let mut names = Vec::new();
    for byte in 1..=3 {
        let (name, bytes) = object(byte, usize::from(byte) * 10);
        put(&world, &device, &bytes).await;
        names.push((name, u64::from(byte) * 10, world.now() + 45 * 86_400));
        world.clock.forward(1);
    }
    names.sort_by_key(|(name, ..)| *name.as_bytes());
    let listed = page(&device, "").await;
    let found: Vec<_> = listed
        .objects
        .iter()
        .map(|object| (object.name, object.size, object.expires.0))
        .collect();
    assert_eq!((found, listed.cursor), (names.clone(), None));
    let first = names[0].0.to_string();
    assert_eq!(page(&device, &first).await.objects.len(), 2);
    assert!(page(&other, "").await.objects.is_empty());
    let nonsense = format!("{}?cursor=x", paths::ATTACHMENTS);
    let nonsense = world.owner(&device, Method::GET, &nonsense, None).await;
    refused(&nonsense, 400, "malformed");
    for _ in 0..2 {
        let gone = delete(&world, &device, &names[0].0).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(page(&device, "").await.objects.len(), 2);
}

#[tokio::test]
async fn a_long_list_comes_in_pages() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let until = world.relay.state().later(1000);
    let many = MAX_OBJECT_PAGE + 2;
    let filled = world.relay.state().store.write(move |sql| {
        let account: i64 = sql.one("SELECT id FROM accounts", params![], |row| row.get(0))?;
        for n in 0..many {
            let name = ObjectName::of(&n.to_be_bytes());
            sql.execute(
                "INSERT INTO attachments (name, account, size, expires_at) VALUES (?1, ?2, 1, ?3)",
                params![name.as_bytes().as_slice(), account, until],
            )?;
        }
        Ok(())
    });
    filled.await.unwrap();
    let mut found = Vec::new();
    let mut cursor = Some(String::new());
    let mut pages = 0;
    while let Some(after) = cursor {
        let path = format!("{}?cursor={after}", paths::ATTACHMENTS);
        let page: ObjectList = world
            .owner(&device, Method::GET, &path, None)
            .await
            .decode();
        found.extend(page.objects.into_iter().map(|object| object.name));
        cursor = page.cursor;
        pages += 1;
    }
    found.dedup();
    assert_eq!((found.len(), pages), (many, 2));
}

#[tokio::test]
async fn an_object_may_be_put_without_naming_it_in_the_path() {
    let world = World::new().await;
    let (_, device) = world.registered("alice").await;
    let (name, bytes) = object(9, 100);
    let post = async |bytes: &[u8]| {
        let body = (!bytes.is_empty()).then(|| bytes.to_vec());
        world
            .owner(&device, Method::POST, paths::ATTACHMENTS, body)
            .await
    };
    let first = post(&bytes).await;
    assert_eq!(first.status, StatusCode::CREATED);
    assert_eq!(first.headers["location"], paths::attachment(&name));
    assert_eq!(post(&bytes).await.status, StatusCode::OK);
    assert_eq!(get(&world, &name, None).await.body, bytes);
    refused(&post(b"").await, 400, "malformed");
}
