//! What was promised, held against what arrived.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// As large as a short text is once sealed and padded.
const SIZE: usize = 1024;

/// A sender, and which of its messages.
pub(super) type Number = (usize, usize);

/// Counts while it goes on.
pub(super) struct Tally {
    senders: Vec<Mutex<Record>>,
    /// Puts answered 503 or 429.
    refused: AtomicUsize,
    /// Puts without an answer.
    broken: AtomicUsize,
    /// Puts with an answer that no put may have.
    wrong: AtomicUsize,
}

#[derive(Default)]
struct Record {
    promised: usize,
    /// Numbers that arrived.
    arrived: HashSet<usize>,
    /// Those whose acknowledgement was answered.
    acknowledged: HashSet<usize>,
    /// The highest number that arrived, and one.
    next: usize,
    misordered: usize,
    repeated: usize,
    returned: usize,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Findings {
    /// Strikes that fell.
    pub strikes: usize,
    /// Puts answered 202.
    pub promised: usize,
    /// Puts answered with a refusal that says to try again.
    pub refused: usize,
    /// Puts without an answer.
    pub broken: usize,
    /// Answers that no put may have.
    pub wrong: usize,
    /// Promised and not delivered.
    pub lost: usize,
    /// Delivered again before the acknowledgement was answered, which deduplication takes care of.
    pub repeated: usize,
    /// Delivered again although the acknowledgement was answered.
    pub returned: usize,
    /// Delivered after a later message of the same grant.
    pub misordered: usize,
    /// From the first put to the last delivery.
    pub time: Duration,
}

impl Findings {
    /// Whether every promise was kept.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.lost + self.returned + self.misordered + self.wrong == 0
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} puts promised in {:.0} s with {} strikes; {} refused, {} unanswered; {} lost, \
             {} again after their acknowledgement, {} out of order, {} wrong answers; \
             {} for deduplication",
            self.promised,
            self.time.as_secs_f64(),
            self.strikes,
            self.refused,
            self.broken,
            self.lost,
            self.returned,
            self.misordered,
            self.wrong,
            self.repeated,
        )
    }
}

/// The bytes of a message.
pub(super) fn message((sender, number): Number) -> Vec<u8> {
    let mut bytes = vec![7; SIZE];
    let head = [sender, number]
        .map(|it| (it as u64).to_be_bytes())
        .concat();
    bytes.splice(..head.len(), head);
    bytes
}

/// Which message these bytes are.
fn number(bytes: &[u8]) -> Option<Number> {
    let (sender, rest) = bytes.split_first_chunk::<8>()?;
    let (number, _) = rest.split_first_chunk::<8>()?;
    let read = |it: &[u8; 8]| usize::try_from(u64::from_be_bytes(*it)).ok();
    Some((read(sender)?, read(number)?))
}

impl Tally {
    /// For so many senders.
    pub(super) fn new(senders: usize) -> Self {
        let mut records = Vec::new();
        records.resize_with(senders, Mutex::default);
        Self {
            senders: records,
            refused: AtomicUsize::new(0),
            broken: AtomicUsize::new(0),
            wrong: AtomicUsize::new(0),
        }
    }

    /// The next message of a sender was promised.
    pub(super) fn promise(&self, sender: usize) {
        self.of(sender).promised += 1;
    }

    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn lose_answer(&self) {
        self.broken.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn wonder(&self) {
        self.wrong.fetch_add(1, Ordering::Relaxed);
    }

    /// Puts refused so far.
    pub(super) fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    /// Messages of a sender that are on their way.
    pub(super) fn waiting(&self, sender: usize) -> usize {
        let record = self.of(sender);
        record.promised.saturating_sub(record.arrived.len())
    }

    /// Something was delivered.
    pub(super) fn arrive(&self, bytes: &[u8]) -> Option<Number> {
        let (sender, number) = number(bytes).or_else(|| {
            self.wonder();
            None
        })?;
        let mut record = self.of(sender);
        record.returned += usize::from(record.acknowledged.contains(&number));
        if record.arrived.insert(number) {
            record.misordered += usize::from(number < record.next);
            record.next = record.next.max(number + 1);
        } else {
            record.repeated += 1;
        }
        Some((sender, number))
    }

    /// The relay answered the acknowledgement of this.
    pub(super) fn acknowledged(&self, (sender, number): Number) {
        self.of(sender).acknowledged.insert(number);
    }

    /// Promises so far.
    pub(super) fn promised(&self) -> usize {
        self.sum(|record| record.promised)
    }

    /// Messages that arrived so far.
    pub(super) fn arrived(&self) -> usize {
        self.sum(|record| record.arrived.len())
    }

    /// Promises that are not kept yet.
    pub(super) fn missing(&self) -> usize {
        self.sum(|record| {
            let promised = 0..record.promised;
            promised.filter(|it| !record.arrived.contains(it)).count()
        })
    }

    pub(super) fn findings(&self, strikes: usize, time: Duration) -> Findings {
        Findings {
            strikes,
            promised: self.promised(),
            refused: self.refused(),
            broken: self.broken.load(Ordering::Relaxed),
            wrong: self.wrong.load(Ordering::Relaxed),
            lost: self.missing(),
            repeated: self.sum(|record| record.repeated),
            returned: self.sum(|record| record.returned),
            misordered: self.sum(|record| record.misordered),
            time,
        }
    }

    fn sum(&self, of: impl Fn(&Record) -> usize) -> usize {
        (0..self.senders.len()).map(|it| of(&self.of(it))).sum()
    }

    fn of(&self, sender: usize) -> MutexGuard<'_, Record> {
        let record = self.senders.get(sender).expect("a sender");
        record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Tally, message};
    use std::time::Duration;

    #[test]
    fn what_is_lost_doubled_or_out_of_order_is_found() {
        let tally = Tally::new(2);
        for _ in 0..4 {
            tally.promise(1);
        }
        for number in [0, 2, 1, 1] {
            assert_eq!(tally.arrive(&message((1, number))), Some((1, number)));
        }
        let found = tally.findings(0, Duration::ZERO);
        assert_eq!((found.promised, found.lost, found.repeated), (4, 1, 1));
        assert_eq!((found.misordered, found.returned), (1, 0));
        tally.acknowledged((1, 2));
        tally.arrive(&message((1, 2)));
        assert_eq!(tally.findings(0, Duration::ZERO).returned, 1);
        assert!(!tally.findings(0, Duration::ZERO).is_clean());
        assert_eq!(tally.arrive(b"short"), None);
    }
}
