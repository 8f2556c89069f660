//! What goes wrong, at its time.

use crate::ledger::Said;
use crate::machine::Machine;
use crate::plan::{Act, Who};
use crate::power::Moment;
use crate::relays;
use crate::scene::Scene;
use crate::user::User;
use sotto_wire::time::Clock as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

impl Scene {
    pub(crate) fn act(&self, n: usize, act: Act) -> Result<(), String> {
        match act {
            Act::Say { from, to } => self.say(n, from, to),
            Act::CutOff { who, ms } => self.cut_off(who, ms),
            Act::Fail {
                who,
                writes,
                moment,
                ms,
            } => self.fail(who, writes, moment, ms),
            Act::Off { who, ms } => self.off(who, ms, Then::GoesOn),
            Act::GoBack { who } => self.off(who, 1000, Then::GoesBack),
            Act::Reinstall { who } => self.off(who, 1000, Then::BeginsAnew),
            Act::Move { who } => self.off(who, 1000, Then::Moves),
            Act::Sleep { ms } => self.world.sleep(ms),
            Act::SetClock { who, wrong_by_ms } => self.machine(who)?.clock.set(wrong_by_ms),
            Act::Copy { who } => self.machine(who)?.copy()?,
        }
        Ok(())
    }

    fn machine(&self, number: usize) -> Result<&Arc<Machine>, String> {
        self.machines
            .get(number)
            .ok_or_else(|| format!("no client {number}"))
    }

    fn name(&self, who: Who) -> String {
        match who {
            Who::Client(number) => format!("c{number}"),
            Who::Relay(number) => relays::host(number),
        }
    }

    fn switch(&self, who: Who) -> Arc<tokio::sync::Mutex<()>> {
        let place = match who {
            Who::Client(number) => number,
            Who::Relay(number) => self.machines.len() + number,
        };
        self.switches.get(place).cloned().unwrap_or_default()
    }

    pub(crate) fn say(&self, n: usize, from: usize, to: usize) {
        let (Ok(from_machine), Ok(to_machine)) = (self.machine(from), self.machine(to)) else {
            return;
        };
        let user = User {
            machine: Arc::clone(from_machine),
            peer: to_machine.did.to_string(),
            ledger: Arc::clone(&self.ledger),
            world: Arc::clone(&self.world),
            log: Arc::clone(&self.log),
        };
        let text = format!("{n} of c{from} to c{to}");
        self.users.spawn(user.says(Said { from, to, text }));
    }

    fn cut_off(&self, who: Who, ms: u64) {
        let (net, name) = (Arc::clone(&self.net), self.name(who));
        net.cut_off(&name);
        self.hands.spawn(async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            net.reach(&name);
        });
    }

    /// Whoever waits for the power to fail switches on again later.
    fn fail(&self, who: Who, writes: u64, moment: Moment, ms: u64) {
        let (switch, calm, log) = (self.switch(who), self.calm.clone(), Arc::clone(&self.log));
        let (machine, relay) = match who {
            Who::Client(number) => (self.machines.get(number).cloned(), None),
            Who::Relay(number) => (None, self.relays.get(number).cloned()),
        };
        let power = match (&machine, &relay) {
            (Some(machine), _) => machine.power(),
            (_, Some(relay)) => relay.power(),
            _ => None,
        };
        let Some(power) = power else { return };
        power.fails(writes, moment);
        let (name, faults) = (self.name(who), Arc::clone(&self.faults));
        self.hands.spawn(async move {
            tokio::select! {
                biased;
                () = power.failed() => {}
                () = calm.cancelled() => return,
            }
            log.note(&format!("the power of {name} has failed, {moment:?}"));
            let _turn = switch.lock().await;
            if let Some(machine) = &machine {
                machine.crash().await;
            }
            if let Some(relay) = &relay {
                relay.crash();
            }
            tokio::time::sleep(Duration::from_millis(ms)).await;
            let started = match (&machine, &relay) {
                (Some(machine), _) => machine.start().await,
                (_, Some(relay)) => relay.start().await,
                _ => Ok(()),
            };
            log.note(&format!("{name} is back"));
            note(&faults, &name, started);
        });
    }

    fn off(&self, who: usize, ms: u64, then: Then) {
        let Ok(machine) = self.machine(who).cloned() else {
            return;
        };
        let switch = self.switch(Who::Client(who));
        let (faults, world, log) = (
            Arc::clone(&self.faults),
            Arc::clone(&self.world),
            Arc::clone(&self.log),
        );
        let went_back = Arc::clone(&self.went_back);
        let hosts: Vec<String> = (0..self.relays.len()).map(relays::host).collect();
        self.hands.spawn(async move {
            let _turn = switch.lock().await;
            machine.stop().await;
            tokio::time::sleep(Duration::from_millis(ms)).await;
            let other = match then {
                Then::GoesOn => Ok(false),
                Then::GoesBack => machine.go_back(),
                Then::BeginsAnew => machine.reinstall(world.now()).map(|()| true),
                Then::Moves => machine.relocate(&hosts, world.now()).map(|()| false),
            };
            if other == Ok(true) {
                log.note(&format!("{} {then:?}", machine.name));
                let mut went_back = went_back.lock().unwrap_or_else(PoisonError::into_inner);
                went_back.insert(who, world.elapsed_ms());
            }
            note(&faults, &machine.name, other.map(drop));
            let started = machine.start().await;
            note(&faults, &machine.name, started);
        });
    }
}

fn note(faults: &Mutex<Vec<String>>, name: &str, outcome: Result<(), String>) {
    if let Err(error) = outcome {
        let mut faults = faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.push(format!("{name}: {error}"));
    }
}

/// What a client does after it was off.
#[derive(Debug, Clone, Copy)]
enum Then {
    GoesOn,
    GoesBack,
    BeginsAnew,
    Moves,
}
