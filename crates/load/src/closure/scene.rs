//! Destinations in every state there is, and puts to them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use sotto_wire::cbor;
use sotto_wire::challenge::Realm;
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::grant::{self, Address, GrantKey, GrantPut, IssuedGrant};
use sotto_wire::random::{self, OsRandom, Random as _};
use sotto_wire::relay_api::{Adjudication, GrantPatch, paths};
use sotto_wire::time::{Clock as _, SystemClock, Timestamp};

use super::line::{Answer, request};
use super::people::Person;
use crate::connection::Connection;
use crate::host::Host;
use crate::relay::Process;
use crate::socket::Socket;
use crate::{Done, SIZE, people};

/// Grants, and senders, of each kind: so many that no sender's reservation of 256 fills.
const EACH: usize = 40;
/// Senders who find a reservation full, of each kind.
const FULL: usize = 10;
/// Seconds between the ends of two grants of those that expire: the relay removes what has expired
/// once a minute, and there are to be some before that and some after.
const BETWEEN: u64 = 2;

/// In which state a destination is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum State {
    Live,
    WrongTag,
    Closed,
    Expired,
    Deleted,
    Unknown,
    Provisioned,
    Blocked,
    Stranger,
    BlockedStranger,
    Discarded,
    NoRecipient,
    Forged,
    Full,
    BlockedFull,
}

use State::{
    Blocked, BlockedFull, BlockedStranger, Closed, Deleted, Discarded, Expired, Forged, Full, Live,
    NoRecipient, Provisioned, Stranger, Unknown, WrongTag,
};

/// Grants; the first is what the others are held against.
pub(super) const GRANTS: &[State] = &[Live, WrongTag, Closed, Expired, Deleted, Unknown];
/// A DID mailbox that takes the put, or seems to.
pub(super) const MAILBOX: &[State] = &[
    Provisioned,
    Blocked,
    Stranger,
    BlockedStranger,
    Discarded,
    NoRecipient,
    Forged,
];
/// One that does not.
pub(super) const FULL_MAILBOX: &[State] = &[Full, BlockedFull];

impl State {
    /// For the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Live => "live",
            WrongTag => "live, wrong tag",
            Closed => "closed",
            Expired => "expired",
            Deleted => "deleted",
            Unknown => "unknown",
            Provisioned => "provisioned sender",
            Blocked => "provisioned sender, blocked",
            Stranger => "stranger (pool)",
            BlockedStranger => "stranger, blocked",
            Discarded => "discarded sender",
            NoRecipient => "unknown recipient",
            Forged => "forged signature",
            Full => "reservation full",
            BlockedFull => "blocked, seems full",
        }
    }
}

struct Target {
    key: GrantKey,
    address: Address,
    challenge: Mutex<String>,
    /// From when on it is in its state.
    since: Timestamp,
}

/// Everything is in its state.
pub(super) struct Scene {
    pub(super) domain: Domain,
    pub(super) at: SocketAddr,
    grants: HashMap<State, Vec<Target>>,
    senders: HashMap<State, Vec<Person>>,
    alice: Person,
    bob: Person,
    nobody: Did,
}

/// A put, and where the challenge of its answer goes.
pub(super) struct Put {
    pub(super) bytes: Vec<u8>,
    at: Option<usize>,
}

impl Scene {
    /// Registers, issues, closes, deletes, provisions, blocks and discards.
    pub(super) async fn prepare(host: &Host, relay: &Process) -> Done<Self> {
        let (at, domain) = (relay.address(), relay.domain().clone());
        let person = || Person::new(host, &domain);
        let (alice, bob, nobody) = (person()?, person()?, person()?.did);
        alice.register(at, &domain).await?;
        bob.register(at, &domain).await?;
        let mut senders = HashMap::new();
        for &state in MAILBOX.iter().chain(FULL_MAILBOX) {
            let many = if FULL_MAILBOX.contains(&state) {
                FULL
            } else {
                EACH
            };
            let people: Vec<_> = (0..many).map(|_| person()).collect::<Done<_>>()?;
            senders.insert(state, people);
        }
        let mut scene = Self {
            domain,
            at,
            grants: HashMap::new(),
            senders,
            alice,
            bob,
            nobody,
        };
        for &state in GRANTS {
            let targets = scene.targets(state).await?;
            scene.grants.insert(state, targets);
        }
        scene
            .judge(&scene.alice, &[Provisioned, Blocked, Forged], &[Discarded])
            .await?;
        scene.judge(&scene.bob, FULL_MAILBOX, &[]).await?;
        for (owner, state) in [
            (&scene.alice, Blocked),
            (&scene.alice, BlockedStranger),
            (&scene.bob, BlockedFull),
        ] {
            for sender in scene.of(state) {
                let path = paths::block(&sender.did);
                owner.ask(at, &scene.domain, ("PUT", &path), &[]).await?;
            }
        }
        Ok(scene)
    }

    fn of(&self, state: State) -> &[Person] {
        self.senders.get(&state).map_or(&[], Vec::as_slice)
    }

    async fn targets(&self, state: State) -> Done<Vec<Target>> {
        let grants = match state {
            Unknown => (0..EACH).map(|_| self.made_up()).collect(),
            _ => {
                self.alice
                    .device
                    .grants(self.at, &self.domain, EACH)
                    .await?
            }
        };
        let mut connection = Connection::open(self.at, 0, self.domain.as_str()).await?;
        let mut targets = Vec::new();
        for grant in grants {
            let path = paths::grant(&grant.address);
            let ask = |method, body: Vec<u8>| {
                let path = path.clone();
                async move {
                    self.alice
                        .ask(self.at, &self.domain, (method, &path), &body)
                        .await
                }
            };
            match state {
                Closed => ask("PATCH", cbor::encode(&GrantPatch { closed: true })).await?,
                Deleted => ask("DELETE", Vec::new()).await?,
                _ => {}
            }
            let challenge =
                people::challenge(&mut connection, Realm::GrantPut, grant.address.as_str()).await?;
            let key = match state {
                WrongTag => GrantKey::from_bytes(random::array(&OsRandom)),
                _ => grant.key,
            };
            let (address, challenge) = (grant.address, Mutex::new(challenge));
            targets.push(Target {
                key,
                address,
                challenge,
                since: Timestamp(0),
            });
        }
        Ok(targets)
    }

    fn made_up(&self) -> IssuedGrant {
        let key = GrantKey::from_bytes(random::array(&OsRandom));
        let address = grant::address(&key, &self.domain);
        IssuedGrant {
            key,
            address,
            expires: Timestamp(0),
        }
    }

    async fn judge(&self, owner: &Person, provision: &[State], discard: &[State]) -> Done<()> {
        let dids = |states: &[State]| -> Vec<Did> {
            let people = states.iter().flat_map(|&state| self.of(state));
            people.map(|person| person.did.clone()).collect()
        };
        let body = cbor::encode(&Adjudication {
            discard: dids(discard),
            release: Vec::new(),
            provision: dids(provision),
        });
        owner
            .ask(self.at, &self.domain, ("POST", paths::ADJUDICATION), &body)
            .await
    }

    /// Gives the grants that are to expire their ends, one after the other, from now on. Returns what
    /// to write into the relay's database while it does not run, as it issues none that last so short.
    pub(super) fn let_expire(&mut self) -> Vec<(String, u64)> {
        let now = SystemClock.now();
        let targets = self.grants.get_mut(&Expired).into_iter().flatten();
        let ends = targets.zip(1..).map(|(target, number)| {
            target.since = now.plus(4 + number * BETWEEN);
            (target.address.as_str().to_owned(), target.since.0)
        });
        ends.collect()
    }

    /// Collects and acknowledges for the recipient, until the relay ends.
    pub(super) async fn attach(&self) -> Done<tokio::task::JoinHandle<Done<()>>> {
        let socket = Socket::attach(&self.alice.device, 0, self.at, &self.domain).await?;
        Ok(tokio::spawn(socket.receive(drop)))
    }

    /// A put to a destination in this state.
    pub(super) fn put(&self, state: State) -> Done<Put> {
        if let Some(targets) = self.grants.get(&state) {
            let now = SystemClock.now();
            let ready: Vec<_> = (0..targets.len())
                .filter(|&it| targets.get(it).is_some_and(|target| target.since <= now))
                .collect();
            let at = *chosen(&ready).ok_or("no grant is in its state yet")?;
            let target = targets.get(at).ok_or("no grant")?;
            let mut message = vec![0; SIZE];
            OsRandom.fill(&mut message);
            let challenge = lock(&target.challenge).clone();
            let body = GrantPut::new(&target.key, &target.address, &challenge, message).encode();
            let path = paths::grant_mailbox(&target.address);
            let bytes = request(&self.domain, ("POST", &path), None, &body);
            return Ok(Put {
                bytes,
                at: Some(at),
            });
        }
        let sender = chosen(self.of(state)).ok_or("no sender")?;
        Ok(self.contact(state, sender))
    }

    fn contact(&self, state: State, sender: &Person) -> Put {
        let to = match state {
            NoRecipient => &self.nobody,
            Full | BlockedFull => &self.bob.did,
            _ => &self.alice.did,
        };
        let body = sender.envelope(to, state == Forged);
        let bytes = request(&self.domain, ("POST", &paths::did_mailbox(to)), None, &body);
        Put { bytes, at: None }
    }

    /// One put of every sender, so that the relay knows all of them.
    pub(super) fn first_puts(&self) -> Vec<Put> {
        let states = MAILBOX.iter();
        let all = states.flat_map(|&state| self.of(state).iter().map(move |it| (state, it)));
        all.map(|(state, sender)| self.contact(state, sender))
            .collect()
    }

    /// The senders that are to find a reservation full, by their places.
    pub(super) fn filling(&self) -> Vec<(State, usize)> {
        let states = FULL_MAILBOX.iter();
        states
            .flat_map(|&state| (0..self.of(state).len()).map(move |it| (state, it)))
            .collect()
    }

    /// A put of one of them.
    pub(super) fn filling_put(&self, (state, place): (State, usize)) -> Done<Put> {
        let sender = self.of(state).get(place).ok_or("no sender")?;
        Ok(self.contact(state, sender))
    }

    /// Keeps those senders whose reservation is full, or seems to be.
    pub(super) fn keep_full(&mut self, full: &[(State, usize)]) -> Done<()> {
        for &state in FULL_MAILBOX {
            let people = self.senders.remove(&state).unwrap_or_default();
            let kept = people
                .into_iter()
                .enumerate()
                .filter(|&(place, _)| full.contains(&(state, place)));
            let kept: Vec<_> = kept.map(|it| it.1).collect();
            if kept.is_empty() {
                return Err(format!("nobody found this: {}", state.name()).into());
            }
            self.senders.insert(state, kept);
        }
        Ok(())
    }

    /// Keeps the challenge that an answer brought.
    pub(super) fn learn(&self, state: State, put: &Put, answer: &Answer) {
        let target = put.at.and_then(|at| self.grants.get(&state)?.get(at));
        if let (Some(target), Some(next)) = (target, answer.next_challenge()) {
            *lock(&target.challenge) = next;
        }
    }
}

/// One of them.
pub(super) fn chosen<T>(of: &[T]) -> Option<&T> {
    let drawn = u64::from_be_bytes(random::array(&OsRandom));
    let place = drawn.checked_rem(of.len() as u64)?;
    of.get(usize::try_from(place).ok()?)
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
