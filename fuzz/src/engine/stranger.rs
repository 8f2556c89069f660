//! Somebody who was never heard of: a first contact, and the key package with which one begins.

use super::testing::{Party, TestClock};
use super::{edited, received, undone};
use crate::Target;
use sotto_core::messages::{Incoming, Outcome, Source};
use sotto_core::mls::{MlsError, PeerDevice, send_group};
use sotto_wire::first_contact::{Envelope, UnverifiedEnvelope};

pub(super) const ENGINE_ENVELOPE: Target = Target {
    name: "engine_envelope",
    run: |bytes| WORLD.with(|world| world.envelope(bytes)),
};
pub(super) const MLS_KEY_PACKAGE: Target = Target {
    name: "mls_key_package",
    run: |bytes| WORLD.with(|world| world.key_package(bytes)),
};
pub(super) const MLS_WELCOME: Target = Target {
    name: "mls_welcome",
    run: |bytes| WORLD.with(|world| world.welcome(bytes)),
};

struct World {
    /// Has written to Bob, who has not read it.
    alice: Party,
    bob: Party,
    /// Has written to nobody.
    carol: Party,
    genuine: Envelope,
    package: Vec<u8>,
}

thread_local! {
    static WORLD: World = World::new();
}

impl World {
    fn new() -> Self {
        let clock = TestClock::new();
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| Party::new(name, &clock));
        alice.say(&bob, "hello");
        let put = alice.seal(&bob).remove(0);
        let genuine = UnverifiedEnvelope::parse(&put.bytes).expect("alice has made it");
        carol.start(&bob);
        Self {
            genuine: genuine.into_unverified(),
            package: bob.key_package(),
            alice,
            bob,
            carol,
        }
    }

    /// Bob receives an envelope that Alice's device has signed.
    fn receive(&self, envelope: &Envelope) -> Vec<Outcome> {
        let bytes = envelope.sign(&self.alice.own.device_key);
        let Ok(parsed) = UnverifiedEnvelope::parse(&bytes) else {
            return Vec::new();
        };
        let incoming = Incoming {
            relay_id: String::new(),
            source: Source::DidMailbox {
                sender: Box::new(self.alice.pin()),
                envelope: Box::new(parsed),
            },
            bytes,
        };
        received(&self.bob, vec![incoming])
    }

    fn welcome(&self, bytes: &[u8]) {
        let welcome = edited(&self.genuine.welcome, bytes);
        let outcomes = self.receive(&Envelope {
            welcome,
            ..self.genuine.clone()
        });
        if bytes.is_empty() {
            assert!(matches!(*outcomes, [Outcome::Message(_)]), "{outcomes:?}");
        }
    }

    /// The bytes in the place of each part.
    fn envelope(&self, bytes: &[u8]) {
        let genuine = || self.genuine.clone();
        let bytes = || bytes.to_vec();
        self.receive(&Envelope {
            cert: bytes(),
            ..genuine()
        });
        self.receive(&Envelope {
            sealed: bytes(),
            ..genuine()
        });
        self.receive(&Envelope {
            welcome: bytes(),
            ..genuine()
        });
    }

    fn key_package(&self, bytes: &[u8]) {
        let _ = self.create(bytes.to_vec());
        let created = self.create(edited(&self.package, bytes));
        assert!(created.is_ok() || !bytes.is_empty(), "{created:?}");
    }

    fn create(&self, key_package: Vec<u8>) -> Result<(), MlsError> {
        let pin = self.bob.pin();
        let conversation =
            sotto_wire::conversation::ConversationId::of(&self.carol.own.did, &self.bob.own.did);
        let certificate = self.bob.own.certificate.clone();
        undone(&self.carol, move |tx| {
            let device = PeerDevice {
                certificate,
                key_package,
                last_resort: false,
                account: &pin,
            };
            send_group::create(tx, &conversation, &[device])
        })
    }
}
