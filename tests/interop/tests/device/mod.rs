//! A person's device as docs/protocol.md has it, with mls-rs in the place of Sotto's engine. Everything
//! goes through the DID mailbox.

use crate::testing::Party;
use mls_rs::Client;
use mls_rs::Group;
use mls_rs::client_builder::MlsConfig;
use sotto_core::messages::{Incoming, Source};
use sotto_interop::peer::{self, Identity, Psks};
use sotto_wire::content::{Body, Content};
use sotto_wire::conversation::{ConversationId, GroupBinding};
use sotto_wire::did::Did;
use sotto_wire::first_contact::{Envelope, UnverifiedEnvelope};
use sotto_wire::frame::{self, Frame, SealKey};
use sotto_wire::key::SigningKey;
use sotto_wire::payload::{Ack, Link, Mark, NO_MARK, Payload};
use sotto_wire::random::{self, OsRandom};

const FIRST_CONTACT: &str = "sotto first contact";
const HEALING: &str = "sotto healing";

/// The device.
pub(crate) struct Device<C: MlsConfig> {
    identity: Identity,
    key: SigningKey,
    did: Did,
    own: GroupBinding,
    client: Client<C>,
    psks: Psks,
    sends: Option<Sends<C>>,
    reads: Option<Reads<C>>,
}

/// Its send group.
struct Sends<C: MlsConfig> {
    group: Group<C>,
    welcome: Vec<u8>,
    seal: SealKey,
    to: Did,
    seq: u64,
    mark: Mark,
    /// Every one: nothing that the other acknowledges is looked at.
    commits: Vec<Vec<u8>>,
}

/// The other's send group.
struct Reads<C: MlsConfig> {
    group: Group<C>,
    seal: SealKey,
    seq: u64,
    mark: Mark,
}

/// The device of a person.
pub(crate) fn of(party: &Party) -> Device<impl MlsConfig + use<>> {
    let identity = Identity {
        seed: *party.own.device_key.seed(),
        public: *party.own.device_key.public().as_bytes(),
        certificate: party.own.certificate.clone(),
        now: Identity::time(party.clock_now().0),
    };
    let psks = Psks::default();
    Device {
        client: identity.client(&psks),
        psks,
        identity,
        key: party.own.device_key.clone(),
        did: party.own.did.clone(),
        own: GroupBinding {
            did: party.own.did.clone(),
            device_id: party.own.device_id,
            conversation: ConversationId::from_bytes([0; 32]),
        },
        sends: None,
        reads: None,
    }
}

impl<C: MlsConfig> Device<C> {
    pub(crate) fn key_package(&self) -> Vec<u8> {
        self.identity.key_package(&self.client).unwrap()
    }

    /// What its send group has to be bound to.
    pub(crate) fn own_binding(&self, other: &Party) -> GroupBinding {
        GroupBinding {
            conversation: ConversationId::of(&self.did, &other.own.did),
            ..self.own.clone()
        }
    }

    /// Makes its send group, with the other's device in it.
    pub(crate) fn contact(&mut self, other: &Party, binding: &GroupBinding) {
        let id: [u8; 16] = random::array(&OsRandom);
        let package = other.key_package();
        let created = self
            .identity
            .create(&self.client, id.to_vec(), binding.encode(), &package);
        let (group, welcome) = created.unwrap();
        self.sends = Some(Sends {
            seal: seal_key(&group),
            group,
            welcome,
            to: other.own.did.clone(),
            seq: 0,
            mark: NO_MARK,
            commits: Vec::new(),
        });
    }

    /// An envelope with a text message, signed.
    pub(crate) fn say(&mut self, text: &str) -> Vec<u8> {
        let acks = self.reads.iter().map(|reads| Ack {
            group: reads.group.group_id().to_vec(),
            seq: reads.seq,
            mark: reads.mark,
        });
        let acks = acks.collect();
        let sends = self.sends.as_mut().unwrap();
        sends.seq += 1;
        let link = Link {
            after: sends.mark,
            mark: random::array(&OsRandom),
        };
        sends.mark = link.mark;
        let payload = Payload {
            seq: sends.seq,
            acks,
            link: Some(link),
            first: 1,
            content: Some(Content::text(text, &OsRandom).encode().unwrap()),
            ..Payload::default()
        };
        let frame = Frame {
            commits: sends.commits.clone(),
            message: peer::seal(&mut sends.group, &payload.encode()).unwrap(),
            welcome: None,
        };
        let envelope = Envelope {
            from: self.did.clone(),
            to: sends.to.clone(),
            cert: self.identity.certificate.clone(),
            nonce: random::array(&OsRandom),
            welcome: sends.welcome.clone(),
            sealed: frame::seal(&frame, &sends.seal, &OsRandom).unwrap(),
        };
        envelope.sign(&self.key)
    }

    /// A commit in its send group that mixes in the epoch in which it reads the other's.
    pub(crate) fn commit(&mut self) {
        let reads = &self.reads.as_ref().unwrap().group;
        let name = self.psks.keep(reads, HEALING);
        let sends = self.sends.as_mut().unwrap();
        self.psks.keep(&sends.group, HEALING);
        let commit = peer::commit(&mut sends.group, &[name], self.identity.now).unwrap();
        sends.commits.push(commit);
    }

    /// The texts in envelopes for it; joins where it has not.
    pub(crate) fn hear(&mut self, envelopes: &[Envelope]) -> Vec<String> {
        if let Some(sends) = &self.sends {
            self.psks.keep(&sends.group, HEALING);
        }
        let mut heard = Vec::new();
        for envelope in envelopes {
            if self.reads.is_none() {
                let group = self.identity.join(&self.client, &envelope.welcome).unwrap();
                self.reads = Some(Reads {
                    seal: seal_key(&group),
                    group,
                    seq: 0,
                    mark: NO_MARK,
                });
            }
            heard.extend(self.reads.as_mut().unwrap().open(&envelope.sealed));
        }
        heard
    }

    /// The epoch in which it reads the other's group.
    pub(crate) fn epoch(&self) -> u64 {
        self.reads.as_ref().unwrap().group.current_epoch()
    }

    /// What the other's group is bound to.
    pub(crate) fn binding(&self) -> GroupBinding {
        let context = &self.reads.as_ref().unwrap().group.context().extensions;
        let extension = context.get(0xf0a7.into()).unwrap();
        GroupBinding::decode(&extension.extension_data).unwrap()
    }
}

impl<C: MlsConfig> Reads<C> {
    fn open(&mut self, sealed: &[u8]) -> Option<String> {
        let frame = frame::open(sealed, &self.seal).unwrap();
        for commit in &frame.commits {
            // Those that were followed are of epochs left.
            if peer::epoch_of(commit).unwrap() == self.group.current_epoch() {
                assert_eq!(peer::open(&mut self.group, commit).unwrap(), None);
            }
        }
        let payload = peer::open(&mut self.group, &frame.message).unwrap();
        let payload = Payload::decode(&payload.unwrap()).unwrap();
        if let Some(link) = payload.link {
            assert_eq!((payload.seq, link.after), (self.seq + 1, self.mark));
            (self.seq, self.mark) = (payload.seq, link.mark);
        }
        match Content::decode(&payload.content?).unwrap().body {
            Body::Text(text) => Some(text),
            _ => None,
        }
    }
}

fn seal_key<C: MlsConfig>(group: &Group<C>) -> SealKey {
    let exported = peer::export(group, FIRST_CONTACT).unwrap();
    SealKey::from_bytes(exported.try_into().unwrap())
}

/// What Sotto has to send to someone, as envelopes; all of it counts as put.
pub(crate) fn envelopes(from: &Party, to: &Party) -> Vec<Envelope> {
    from.seal(to);
    let due = from.due();
    due.iter()
        .map(|put| {
            from.settle(put, sotto_core::outbox::PutResult::Accepted);
            let envelope = UnverifiedEnvelope::parse(&put.bytes).unwrap();
            envelope.into_unverified()
        })
        .collect()
}

/// An envelope as the relay of its recipient delivers it.
pub(crate) fn delivered(from: &Party, bytes: &[u8]) -> Incoming {
    Incoming {
        relay_id: String::new(),
        source: Source::DidMailbox {
            sender: Box::new(from.pin()),
            envelope: Box::new(UnverifiedEnvelope::parse(bytes).unwrap()),
        },
        bytes: bytes.to_vec(),
    }
}
