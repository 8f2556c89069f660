//! What users wrote, as far as their app said that it was taken.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// Who wrote it.
    pub from: usize,
    /// To whom.
    pub to: usize,
    /// What; no two messages of a run say the same.
    pub text: String,
}

/// A message that an app has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The message.
    pub said: Said,
    /// When, in milliseconds since the world began.
    pub at_ms: u64,
}

/// All of them.
#[derive(Default)]
pub struct Ledger {
    taken: Mutex<Vec<Taken>>,
    tried: Mutex<BTreeSet<Said>>,
}

impl Ledger {
    /// A user presses the button. Where the power fails, nobody knows whether it was taken.
    pub fn tries(&self, said: &Said) {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        tried.insert(said.clone());
    }

    /// The app has taken it.
    pub fn takes(&self, said: Said, at_ms: u64) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.push(Taken { said, at_ms });
    }

    /// What was taken.
    pub fn taken(&self) -> Vec<Taken> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.clone()
    }

    /// Whether anyone ever tried to write this.
    pub fn knows(&self, said: &Said) -> bool {
        let tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        tried.contains(said)
    }
}
