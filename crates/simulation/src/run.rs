//! One run: everything that the plan of a seed says, then calm, then the checks.

use crate::check::{Findings, Shown, View, Views, WentBack, check};
use crate::keys::Keys;
use crate::ledger::{Ledger, Said};
use crate::log::Log;
use crate::machine::{Machine, Maker};
use crate::net::Net;
use crate::plan::{Act, Plan, RELAYS, Who};
use crate::power::Moment;
use crate::quiet;
use crate::relays::{self, RelayMachine};
use crate::time::World;
use sotto_core::app::App;
use sotto_core::views::MessageState;
use sotto_wire::time::Clock as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a run may take, by its own clock.
const LIMIT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Between two attempts of a user.
const USER: Duration = Duration::from_secs(15);

/// What became of a seed.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Which.
    pub seed: u64,
    /// What the devices show in the end.
    pub findings: Findings,
    /// A digest of everything that the network carried.
    pub carried: String,
    /// What happened.
    pub log: Vec<String>,
}

impl Outcome {
    /// Whether everything is as it has to be.
    pub fn is_good(&self) -> bool {
        self.findings.faults.is_empty()
    }
}

/// Runs a seed in a world that begins at `start_ms`, milliseconds since 1970.
pub fn run(seed: u64, start_ms: u64, aloud: bool) -> Outcome {
    run_plan(seed, &Plan::of(seed), start_ms, aloud)
}

/// Runs any plan.
pub fn run_plan(seed: u64, plan: &Plan, start_ms: u64, aloud: bool) -> Outcome {
    match attempt(seed, plan, start_ms, aloud) {
        Ok(outcome) => outcome,
        Err(fault) => Outcome {
            seed,
            findings: Findings {
                faults: vec![format!("the simulation itself: {fault}")],
                ..Findings::default()
            },
            carried: String::new(),
            log: Vec::new(),
        },
    }
}

fn attempt(seed: u64, plan: &Plan, start_ms: u64, aloud: bool) -> Result<Outcome, String> {
    let memory = Path::new("/dev/shm");
    let dir = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    let dir = dir.map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let scene = Scene::set(seed, plan, start_ms, aloud, dir.path()).await?;
        scene.play().await
    })
}

struct Scene {
    seed: u64,
    plan: Plan,
    world: Arc<World>,
    net: Arc<Net>,
    log: Arc<Log>,
    keys: Arc<Keys>,
    ledger: Arc<Ledger>,
    machines: Vec<Arc<Machine>>,
    relays: Vec<Arc<RelayMachine>>,
    went_back: Arc<Mutex<WentBack>>,
    /// One for each client, then one for each relay: nobody switches twice at a time.
    switches: Vec<Arc<tokio::sync::Mutex<()>>>,
    calm: CancellationToken,
    users: TaskTracker,
    hands: TaskTracker,
    faults: Arc<Mutex<Vec<String>>>,
}

impl Scene {
    async fn set(
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

    async fn play(self) -> Result<Outcome, String> {
        let played = tokio::time::timeout(LIMIT, self.acts()).await;
        played.map_err(|_| "it takes too long")??;
        let settling = tokio::time::timeout(LIMIT, self.settle());
        let settled = settling.await.map_err(|_| "it takes too long to settle")?;
        let views = self.views().await?;
        let went_back = self.went_back();
        let mut findings = check(&self.ledger, &views, &went_back);
        findings.faults.extend(settled.err());
        if self.keys.nonces_reused() > 0 || self.keys.reused() > 0 && went_back.is_empty() {
            let (keys, nonces) = (self.keys.reused(), self.keys.nonces_reused());
            let fault = format!("{keys} keys were used twice, {nonces} with the same nonce");
            findings.faults.push(fault);
        }
        let happened = self
            .faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        findings.faults.extend(happened);
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

    fn went_back(&self) -> WentBack {
        let went_back = self
            .went_back
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        went_back.clone()
    }

    /// Waits for quiet, has everyone answer everyone twice, and sees that this has healed them.
    async fn settle(&self) -> Result<(), String> {
        let (world, machines) = (&self.world, &self.machines);
        let stuck = |what| format!("stuck: {what}");
        quiet::settle(world, machines).await.map_err(stuck)?;
        let before = quiet::epochs(machines).await?;
        let pairs: Vec<(usize, usize)> = self.views().await?.into_keys().collect();
        for round in 0..2 {
            self.log.note("everyone answers");
            for &(from, to) in &pairs {
                self.say(1_000_000 + round, from, to);
            }
            self.users.close();
            self.users.wait().await;
            quiet::settle(world, machines).await.map_err(stuck)?;
        }
        let after = quiet::epochs(machines).await?;
        let same = before.iter().filter(|it| after.contains(it)).count();
        if same > 0 {
            return Err(format!("{same} send groups do not heal in an exchange"));
        }
        Ok(())
    }

    /// Everything that the plan says, and then everybody is back.
    async fn acts(&self) -> Result<(), String> {
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

    fn act(&self, n: usize, act: Act) -> Result<(), String> {
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

    fn say(&self, n: usize, from: usize, to: usize) {
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
        self.hands.spawn(async move {
            let _turn = switch.lock().await;
            machine.stop().await;
            tokio::time::sleep(Duration::from_millis(ms)).await;
            let other = match then {
                Then::GoesOn => Ok(false),
                Then::GoesBack => machine.go_back(),
                Then::BeginsAnew => machine.reinstall(world.now()).map(|()| true),
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

    async fn views(&self) -> Result<Views, String> {
        let mut views = Views::new();
        for (number, machine) in self.machines.iter().enumerate() {
            let app = machine.app().ok_or("a client is off at the end")?;
            for conversation in app.conversations().await.map_err(|error| error.code)? {
                let did = conversation.peer.did;
                let with = self.machines.iter().position(|it| it.did.as_str() == did);
                let with = with.ok_or("a conversation with a stranger")?;
                let view = view(&app, conversation.id).await?;
                views.entry((number, with)).or_default().push(view);
            }
        }
        Ok(views)
    }
}

fn note(faults: &Mutex<Vec<String>>, name: &str, outcome: Result<(), String>) {
    if let Err(error) = outcome {
        let mut faults = faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.push(format!("{name}: {error}"));
    }
}

/// All of a conversation, oldest first.
async fn view(app: &App, conversation: String) -> Result<View, String> {
    let mut view = View::default();
    let mut before = None;
    let mut pages = Vec::new();
    loop {
        let page = app.messages(conversation.clone(), before, 200).await;
        let page = page.map_err(|error| error.code)?;
        let Some(first) = page.first() else { break };
        before = Some(first.id);
        pages.push(page);
    }
    for message in pages.into_iter().rev().flatten() {
        if let Some(notice) = message.notice {
            view.notices.push(notice);
            continue;
        }
        let text = message.text.unwrap_or_default();
        if message.mine {
            view.mine.push(Shown {
                text,
                delivered: matches!(message.state, MessageState::Delivered | MessageState::Read),
                failed: message.state == MessageState::Failed,
            });
        } else {
            view.theirs.push(text);
        }
    }
    Ok(view)
}

/// What a client does after it was off.
#[derive(Debug, Clone, Copy)]
enum Then {
    GoesOn,
    GoesBack,
    BeginsAnew,
}

struct User {
    machine: Arc<Machine>,
    peer: String,
    ledger: Arc<Ledger>,
    world: Arc<World>,
    log: Arc<Log>,
}

impl User {
    /// Writes, as soon as the app runs and has the conversation.
    async fn says(self, said: Said) {
        loop {
            let Some(app) = self.machine.app() else {
                tokio::time::sleep(USER).await;
                continue;
            };
            let Some(conversation) = self.conversation(&app).await else {
                tokio::time::sleep(USER).await;
                continue;
            };
            self.ledger.tries(&said);
            match app.send_text(conversation, said.text.clone(), None).await {
                Ok(_) => self.ledger.takes(said, self.world.elapsed_ms()),
                Err(error) => self
                    .log
                    .note(&format!("{:?} was not taken: {}", said.text, error.code)),
            }
            return;
        }
    }

    async fn conversation(&self, app: &App) -> Option<String> {
        let known = app.conversations().await.ok()?;
        if let Some(known) = known.into_iter().find(|it| it.peer.did == self.peer) {
            return Some(known.id);
        }
        let begun = app.start_conversation(self.peer.clone()).await;
        Some(begun.ok()?.id)
    }
}
