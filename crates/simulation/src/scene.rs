//! The machines of a run and the order of things: everything that the plan says, then calm, then the
//! checks.

use crate::check::{Findings, WentBack, check};
use crate::keys::Keys;
use crate::ledger::Ledger;
use crate::log::Log;
use crate::machine::{Machine, Maker};
use crate::net::Net;
use crate::plan::{Plan, RELAYS};
use crate::quiet;
use crate::relays::{self, RelayMachine};
use crate::remains::remains;
use crate::run::Outcome;
use crate::time::World;
use crate::user::USER;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a run may take, by its own clock.
const LIMIT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub(crate) struct Scene {
    pub(crate) seed: u64,
    pub(crate) plan: Plan,
    pub(crate) world: Arc<World>,
    pub(crate) net: Arc<Net>,
    pub(crate) log: Arc<Log>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) machines: Vec<Arc<Machine>>,
    pub(crate) relays: Vec<Arc<RelayMachine>>,
    pub(crate) went_back: Arc<Mutex<WentBack>>,
    /// One for each client, then one for each relay: nobody switches twice at a time.
    pub(crate) switches: Vec<Arc<tokio::sync::Mutex<()>>>,
    pub(crate) calm: CancellationToken,
    pub(crate) users: TaskTracker,
    pub(crate) hands: TaskTracker,
    pub(crate) faults: Arc<Mutex<Vec<String>>>,
}

impl Scene {
    pub(crate) async fn set(
        seed: u64,
        plan: &Plan,
        start_ms: u64,
        aloud: bool,
        dir: &Path,
    ) -> Result<Self, String> {
        let world = World::new(start_ms);
        let log = Log::new(&world, aloud);
        let net = Net::new(seed, plan.weather.clone(), &log);
        let maker = Maker {
            seed,
            world: Arc::clone(&world),
            net: Arc::clone(&net),
            keys: Arc::default(),
            dir: dir.to_owned(),
        };
        log.note(&format!("{:?} with {} clients", plan.weather, plan.clients));
        let relays: Vec<_> = (0..RELAYS)
            .map(|it| RelayMachine::make(&maker, it))
            .collect();
        for relay in &relays {
            relay.start().await?;
        }
        let mut machines = Vec::new();
        for number in 0..plan.clients {
            let host = relays::host(number % RELAYS);
            let wrong = plan.wrong_by_ms.get(number).copied().unwrap_or(0);
            let closed = plan.closed.get(number).copied().unwrap_or(false);
            let machine = Machine::make(&maker, number, &host, wrong, closed)?;
            machine.start().await?;
            machines.push(machine);
        }
        let switches = (0..plan.clients + RELAYS).map(|_| Arc::default()).collect();
        Ok(Self {
            seed,
            plan: plan.clone(),
            world,
            net,
            log,
            keys: maker.keys,
            ledger: Arc::default(),
            machines,
            relays,
            went_back: Arc::default(),
            switches,
            calm: CancellationToken::new(),
            users: TaskTracker::new(),
            hands: TaskTracker::new(),
            faults: Arc::default(),
        })
    }

    pub(crate) async fn play(self) -> Result<Outcome, String> {
        let played = tokio::time::timeout(LIMIT, self.acts()).await;
        played.map_err(|_| "it takes too long")??;
        let settling = tokio::time::timeout(LIMIT, self.settle());
        let settled = settling.await.map_err(|_| "it takes too long to settle")?;
        let findings = self.judge(settled).await?;
        if !findings.faults.is_empty() {
            for machine in &self.machines {
                let lines = remains(machine).await?;
                lines.iter().for_each(|line| self.log.note(line));
            }
        }
        let carried = self.net.carried();
        for machine in &self.machines {
            machine.stop().await;
        }
        for relay in &self.relays {
            relay.crash();
        }
        Ok(Outcome {
            seed: self.seed,
            findings,
            carried,
            log: self.log.lines(),
        })
    }

    /// Holds what the devices show, and what happened, against what has to be true.
    pub(crate) async fn judge(&self, settled: Result<(), String>) -> Result<Findings, String> {
        let views = self.views().await?;
        let went_back = self.went_back();
        let mut findings = check(&self.ledger, &views, &went_back);
        findings.faults.extend(settled.err());
        if self.keys.nonces_reused() > 0 || self.keys.reused() > 0 && went_back.is_empty() {
            let (keys, nonces) = (self.keys.reused(), self.keys.nonces_reused());
            let fault = format!("{keys} keys were used twice, {nonces} with the same nonce");
            findings.faults.push(fault);
        }
        if self.net.nonces_reused() {
            let fault = "a nonce has sealed two frames for the same grant";
            findings.faults.push(fault.to_owned());
        }
        let happened = self
            .faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        findings.faults.extend(happened);
        Ok(findings)
    }

    fn went_back(&self) -> WentBack {
        let went_back = self
            .went_back
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        went_back.clone()
    }

    /// Waits for quiet, has everyone answer everyone twice, and sees that this has healed them.
    pub(crate) async fn settle(&self) -> Result<(), String> {
        let (world, machines) = (&self.world, &self.machines);
        let stuck = |what| format!("stuck: {what}");
        let pairs = self.pairs();
        quiet::settle(world, machines).await.map_err(stuck)?;
        let before = quiet::epochs(machines).await?;
        for round in 0..2 {
            self.log.note("everyone answers");
            self.write(1_000_000 + round, pairs.iter()).await;
            quiet::settle(world, machines).await.map_err(stuck)?;
        }
        let after = quiet::epochs(machines).await?;
        let same = before.iter().filter(|it| after.contains(it)).count();
        if same > 0 {
            return Err(format!("{same} send groups do not heal in an exchange"));
        }
        Ok(())
    }

    /// Who has something to do with whom, both ways.
    fn pairs(&self) -> BTreeSet<(usize, usize)> {
        let taken = self.ledger.taken();
        let ways = taken.iter().map(|it| (it.said.from, it.said.to));
        ways.flat_map(|(from, to)| [(from, to), (to, from)])
            .collect()
    }

    async fn write(&self, n: usize, ways: impl Iterator<Item = &(usize, usize)>) {
        for &(from, to) in ways {
            self.say(n, from, to);
        }
        self.users.close();
        self.users.wait().await;
    }

    /// Everything that the plan says, and then everybody is back.
    pub(crate) async fn acts(&self) -> Result<(), String> {
        let begun = tokio::time::Instant::now();
        for (n, (at, act)) in self.plan.acts.iter().enumerate() {
            tokio::time::sleep_until(begun + Duration::from_millis(*at)).await;
            self.log.note(&format!("{act:?}"));
            self.act(n, *act)?;
        }
        tokio::time::sleep(USER).await;
        self.log.note("calm");
        self.net.calm_down();
        // A clock that is very wrong keeps its owner from messaging, and says so.
        for machine in &self.machines {
            machine.clock.set(0);
        }
        // Before anyone stops waiting for it to fail.
        for power in self.machines.iter().filter_map(|it| it.power()) {
            power.holds();
        }
        for power in self.relays.iter().filter_map(|it| it.power()) {
            power.holds();
        }
        self.calm.cancel();
        self.hands.close();
        self.hands.wait().await;
        self.users.close();
        self.users.wait().await;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
