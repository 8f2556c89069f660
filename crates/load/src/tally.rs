//! Every put counted: what was accepted has to arrive once, and in its order.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bytes that say whose message it is, its number, and when it was due.
const HEAD: usize = 24;

#[derive(Default)]
struct Sender {
    /// Puts that were answered 202, which are the first so many.
    accepted: u64,
    /// How often each arrived.
    arrived: Vec<u8>,
    /// The number after that of the last one that arrived.
    next: u64,
}

/// What happened so far.
pub(crate) struct Tally {
    began: Instant,
    senders: Vec<Mutex<Sender>>,
    accepted: AtomicU64,
    refused: AtomicU64,
    arrived: AtomicU64,
    misordered: AtomicU64,
    /// Milliseconds from when a put was due until it arrived; of those whose times are kept.
    times: Mutex<Vec<f64>>,
}

impl Tally {
    /// Nothing yet, from so many senders.
    pub(crate) fn new(senders: usize) -> Self {
        Self {
            began: Instant::now(),
            senders: (0..senders).map(|_| Mutex::default()).collect(),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            arrived: AtomicU64::new(0),
            misordered: AtomicU64::new(0),
            times: Mutex::default(),
        }
    }

    /// Writes into a message whose it is, its number, and when it is due; a number above 0 means
    /// that its time is kept.
    pub(crate) fn mark(
        &self,
        message: &mut [u8],
        sender: usize,
        number: u64,
        due: Option<Instant>,
    ) {
        let due = due.map_or(0, |due| due.duration_since(self.began).as_nanos());
        let words = [sender as u64, number, u64::try_from(due).unwrap_or(0)];
        for (place, word) in message.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_be_bytes());
        }
    }

    /// A put was answered 202.
    pub(crate) fn accept(&self, sender: usize) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.with(sender, |it| it.accepted += 1);
    }

    /// A put was refused, and will be tried again.
    pub(crate) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// A message arrived.
    pub(crate) fn arrive(&self, message: &[u8]) {
        let head = message.get(..HEAD).unwrap_or_default().chunks_exact(8);
        let words: Vec<u64> = head
            .filter_map(|it| Some(u64::from_be_bytes(it.try_into().ok()?)))
            .collect();
        let &[sender, number, due] = words.as_slice() else {
            return;
        };
        self.arrived.fetch_add(1, Ordering::Relaxed);
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        self.with(usize::try_from(sender).unwrap_or(usize::MAX), |it| {
            let again = it.arrived.get(place).is_some_and(|&times| times > 0);
            if number < it.next && !again {
                self.misordered.fetch_add(1, Ordering::Relaxed);
            }
            it.next = number + 1;
            if it.arrived.len() <= place {
                it.arrived.resize(place + 1, 0);
            }
            if let Some(times) = it.arrived.get_mut(place) {
                *times = times.saturating_add(1);
            }
        });
        if due > 0 {
            let took = self
                .began
                .elapsed()
                .saturating_sub(Duration::from_nanos(due));
            self.lock_times().push(took.as_secs_f64() * 1000.0);
        }
    }

    /// Puts accepted so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Puts refused so far.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Messages that arrived so far.
    pub(crate) fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Relaxed)
    }

    /// The times that were kept, sorted; they are forgotten.
    pub(crate) fn take_times(&self) -> Vec<f64> {
        let mut times = std::mem::take(&mut *self.lock_times());
        times.sort_by(f64::total_cmp);
        times
    }

    /// Whether everything accepted arrived once and in its order, and nothing else did.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        let (mut lost, mut doubled, mut unknown) = (0, 0, 0);
        for sender in &self.senders {
            let sender = sender.lock().unwrap_or_else(PoisonError::into_inner);
            let accepted = usize::try_from(sender.accepted).unwrap_or(usize::MAX);
            let known = sender.arrived.iter().take(accepted);
            let arrived = known.clone().filter(|&&times| times > 0).count();
            lost += accepted - arrived;
            doubled += known.filter(|&&times| times > 1).count();
            unknown += sender.arrived.len().saturating_sub(accepted);
        }
        let misordered = self.misordered.load(Ordering::Relaxed);
        if lost + doubled + unknown == 0 && misordered == 0 {
            return Ok(());
        }
        Err(format!(
            "{lost} lost, {doubled} doubled, {unknown} never accepted, {misordered} out of order"
        ))
    }

    fn with(&self, sender: usize, change: impl FnOnce(&mut Sender)) {
        if let Some(sender) = self.senders.get(sender) {
            change(&mut sender.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn lock_times(&self) -> std::sync::MutexGuard<'_, Vec<f64>> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;
    use std::time::Instant;

    fn marked(tally: &Tally, number: u64) -> Vec<u8> {
        let mut message = vec![0; 1024];
        tally.mark(&mut message, 0, number, Some(Instant::now()));
        message
    }

    #[test]
    fn what_was_accepted_and_arrived_once_is_well() {
        let tally = Tally::new(1);
        for number in 0..3 {
            tally.accept(0);
            tally.arrive(&marked(&tally, number));
        }
        assert_eq!(tally.verdict(), Ok(()));
        assert_eq!(tally.take_times().len(), 3);
    }

    #[test]
    fn losses_doubles_strangers_and_another_order_are_seen() {
        let tally = Tally::new(1);
        for _ in 0..4 {
            tally.accept(0);
        }
        for number in [0, 2, 1, 1, 9] {
            tally.arrive(&marked(&tally, number));
        }
        let said = tally.verdict().expect_err("not well");
        assert_eq!(said, "1 lost, 1 doubled, 6 never accepted, 1 out of order");
    }
}
