//! One run, from a seed to what came of it.

use crate::check::Findings;
use crate::plan::Plan;
use crate::scene::Scene;
use std::path::Path;

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
    on_stage(async |dir: &Path| {
        let scene = Scene::set(seed, plan, start_ms, aloud, dir).await?;
        scene.play().await
    })
}

/// Runs something in a directory of its own, on a clock that moves only when nobody has anything to
/// do.
pub(crate) fn on_stage<T>(play: impl AsyncFnOnce(&Path) -> Result<T, String>) -> Result<T, String> {
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
    runtime.block_on(play(dir.path()))
}
