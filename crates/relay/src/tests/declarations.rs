//! Watching what accounts declare (§4.3): pausing, resuming, following an endorsed key, and what an
//! unendorsed one does not get.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use reqwest::{Method, StatusCode};
use sotto_wire::cbor;
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::relay_api::GrantLifecycle::Active;
use sotto_wire::relay_api::{
    Adjudication, AnchorStatus, Capabilities, Event, KeyPackagesPut, KeyPackagesState,
    MessagesPage, Paused, Pool, RegistrationPatch, RegistrationStatus, paths,
};

use super::answer::Answer;
use super::people::{Device, Person};
use super::socket::Socket;
use super::world::{Setup, World, on_postgres};
use crate::accounts::{Account, Unverified};

/// Longer than a declaration that is as it should be is left alone.
const LATER: u64 = 60_000;

async fn paused(world: &World, device: &Device) -> Option<Paused> {
    let answer = world.owner(device, Method::GET, paths::REGISTRATION, None);
    answer.await.decode::<RegistrationStatus>().paused
}

/// Lets rounds pass until the registration is so.
async fn until(world: &World, device: &Device, expected: Option<Paused>) {
    for _ in 0..500 {
        crate::watch::once(world.relay.state())
            .await
            .expect("round");
        if paused(world, device).await == expected {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("never {expected:?}");
}

async fn judge(world: &World, device: &Device, sender: &Did) {
    let body = cbor::encode(&Adjudication {
        provision: vec![sender.clone()],
        ..Adjudication::default()
    });
    let answer = world.owner(device, Method::POST, paths::ADJUDICATION, Some(body));
    assert_eq!(answer.await.status, StatusCode::OK);
}

/// Alice is registered and has let Bob in.
struct Case {
    world: World,
    alice: Person,
    alices: Device,
    bob: Person,
    bobs: Device,
}

impl Case {
    async fn new() -> Self {
        Self::over(&Setup::default()).await
    }

    async fn over(setup: &Setup) -> Self {
        let world = setup.start().await;
        let (alice, alices) = world.registered("alice").await;
        let bob = world.person("bob");
        let bobs = bob.device(world.now());
        judge(&world, &alices, &bob.did).await;
        Self {
            world,
            alice,
            alices,
            bob,
            bobs,
        }
    }

    async fn write(&self, text: &str) {
        let envelope = self.bob.envelope(&self.bobs, &self.alice.did, text);
        let answer = self.world.contact(&self.alice.did, envelope).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (202, 0));
    }

    async fn waiting(&self) -> usize {
        self.world.queue(&self.alices).await.messages.len()
    }

    async fn register(&self, person: &Person, device: &Device, seq: u64) -> Answer {
        let body = person.registration(device, person.roster(seq, &[device]));
        self.world
            .owner(device, Method::POST, paths::REGISTRATIONS, Some(body))
            .await
    }

    /// The record goes, and the relay has noticed.
    async fn vanish(&self) {
        self.world.published.remove(&self.alice.did);
        self.world.clock.forward(LATER);
        until(&self.world, &self.alices, Some(Paused::Gone)).await;
    }
}

#[tokio::test]
async fn a_declaration_that_vanished_pauses_did_mail_and_not_grants() {
    let case = Case::new().await;
    let grant = case.world.grants(&case.alices, 1).await.remove(0);
    case.write("before").await;
    case.vanish().await;
    case.write("meanwhile").await;
    case.world.put(&grant, b"by grant").await;
    let queued = case.world.queued(&case.alices, 2).await;
    assert_eq!((queued.len(), queued[1].as_slice()), (2, &b"by grant"[..]));
    // Back again: mail comes in, and what its sender puts again too.
    case.world.publish(&case.alice);
    case.world.clock.forward(LATER);
    until(&case.world, &case.alices, None).await;
    case.write("after").await;
    assert_eq!(case.waiting().await, 3);
}

#[tokio::test]
async fn what_is_paused_answers_peers_like_what_is_not_there() {
    let case = Case::new().await;
    let put = KeyPackagesPut {
        last_resort: Some(b"package".to_vec()),
        ..KeyPackagesPut::default()
    };
    let put = Some(cbor::encode(&put));
    case.world
        .owner(&case.alices, Method::PUT, paths::KEY_PACKAGES, put)
        .await;
    let packages = paths::key_packages_of(&case.alice.did);
    let get = async |path: &str| case.world.send(Method::GET, path, &[], None).await;
    assert_eq!(get(&packages).await.status, StatusCode::OK);
    case.vanish().await;
    let nobody = Person::new("nobody").did;
    let unknown = get(&paths::key_packages_of(&nobody)).await;
    let paused = get(&packages).await;
    assert_eq!((paused.status, paused.body), (unknown.status, unknown.body));
    let shown = |answer: &Answer| {
        let headers = answer.headers.iter().filter(|(name, _)| *name != "date");
        let headers: Vec<_> = headers.map(|(n, v)| (n.clone(), v.clone())).collect();
        (answer.status, headers, answer.body.clone())
    };
    let to_paused = case.bob.envelope(&case.bobs, &case.alice.did, "x");
    let to_nobody = case.bob.envelope(&case.bobs, &nobody, "x");
    let paused = case.world.contact(&case.alice.did, to_paused).await;
    let unknown = case.world.contact(&nobody, to_nobody).await;
    assert_eq!(shown(&paused), shown(&unknown));
}

#[tokio::test]
async fn a_sender_whose_reservation_is_full_is_told_so_whether_paused_or_not() {
    let adjust = |config: &mut crate::Config| config.limits.reservation = 1;
    let setup = Setup {
        adjust,
        ..Setup::default()
    };
    let case = Case::over(&setup).await;
    case.write("takes the only place").await;
    case.vanish().await;
    let envelope = case.bob.envelope(&case.bobs, &case.alice.did, "more");
    let answer = case.world.contact(&case.alice.did, envelope).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_successor_is_followed_and_everything_stays() {
    let case = Case::new().await;
    let put = KeyPackagesPut {
        single_use: vec![b"under the old key".to_vec()],
        ..KeyPackagesPut::default()
    };
    let put = Some(cbor::encode(&put));
    case.world
        .owner(&case.alices, Method::PUT, paths::KEY_PACKAGES, put)
        .await;
    case.write("before").await;
    let next = case.alice.with_another_key();
    case.world.publish_after(&next, &[&case.alice]);
    case.world.clock.forward(LATER);
    let packages = async || -> KeyPackagesState {
        case.world
            .owner(&case.alices, Method::GET, paths::KEY_PACKAGES, None)
            .await
            .decode()
    };
    while packages().await != KeyPackagesState::default() {
        crate::watch::once(case.world.relay.state()).await.unwrap();
    }
    assert_eq!(paused(&case.world, &case.alices).await, None);
    case.write("after").await;
    assert_eq!(case.waiting().await, 2);
    let again = next.certified_again(&case.alices);
    assert_eq!(case.register(&next, &again, 2).await.status, StatusCode::OK);
    assert_eq!(case.waiting().await, 2);
    // The key of before registers nothing, and does not come back by an older state of the record.
    let old = case.alice.certified_again(&again);
    let answer = case.register(&case.alice, &old, 9).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_unendorsed_key_pauses_and_gets_nothing_of_what_was_there() {
    let case = Case::new().await;
    let carol = case.world.person("carol");
    let carols = carol.device(case.world.now());
    let pooled = carol.envelope(&carols, &case.alice.did, "waits to be judged");
    case.world.contact(&case.alice.did, pooled).await;
    case.write("queued").await;
    let grant = case.world.grants(&case.alices, 1).await.remove(0);
    let thief = case.alice.with_another_key();
    case.world.publish(&thief);
    case.world.clock.forward(LATER);
    until(&case.world, &case.alices, Some(Paused::KeyChanged)).await;
    case.write("dropped").await;
    assert_eq!(case.waiting().await, 1);

    // Who holds the other key registers, and begins with nothing.
    let theirs = thief.device(case.world.now());
    let answer = case.register(&thief, &theirs, 1).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.error());
    let page: MessagesPage = case.world.queue(&theirs).await;
    assert!(page.messages.is_empty());
    let pool: Pool = case
        .world
        .owner(&theirs, Method::GET, paths::POOL, None)
        .await
        .decode();
    assert!(pool.dids.is_empty());
    case.write("waits in the other's pool").await;
    assert!(case.world.queue(&theirs).await.messages.is_empty());

    // The device of before still has what was its own, and its grants.
    let status: RegistrationStatus = case
        .world
        .owner(&case.alices, Method::GET, paths::REGISTRATION, None)
        .await
        .decode();
    assert_eq!(
        (status.did, status.paused),
        (case.alice.did.clone(), Some(Paused::KeyChanged))
    );
    case.world.put(&grant, b"by grant").await;
    assert_eq!(case.world.queued(&case.alices, 2).await.len(), 2);

    // And everything, once its key is declared again.
    case.world.publish(&case.alice);
    assert_eq!(
        case.register(&case.alice, &case.alices, 1).await.status,
        StatusCode::OK
    );
    case.write("to the first again").await;
    assert_eq!(case.waiting().await, 3);
    let pool: Pool = case
        .world
        .owner(&case.alices, Method::GET, paths::POOL, None)
        .await
        .decode();
    assert_eq!(pool.dids, [carol.did]);
}

#[tokio::test]
async fn what_was_set_aside_goes_when_its_grants_have_ended() {
    let case = Case::new().await;
    let other = case.alice.with_another_key();
    case.world.publish(&other);
    let others = other.device(case.world.now());
    let answer = case.register(&other, &others, 1).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    case.world.clock.forward(91 * 86_400);
    crate::sweep::once(case.world.relay.state()).await.unwrap();
    let get = |device| {
        case.world
            .owner(device, Method::GET, paths::REGISTRATION, None)
    };
    assert_eq!(get(&case.alices).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(get(&others).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_queued_stays_deliverable_when_the_account_is_elsewhere() {
    let case = Case::new().await;
    case.write("before").await;
    let moved = Account {
        key: case.alice.delegate.public(),
        domain: Domain::parse("other.example").unwrap(),
        predecessors: Vec::new(),
        rev: String::new(),
    };
    case.world.published.set(&case.alice.did, Ok(moved));
    case.world.clock.forward(LATER);
    crate::watch::once(case.world.relay.state()).await.unwrap();
    case.write("from someone who has not noticed").await;
    assert_eq!(case.waiting().await, 2);
    assert_eq!(paused(&case.world, &case.alices).await, None);
}

#[tokio::test]
async fn a_server_that_does_not_answer_changes_nothing() {
    let case = Case::new().await;
    case.world
        .published
        .set(&case.alice.did, Err(Unverified::Unreachable));
    for _ in 0..5 {
        let before = case.world.published.looked.load(Ordering::SeqCst);
        case.world.clock.forward(LATER);
        while case.world.published.looked.load(Ordering::SeqCst) == before {
            crate::watch::once(case.world.relay.state()).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
    assert_eq!(paused(&case.world, &case.alices).await, None);
    case.write("still").await;
    assert_eq!(case.waiting().await, 1);
}

#[tokio::test]
async fn what_does_not_verify_pauses_at_the_second_look() {
    let case = Case::new().await;
    case.world
        .published
        .set(&case.alice.did, Err(Unverified::Refused));
    let looked = || case.world.published.looked.load(Ordering::SeqCst);
    let before = looked();
    case.world.clock.forward(LATER);
    while looked() == before {
        crate::watch::once(case.world.relay.state()).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(paused(&case.world, &case.alices).await, None);
    case.world.clock.forward(LATER);
    until(&case.world, &case.alices, Some(Paused::Refused)).await;
    case.world.publish(&case.alice);
    case.world.clock.forward(LATER);
    until(&case.world, &case.alices, None).await;
}

#[tokio::test]
async fn an_older_state_of_the_repository_resumes_nothing() {
    let case = Case::new().await;
    let put_back = case.world.published.image(&case.alice.did);
    case.vanish().await;
    put_back(&case.world.published);
    let looked = || case.world.published.looked.load(Ordering::SeqCst);
    let before = looked();
    case.world.clock.forward(LATER);
    while looked() == before {
        crate::watch::once(case.world.relay.state()).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(paused(&case.world, &case.alices).await, Some(Paused::Gone));
    let answer = case.register(&case.alice, &case.alices, 1).await;
    assert_eq!(
        (answer.status, answer.error().as_deref()),
        (StatusCode::CONFLICT, Some("stale-declaration"))
    );
}

#[tokio::test]
async fn an_owner_may_have_the_relay_look_at_once_and_replace_its_roster() {
    let case = Case::new().await;
    let patch = async |patch: &RegistrationPatch| {
        let body = Some(cbor::encode(patch));
        case.world
            .owner(&case.alices, Method::PATCH, paths::REGISTRATION, body)
            .await
    };
    let look = RegistrationPatch::default();
    case.world.published.remove(&case.alice.did);
    let status: RegistrationStatus = patch(&look).await.decode();
    assert_eq!(status.paused, Some(Paused::Gone));
    case.world.publish(&case.alice);
    let status: RegistrationStatus = patch(&look).await.decode();
    assert_eq!((status.paused, status.roster_seq), (None, 1));
    case.write("at once").await;
    assert_eq!(case.waiting().await, 1);

    let newer = RegistrationPatch {
        cert: Some(case.alices.cert.clone()),
        roster: Some(case.alice.roster(2, &[&case.alices])),
    };
    let status: RegistrationStatus = patch(&newer).await.decode();
    assert_eq!(status.roster_seq, 2);
    let older = RegistrationPatch {
        roster: Some(case.alice.roster(1, &[&case.alices])),
        ..newer.clone()
    };
    assert_eq!(patch(&older).await.error().unwrap(), "stale-roster");
    let other = case.alice.device(case.world.now());
    let others = RegistrationPatch {
        cert: Some(other.cert.clone()),
        roster: Some(case.alice.roster(3, &[&case.alices, &other])),
    };
    assert_eq!(patch(&others).await.error().unwrap(), "bad-certificate");
}

#[tokio::test]
async fn pausing_survives_a_restart_and_so_does_the_watch() {
    let setup = Setup {
        domain: Some(Domain::parse("relay.example").unwrap()),
        ..Setup::default()
    };
    let case = Case::over(&setup).await;
    case.vanish().await;
    let Case {
        world,
        alice,
        alices,
        ..
    } = case;
    world.relay.shutdown().await;
    let world = setup.start().await;
    assert_eq!(paused(&world, &alices).await, Some(Paused::Gone));
    world.publish(&alice);
    world.clock.forward(LATER);
    until(&world, &alices, None).await;
}

#[tokio::test]
async fn an_attached_device_is_told_of_a_pause_and_of_its_end() {
    let case = Case::new().await;
    let mut socket = Socket::open(&case.world, &case.alices).await;
    socket.expect(&Event::Capabilities(Active.into())).await;
    socket.expect(&Event::CaughtUp).await;
    case.vanish().await;
    let paused = Capabilities {
        gr: Active,
        paused: Some(Paused::Gone),
    };
    socket.expect(&Event::Capabilities(paused)).await;
    case.world.publish(&case.alice);
    case.world.clock.forward(LATER);
    until(&case.world, &case.alices, None).await;
    socket.expect(&Event::Capabilities(Active.into())).await;
    case.vanish().await;
    socket.expect(&Event::Capabilities(paused)).await;
    let mut later = Socket::open(&case.world, &case.alices).await;
    later.expect(&Event::Capabilities(paused)).await;
}

#[tokio::test]
async fn an_account_in_use_is_looked_at_within_the_hour() {
    let case = Case::new().await;
    let looked = || case.world.published.looked.load(Ordering::SeqCst);
    let state = Arc::clone(case.world.relay.state());
    case.world.clock.forward(3599);
    case.write("too early").await;
    crate::watch::once(&state).await.unwrap();
    assert_eq!(looked(), 0);
    case.world.clock.forward(1);
    case.write("one").await;
    case.write("two").await;
    for _ in 0..500 {
        crate::watch::once(&state).await.unwrap();
        if looked() > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    crate::watch::once(&state).await.unwrap();
    assert_eq!(looked(), 1, "once, however often it is written to");
}

#[tokio::test]
async fn several_processes_look_once_and_all_of_them_know() {
    if !on_postgres() {
        return;
    }
    let setup = Setup {
        domain: Some(Domain::parse("relay.example").unwrap()),
        ..Setup::default()
    };
    let case = Case::over(&setup).await;
    let there = setup.start().await;
    case.world.published.remove(&case.alice.did);
    case.world.clock.forward(LATER);
    let here = Arc::clone(case.world.relay.state());
    let (one, other) = tokio::join!(
        crate::watch::once(&here),
        crate::watch::once(there.relay.state())
    );
    one.and(other).unwrap();
    until(&there, &case.alices, Some(Paused::Gone)).await;
    assert_eq!(paused(&case.world, &case.alices).await, Some(Paused::Gone));
    assert_eq!(case.world.published.looked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_delegate_key_alone_is_followed_to_its_successor() {
    let world = World::new().await;
    let alice = world.person("alice");
    let body = Some(alice.registration_alone());
    world
        .anchor(&alice, Method::POST, paths::REGISTRATIONS, body)
        .await;
    let bob = world.person("bob");
    let judged = Adjudication {
        provision: vec![bob.did.clone()],
        ..Adjudication::default()
    };
    let body = Some(cbor::encode(&judged));
    world
        .anchor(&alice, Method::POST, paths::ADJUDICATION, body)
        .await;
    let put = bob.pair_put(&alice.did, b"waiting", [1; 16]);
    world.contact(&alice.did, put.clone()).await;
    let next = alice.with_another_key();
    world.publish_after(&next, &[&alice]);
    world.clock.forward(LATER);
    let status = async |person: &Person| {
        world
            .anchor(person, Method::GET, paths::REGISTRATION, None)
            .await
    };
    for _ in 0..500 {
        crate::watch::once(world.relay.state()).await.unwrap();
        if status(&next).await.status == StatusCode::OK {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let found: AnchorStatus = status(&next).await.decode();
    assert_eq!(found.key, next.delegate.public());
    assert_eq!(status(&alice).await.status, StatusCode::UNAUTHORIZED);
    let page: MessagesPage = world
        .anchor(&next, Method::GET, paths::MESSAGES, None)
        .await
        .decode();
    assert_eq!(page.messages[0].m, put);
    // A third key that nobody vouches for.
    let third = alice.with_another_key();
    world.publish(&third);
    let body = Some(cbor::encode(&RegistrationPatch::default()));
    let looked: AnchorStatus = world
        .anchor(&next, Method::PATCH, paths::REGISTRATION, body)
        .await
        .decode();
    assert_eq!(looked.paused, Some(Paused::KeyChanged));
}
