//! Thousands of puts to destinations in every state, in an order by chance: one answer to the byte.
//! `npm run closure` does the same with more of them, a relay of its own, and their times.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use sotto_wire::cbor;
use sotto_wire::challenge::Realm;
use sotto_wire::did::Did;
use sotto_wire::grant::{self, GrantKey, GrantPut, IssuedGrant};
use sotto_wire::random::{self, OsRandom};
use sotto_wire::relay_api::{Adjudication, GrantPatch, paths};
use sotto_wire::time::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::people::{Device, Person};
use super::world::World;

/// Connections, each putting one after the other; first contacts wait for their step.
const LINES: usize = 32;
/// Puts on each of them.
const EACH: usize = 80;

/// A destination.
enum Target {
    /// A grant, real or not.
    Grant(IssuedGrant),
    /// A DID mailbox, as a sender finds it.
    Contact(Box<Contact>),
}

struct Contact {
    sender: Person,
    signs: Device,
    to: Did,
}

struct Scene {
    world: World,
    targets: Vec<(&'static str, Target)>,
}

impl Scene {
    async fn new() -> Self {
        let world = World::with(|config| config.limits.reservation = 100_000).await;
        let (alice, device) = world.registered("alice").await;
        let mut targets = Vec::new();
        // A grant ends with its clock; the others come after that.
        let expired = world.grants(&device, 1).await.remove(0);
        world.clock.forward(90 * 86_400);
        let mut grants = world.grants(&device, 3).await;
        let (live, closed, deleted) = (grants.remove(0), grants.remove(0), grants.remove(0));
        let body = cbor::encode(&GrantPatch { closed: true });
        let path = paths::grant(&closed.address);
        world.owner(&device, Method::PATCH, &path, Some(body)).await;
        let path = paths::grant(&deleted.address);
        world.owner(&device, Method::DELETE, &path, None).await;
        let other = GrantKey::from_bytes([1; 32]);
        let unknown = IssuedGrant {
            address: grant::address(&other, world.relay.domain()),
            key: other.clone(),
            expires: Timestamp(0),
        };
        let wrong_tag = IssuedGrant {
            key: other,
            ..live.clone()
        };
        let grants = [
            ("live", live),
            ("wrong tag", wrong_tag),
            ("closed", closed),
            ("deleted", deleted),
            ("expired", expired),
            ("unknown", unknown),
        ];
        targets.extend(grants.map(|(name, grant)| (name, Target::Grant(grant))));
        let mut scene = Self { world, targets };
        scene.contacts(&alice, &device).await;
        scene
    }

    async fn contacts(&mut self, alice: &Person, device: &Device) {
        let names = [
            "provisioned",
            "blocked",
            "stranger",
            "blocked-stranger",
            "discarded",
            "nowhere",
            "forged",
            "unpublished",
        ];
        for name in names {
            let person = match name {
                "unpublished" => Person::new(name),
                _ => self.world.person(name),
            };
            let to = match name {
                "nowhere" => Person::new("nobody").did,
                _ => alice.did.clone(),
            };
            let sends = person.device(self.world.now());
            let signs = match name {
                "forged" => person.device(self.world.now()),
                _ => sends.clone(),
            };
            let signs = Device {
                cert: sends.cert.clone(),
                ..signs
            };
            let did = person.did.clone();
            let body = match name {
                "provisioned" | "blocked" | "forged" => Adjudication {
                    provision: vec![did.clone()],
                    ..Adjudication::default()
                },
                "discarded" => Adjudication {
                    discard: vec![did.clone()],
                    ..Adjudication::default()
                },
                _ => Adjudication::default(),
            };
            let body = Some(cbor::encode(&body));
            let judged = self
                .world
                .owner(device, Method::POST, paths::ADJUDICATION, body);
            assert_eq!(judged.await.status, 200);
            if name.starts_with("blocked") {
                let path = paths::block(&did);
                let blocked = self.world.owner(device, Method::PUT, &path, None).await;
                assert_eq!(blocked.status, 204);
            }
            let sender = person;
            let contact = Contact { sender, signs, to };
            self.targets
                .push((name, Target::Contact(Box::new(contact))));
        }
    }

    async fn request(&self, target: &Target) -> Vec<u8> {
        let text = hex::encode(random::array::<16>(&OsRandom));
        let (path, body) = match target {
            Target::Grant(grant) => {
                let address = &grant.address;
                let challenge = self
                    .world
                    .challenge(Realm::GrantPut, address.as_str())
                    .await;
                let put = GrantPut::new(&grant.key, address, &challenge, text.into_bytes());
                (paths::grant_mailbox(address), put.encode())
            }
            Target::Contact(contact) => {
                let Contact { sender, signs, to } = &**contact;
                (paths::did_mailbox(to), sender.envelope(signs, to, &text))
            }
        };
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        [head.into_bytes(), body].concat()
    }

    /// Puts on one connection; the answers by the kind of their destinations.
    async fn line(&self, puts: usize) -> BTreeMap<&'static str, BTreeSet<String>> {
        let mut stream = TcpStream::connect(self.world.relay.addr())
            .await
            .expect("connect");
        let mut answers = BTreeMap::<_, BTreeSet<_>>::new();
        for _ in 0..puts {
            let drawn = u64::from_be_bytes(random::array(&OsRandom)) % self.targets.len() as u64;
            let (name, target) = &self.targets[usize::try_from(drawn).expect("place")];
            stream
                .write_all(&self.request(target).await)
                .await
                .expect("request");
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\n") {
                assert!(
                    stream.read_buf(&mut answer).await.expect("answer") > 0,
                    "{name}: hung up"
                );
            }
            let text = String::from_utf8(answer).expect("text");
            let blanked = text.lines().map(|line| match line.split_once(": ") {
                Some((varies @ ("date" | "germ-next-challenge"), value)) => {
                    format!("{varies}: {}", value.len())
                }
                _ => line.to_owned(),
            });
            answers
                .entry(*name)
                .or_default()
                .insert(blanked.collect::<Vec<_>>().join("\n"));
        }
        answers
    }
}

#[tokio::test]
async fn thousands_of_puts_get_one_answer_whatever_their_destination_is() {
    let scene = Scene::new().await;
    let lines = futures_util::future::join_all((0..LINES).map(|_| scene.line(EACH))).await;
    let mut answers = BTreeMap::<&str, BTreeSet<String>>::new();
    for (name, texts) in lines.into_iter().flatten() {
        answers.entry(name).or_default().extend(texts);
    }
    assert_eq!(
        answers.len(),
        scene.targets.len(),
        "a kind of destination was never drawn"
    );
    for is_grant in [true, false] {
        let group = scene
            .targets
            .iter()
            .filter(|(_, target)| matches!(target, Target::Grant(_)) == is_grant);
        let kinds: BTreeSet<_> = group.flat_map(|(name, _)| &answers[name]).collect();
        assert_eq!(kinds.len(), 1, "{answers:#?}");
        assert!(
            kinds
                .iter()
                .all(|it| it.starts_with("HTTP/1.1 202 Accepted\n"))
        );
    }
}
