//! Runs seeds, as many as there is time for, and says what came of them.

use clap::Parser;
use sotto_simulation::report::{complain, say};
use sotto_simulation::run::{Outcome, run};
use sotto_wire::time::{Clock as _, SystemClock};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Seeds whose faults are printed; the numbers of the others suffice.
const SHOWN: u64 = 5;

/// Simulates clients, relays and accounts' hosts under seeds.
#[derive(Parser, Clone)]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// Run this seed only, and print what happens.
    #[arg(long)]
    seed: Option<u64>,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Stop after this many seconds.
    #[arg(long)]
    seconds: Option<u64>,
    /// Seeds at the same time.
    #[arg(long)]
    jobs: Option<usize>,
    /// When the simulated world begins, in milliseconds since 1970.
    #[arg(long)]
    start: Option<u64>,
    /// Print also what the programs log.
    #[arg(long)]
    log: bool,
}

#[derive(Default)]
struct Total {
    runs: u64,
    messages: u64,
    lost: u64,
    doubled: u64,
    misordered: u64,
    failed: u64,
    forgotten: u64,
    bad: Vec<u64>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let start = arguments.start.unwrap_or_else(start);
    if arguments.log {
        let filter = tracing_subscriber::EnvFilter::try_from_default_env();
        let filter = filter.unwrap_or_else(|_| "sotto_core=debug,sotto_relay=debug".into());
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .without_time()
            .with_ansi(false)
            .init();
    }
    let total = match arguments.seed {
        Some(seed) => {
            let mut total = Total::default();
            let outcome = run(seed, start, true);
            say(&format!("carried {}", outcome.carried));
            total.add(&outcome, start);
            total
        }
        None => many(&arguments, start),
    };
    total.print()
}

/// When the world begins: openmls reads the system's clock to judge the lifetime of key packages, so
/// they have to be valid by that too, from the first day of a run to its last.
fn start() -> u64 {
    SystemClock.now_ms() / (15 * DAY_MS) * (15 * DAY_MS) - 40 * DAY_MS
}

fn many(arguments: &Arguments, start: u64) -> Total {
    let total = Arc::new(Mutex::new(Total::default()));
    let next = Arc::new(AtomicU64::new(arguments.from));
    let over = Arc::new(AtomicBool::new(false));
    let end = arguments.from.saturating_add(arguments.seeds);
    let until = arguments
        .seconds
        .map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let jobs = arguments
        .jobs
        .or_else(|| std::thread::available_parallelism().ok().map(Into::into));
    let workers: Vec<_> = (0..jobs.unwrap_or(1))
        .map(|_| {
            let (total, next, over) = (Arc::clone(&total), Arc::clone(&next), Arc::clone(&over));
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let outcome = run(seed, start, false);
                    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                    total.add(&outcome, start);
                    if until.is_some_and(|until| Instant::now() >= until) {
                        over.store(true, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    let begun = Instant::now();
    let mut said = begun;
    while workers.iter().any(|worker| !worker.is_finished()) {
        #[expect(
            clippy::disallowed_methods,
            reason = "no runtime here; the workers have theirs"
        )]
        std::thread::sleep(Duration::from_millis(50));
        if said.elapsed() >= Duration::from_secs(30) {
            said = Instant::now();
            let total = total.lock().unwrap_or_else(PoisonError::into_inner);
            say(&format!(
                "… {} runs in {} s",
                total.runs,
                begun.elapsed().as_secs()
            ));
        }
    }
    let panicked = workers.into_iter().filter_map(|it| it.join().err()).count();
    let mut total = std::mem::take(&mut *total.lock().unwrap_or_else(PoisonError::into_inner));
    if panicked > 0 {
        complain("a worker of the simulation has panicked");
        total.bad.push(0);
    }
    total
}

impl Total {
    fn add(&mut self, outcome: &Outcome, start: u64) {
        let findings = &outcome.findings;
        self.forgotten += findings.forgotten;
        self.runs += 1;
        self.messages += findings.messages;
        self.lost += findings.lost;
        self.doubled += findings.doubled;
        self.misordered += findings.misordered;
        self.failed += findings.failed;
        if outcome.is_good() {
            return;
        }
        self.bad.push(outcome.seed);
        if self.bad.len() as u64 > SHOWN {
            return;
        }
        complain(&format!("seed {} fails:", outcome.seed));
        for fault in &findings.faults {
            complain(&format!("  {fault}"));
        }
        complain(&format!(
            "  replay: npm run simulate -- --seed {} --start {start}",
            outcome.seed
        ));
    }

    fn print(&self) -> ExitCode {
        if !self.bad.is_empty() {
            let shown: Vec<String> = self.bad.iter().take(20).map(u64::to_string).collect();
            complain(&format!(
                "{} seeds fail: {}",
                self.bad.len(),
                shown.join(" ")
            ));
        }
        if self.failed > 0 {
            say(&format!("given up, and shown as such: {}", self.failed));
        }
        if self.forgotten > 0 {
            say(&format!(
                "gone with the state that a device was put back from: {}",
                self.forgotten
            ));
        }
        say(&format!(
            "runs {}, messages {}, lost {}, doubled {}, misordered {}",
            self.runs, self.messages, self.lost, self.doubled, self.misordered
        ));
        if self.bad.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
