//! A peer's device that is let in: it holds a grant and has a send group.

use super::testing::{Party, acquainted};
use super::{edited, received, undone};
use crate::Target;
use sotto_core::entries;
use sotto_core::messages::{Incoming, Outcome, Source};
use sotto_wire::frame::{self, Frame, SealKey};
use sotto_wire::grant::{self, Address, GrantKey};
use sotto_wire::random::OsRandom;

pub(super) const ENGINE_FRAME: Target = Target {
    name: "engine_frame",
    run: |bytes| WORLD.with(|world| world.frame(bytes)),
};
pub(super) const ENGINE_PAYLOAD: Target = Target {
    name: "engine_payload",
    run: |bytes| WORLD.with(|world| world.payload(bytes)),
};
pub(super) const MLS_MESSAGE: Target = Target {
    name: "mls_message",
    run: |bytes| WORLD.with(|world| world.message(bytes)),
};

struct World {
    alice: Party,
    bob: Party,
    /// How Alice reaches Bob.
    address: Address,
    seal: [u8; 32],
    group: Vec<u8>,
    /// A message of Alice that Bob has not read yet.
    genuine: Vec<u8>,
}

thread_local! {
    static WORLD: World = World::new();
}

impl World {
    fn new() -> Self {
        let (alice, bob) = acquainted();
        let (group, grant, seal, host) = alice.read(|tx| {
            let group: Vec<u8> =
                tx.query_row("SELECT group_id FROM send_group", [], |row| row.get(0))?;
            let (grant, seal, host): ([u8; 32], [u8; 32], String) =
                tx.query_row("SELECT key, seal, host FROM held_grant", [], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?;
            Ok((group, grant, seal, host))
        });
        let host = sotto_wire::domain::Domain::parse(&host).expect("a domain");
        let mut world = Self {
            address: grant::address(&GrantKey::from_bytes(grant), &host),
            alice,
            bob,
            seal,
            group,
            genuine: Vec::new(),
        };
        world.genuine = world.sealed(b"\xa4\x61v\x01\x63seq\x00\x64acks\x80\x65first\x01");
        world
    }

    /// Any payload, under Alice's ratchet, which does not move on.
    fn sealed(&self, payload: &[u8]) -> Vec<u8> {
        let (group, key) = (self.group.clone(), self.alice.own.device_key.clone());
        let payload = payload.to_vec();
        let sealed = undone(&self.alice, move |tx| {
            entries::seal(tx, &group, &key, &payload)
        });
        sealed.expect("the group is there")
    }

    /// Bob receives a frame twice in one batch; his database stays as it was.
    fn receive(&self, frame: &Frame) -> Vec<Outcome> {
        let key = SealKey::from_bytes(self.seal);
        let Ok(bytes) = frame::seal(frame, &key, &OsRandom) else {
            return Vec::new();
        };
        let incoming = Incoming {
            relay_id: String::new(),
            source: Source::Grant(self.address.clone()),
            bytes,
        };
        received(&self.bob, vec![incoming.clone(), incoming])
    }

    fn payload(&self, bytes: &[u8]) {
        self.receive(&Frame {
            commits: Vec::new(),
            message: self.sealed(bytes),
            welcome: None,
        });
    }

    /// The bytes in every place of a frame beside a genuine message.
    fn frame(&self, bytes: &[u8]) {
        let bytes = bytes.to_vec();
        self.receive(&Frame {
            commits: vec![bytes.clone()],
            message: self.genuine.clone(),
            welcome: Some(bytes.clone()),
        });
        self.receive(&Frame {
            commits: Vec::new(),
            message: bytes,
            welcome: None,
        });
    }

    fn message(&self, bytes: &[u8]) {
        let _ = entries::mls_message(bytes);
        let outcomes = self.receive(&Frame {
            commits: Vec::new(),
            message: edited(&self.genuine, bytes),
            welcome: None,
        });
        if bytes.is_empty() {
            assert_eq!(outcomes, [Outcome::Control, Outcome::Duplicate]);
        }
    }
}
