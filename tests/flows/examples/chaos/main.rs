//! `npm run chaos -- --kills N [--seed S]`: two relays and two clients as processes, both clients
//! writing all the time, and one of the four killed (SIGKILL) again and again at moments that the
//! seed decides. Nothing that a client has in its own history may be lost, doubled or out of order
//! with the other.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "an experiment prints what it finds and stops where it cannot go on"
)]

mod person;
mod tally;

use person::Person;
use sotto_testkit::{Client, Dice, Relay, network};
use std::process::ExitCode;
use std::time::Duration;
use tally::Tally;

/// After so many kills everything is compared, so that a finding is near its cause.
const BETWEEN_CHECKS: usize = 50;
/// The longest time between two kills, in milliseconds.
const PAUSE: u64 = 500;
/// The longest time that something killed stays away, in milliseconds.
const AWAY: u64 = 250;
const VICTIMS: [&str; 4] = ["relay A", "relay B", "client A", "client B"];

struct World {
    relays: [Relay; 2],
    people: [Person; 2],
    dice: Dice,
    killed: [usize; 4],
}

#[tokio::main]
async fn main() -> ExitCode {
    let (kills, seed) = arguments();
    println!("chaos: seed {seed}, {kills} kills");
    let mut world = World::new(seed).await;
    let mut tally = Tally::default();
    for done in 1..=kills {
        world.kill_one().await;
        if done % BETWEEN_CHECKS == 0 || done == kills {
            tally.check(&mut world.people).await;
            println!("{done} kills: {tally}");
            if !tally.is_clean() {
                break;
            }
            world.people.iter_mut().for_each(Person::begin);
        }
    }
    let each: Vec<_> = VICTIMS.iter().zip(world.killed).collect();
    let total: usize = world.killed.iter().sum();
    println!("chaos: seed {seed}, {total} kills {each:?}, {tally}");
    if tally.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// `--kills N` and `--seed S`.
fn arguments() -> (usize, u64) {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = given.iter().position(|it| it == name)?;
        given.get(at + 1)
    };
    let kills = value("--kills").map_or(20, |it| it.parse().expect("--kills takes a number"));
    let seed = value("--seed").map(|it| it.parse().expect("--seed takes a number"));
    (kills, seed.unwrap_or_else(Dice::seed))
}

impl World {
    async fn new(seed: u64) -> Self {
        let relays = [Relay::start(network()).await, Relay::start(network()).await];
        let [one, other] = &relays;
        let alice = Client::ready(network(), "alice", 0, one.domain()).await;
        let bob = Client::ready(network(), "bob", 1, other.domain()).await;
        // Who is a stranger's stranger waits among the requests: both know each other first.
        alice.write(&bob, "hello").await;
        bob.hears(&alice, &["hello"]).await;
        bob.write(&alice, "hello").await;
        alice.hears(&bob, &["hello"]).await;
        let mut dice = Dice::new(seed);
        let people = [
            Person::new(alice, &bob.account.handle, dice.fork()),
            Person::new(bob, "", dice.fork()),
        ];
        let mut world = Self {
            relays,
            people,
            dice,
            killed: [0; 4],
        };
        world.begin().await;
        world
    }

    async fn begin(&mut self) {
        let [alice, bob] = &mut self.people;
        bob.writes_to(alice);
        alice.stop_app().await;
        bob.stop_app().await;
        alice.begin();
        bob.begin();
    }

    async fn kill_one(&mut self) {
        self.dice.pause(PAUSE).await;
        let victim = self.dice.below(4);
        let [relay_a, relay_b] = &mut self.relays;
        let [alice, bob] = &mut self.people;
        match victim {
            0 => relay_a.kill(),
            1 => relay_b.kill(),
            2 => alice.kill(),
            _ => bob.kill(),
        }
        self.dice.pause(AWAY).await;
        match victim {
            0 => relay_a.restart().await,
            1 => relay_b.restart().await,
            2 => alice.begin(),
            _ => bob.begin(),
        }
        if let Some(count) = usize::try_from(victim)
            .ok()
            .and_then(|victim| self.killed.get_mut(victim))
        {
            *count += 1;
        }
    }
}

/// Nobody waits longer than this for a message to arrive once nothing is killed any more.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
