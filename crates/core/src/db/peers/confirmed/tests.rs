use crate::db::{Peer, PeerId, peers};
use crate::testing::{Party, TestClock};
use sotto_identity::verify::Pin;
use sotto_wire::key::{PublicKey, SigningKey};
use sotto_wire::succession::{Succession, predecessors};
use sotto_wire::time::Timestamp;

/// Alice's device, and Bob's account as it changes its key.
struct Account {
    alice: Party,
    pin: Pin,
    keys: Vec<SigningKey>,
    chain: Vec<Vec<u8>>,
}

fn known() -> (Account, PeerId) {
    let clock = TestClock::new();
    let (alice, bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    let peer = bob.peer();
    let id = alice.write(move |tx| peers::upsert(tx, &peer));
    let account = Account {
        alice,
        pin: bob.pin(),
        keys: vec![bob.own.delegate_key],
        chain: Vec::new(),
    };
    (account, id)
}

impl Account {
    /// Another key, which the one before signs for. What is kept of the account is as
    /// verification makes it of the whole chain.
    fn succeed(&mut self) -> PublicKey {
        let before = self.keys.last().unwrap().clone();
        let next = SigningKey::from_seed(&[100 + self.keys.len() as u8; 32]);
        let step = Succession {
            did: self.pin.did.clone(),
            seq: self.keys.len() as u64,
            issued_at: Timestamp(0),
            successor: next.public(),
            predecessor: before.public(),
        };
        self.chain.push(step.sign(&before));
        self.replace(next)
    }

    /// Another key, whatever the chain says of it.
    fn replace(&mut self, next: SigningKey) -> PublicKey {
        self.pin.key = next.public();
        self.pin.predecessors = predecessors(&self.chain, &self.pin.key, &self.pin.did);
        self.keys.push(next);
        self.pin.key
    }

    fn store(&self) {
        let pin = self.pin.clone();
        self.alice.write(move |tx| peers::pin(tx, &pin, 1));
    }

    fn confirm(&self, id: PeerId) {
        let key = self.pin.key;
        self.alice.write(move |tx| peers::confirm(tx, id, &key));
    }

    fn stored(&self, id: PeerId) -> Peer {
        self.alice.read(move |tx| peers::get(tx, id)).unwrap()
    }
}

#[test]
fn a_key_counts_as_compared_until_the_user_takes_it_back() {
    let (bob, id) = known();
    assert!(!bob.stored(id).is_confirmed());
    bob.confirm(id);
    bob.store();
    let stored = bob.stored(id);
    assert_eq!(stored.confirmed_at, Some(bob.alice.clock_ms()));
    bob.alice.write(move |tx| peers::unconfirm(tx, id));
    assert!(!bob.stored(id).is_confirmed());
}

#[test]
fn it_follows_one_succession_after_the_other() {
    let (mut bob, id) = known();
    bob.confirm(id);
    for _ in 0..3 {
        bob.succeed();
        bob.store();
        assert!(bob.stored(id).is_confirmed());
    }
}

#[test]
fn it_follows_two_and_three_successions_at_once() {
    for steps in [2, 3] {
        let (mut bob, id) = known();
        bob.confirm(id);
        for _ in 0..steps {
            bob.succeed();
        }
        bob.store();
        assert!(bob.stored(id).is_confirmed(), "{steps}");
    }
}

#[test]
fn it_follows_from_a_key_in_the_middle_of_the_chain() {
    let (mut bob, id) = known();
    bob.succeed();
    bob.store();
    bob.confirm(id);
    bob.succeed();
    bob.succeed();
    bob.store();
    assert!(bob.stored(id).is_confirmed());
}

#[test]
fn it_ends_with_a_change_that_no_key_endorsed() {
    let (mut bob, id) = known();
    bob.confirm(id);
    let compared = bob.keys[0].clone();
    bob.replace(SigningKey::from_seed(&[1; 32]));
    bob.store();
    assert!(!bob.stored(id).is_confirmed());
    // Neither a succession after it, nor the old key once more, brings it back.
    bob.succeed();
    bob.store();
    assert!(!bob.stored(id).is_confirmed());
    bob.replace(compared);
    bob.store();
    assert!(!bob.stored(id).is_confirmed());
}

#[test]
fn it_ends_where_the_chain_leads_from_another_key_only() {
    let (mut bob, id) = known();
    bob.confirm(id);
    bob.chain.clear();
    bob.keys = vec![SigningKey::from_seed(&[1; 32])];
    bob.succeed();
    bob.succeed();
    bob.store();
    assert_eq!(bob.pin.predecessors.len(), 2);
    assert!(!bob.stored(id).is_confirmed());
}

#[test]
fn a_pin_that_went_past_the_rule_is_not_shown_as_compared() {
    let (mut bob, id) = known();
    bob.confirm(id);
    bob.replace(SigningKey::from_seed(&[1; 32]));
    let text = serde_json::to_string(&bob.pin).unwrap();
    bob.alice.write(move |tx| {
        Ok::<_, crate::db::DbError>(tx.execute("UPDATE peer SET pin = ?1", [text])?)
    });
    assert!(!bob.stored(id).is_confirmed());
}

#[test]
fn a_pin_of_before_there_were_predecessors_is_still_read() {
    let (bob, _) = known();
    let mut json = serde_json::to_value(&bob.pin).unwrap();
    json.as_object_mut().unwrap().remove("predecessors");
    assert_eq!(serde_json::from_value::<Pin>(json).unwrap(), bob.pin);
}
