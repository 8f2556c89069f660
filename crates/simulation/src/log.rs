//! What happened in a run, and when: printed for a seed that is looked into.

use crate::time::World;
use std::sync::{Arc, Mutex, PoisonError};

/// The log of one run.
pub struct Log {
    world: Arc<World>,
    lines: Mutex<Vec<String>>,
    aloud: bool,
}

impl Log {
    /// An empty log; `aloud`: printed while it is written.
    pub fn new(world: &Arc<World>, aloud: bool) -> Arc<Self> {
        Arc::new(Self {
            world: Arc::clone(world),
            lines: Mutex::default(),
            aloud,
        })
    }

    /// Notes something.
    pub fn note(&self, what: &str) {
        let at = self.world.elapsed_ms();
        let line = format!("{:>10}.{:03} {what}", at / 1000, at % 1000);
        if self.aloud {
            crate::report::say(&line);
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
    }

    /// All of it.
    pub fn lines(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.clone()
    }
}
