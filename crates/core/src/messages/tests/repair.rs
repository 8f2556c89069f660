//! Loss and repair (docs/protocol.md §3.7): disks that were set back, peers that lie, and requests that
//! are lost themselves.

mod asking;
mod set_back;
mod silence;

use crate::messages::{MessageState, housekeep};
use crate::testing::{self, Party, TestClock, settle};

const MINUTE: u64 = 60 * 1000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

impl Party {
    fn housekeep(&self) {
        self.write(housekeep);
    }

    fn all_delivered(&self, other: &Party) {
        for message in self.messages(other).iter().filter(|it| it.mine()) {
            assert_eq!(message.state, MessageState::Delivered, "{message:?}");
        }
    }
}

/// Alice and Bob, whose relays have key packages for a long time. (openmls compares their lifetimes with
/// the real clock, so that those made when the test's clock was moved would be refused.)
fn acquainted() -> (Party, Party) {
    let (alice, bob) = testing::acquainted();
    publish(&alice);
    publish(&bob);
    (alice, bob)
}

/// As those, before they have met.
fn strangers() -> (Party, Party) {
    let clock = TestClock::new();
    let (alice, bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    publish(&alice);
    publish(&bob);
    (alice, bob)
}

fn publish(party: &Party) {
    let packages = (0..24).map(|_| party.key_package()).collect();
    party.packages.replace(packages);
}

/// Lets time go by, with everything that is done then.
fn pass(a: &mut Party, b: &mut Party, ms: u64) {
    a.clock.advance_ms(ms);
    for _ in 0..2 {
        a.housekeep();
        b.housekeep();
        settle(a, b);
    }
}

/// Both speak, and everything arrives.
fn go_on(a: &mut Party, b: &mut Party) {
    a.say(b, "and on");
    b.say(a, "both ways");
    settle(a, b);
    for hours in [2, 2] {
        pass(a, b, hours * HOUR);
    }
    for (one, other) in [(&*a, &*b), (&*b, &*a)] {
        one.all_delivered(other);
    }
    assert_eq!(a.texts(b).iter().filter(|it| *it == "both ways").count(), 1);
    assert_eq!(b.texts(a).iter().filter(|it| *it == "and on").count(), 1);
    let before = a.count(GROUPS) + b.count(GROUPS);
    pass(a, b, 2 * HOUR);
    pass(a, b, 2 * DAY);
    assert_eq!(a.count(GROUPS) + b.count(GROUPS), before, "a loop");
}

const GROUPS: &str = "SELECT count(*) FROM retired_group";

/// Words in both directions and a day of time, so that both have healed.
fn talk(a: &mut Party, b: &mut Party) {
    for (n, text) in ["one", "two"].into_iter().enumerate() {
        a.say(b, text);
        settle(a, b);
        b.say(a, &format!("heard {n}"));
        settle(a, b);
        a.clock.advance_ms(DAY + MINUTE);
    }
}
