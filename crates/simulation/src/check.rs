//! What must be true at the end of a run.

use crate::ledger::{Ledger, Said, Taken};
use std::collections::{BTreeMap, BTreeSet};

/// A message as a device shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// What it says.
    pub text: String,
    /// Whether the device says that the other side has it.
    pub delivered: bool,
    /// Whether the device says that it is given up.
    pub failed: bool,
}

/// One conversation on one device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// What its user wrote, in the order shown.
    pub mine: Vec<Shown>,
    /// What the other wrote, in the order shown.
    pub theirs: Vec<String>,
    /// Lines that are no messages: their codes.
    pub notices: Vec<String>,
}

/// What every device shows: its number and the other's, and their conversations (one each, or it is
/// a fault).
pub type Views = BTreeMap<(usize, usize), Vec<View>>;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Messages that are on the sender's device and were not given up.
    pub messages: u64,
    /// Of those, the ones that the receiver does not have.
    pub lost: u64,
    /// Messages that are on a device more than once.
    pub doubled: u64,
    /// Messages that a device shows before one that was written earlier.
    pub misordered: u64,
    /// Given up, and shown as such.
    pub failed: u64,
    /// Gone with the state that a receiver's device was put back from.
    pub forgotten: u64,
    /// Everything that is wrong, in words.
    pub faults: Vec<String>,
}

/// The line on the devices of others, where one was begun anew: it has no history to miss anything in.
const DEVICE_NEW: &str = "notice.device-new";

/// Devices that were put back to an earlier state or begun anew, and when that was last, in
/// milliseconds since the world began.
pub type WentBack = BTreeMap<usize, u64>;

/// Holds what the devices show against what was written.
pub fn check(ledger: &Ledger, views: &Views, went_back: &WentBack) -> Findings {
    let mut findings = Findings::default();
    for ((whose, with), views) in views {
        if views.len() > 1 {
            let several = views.len();
            findings.fault(format!("c{whose} has {several} conversations with c{with}"));
        }
    }
    let empty = View::default();
    let view = |whose: usize, with: usize| {
        let views = views.get(&(whose, with));
        views.and_then(|views| views.first()).unwrap_or(&empty)
    };
    let taken = ledger.taken();
    for Taken { said, at_ms } in &taken {
        let mine = &view(said.from, said.to).mine;
        let kept = mine.iter().any(|it| it.text == said.text);
        let forgotten = went_back.get(&said.from).is_some_and(|back| at_ms <= back);
        if !kept && !forgotten {
            findings.lost += 1;
            findings.fault(format!(
                "c{} no longer has its own {:?}",
                said.from, said.text
            ));
        }
    }
    let mut pairs: BTreeSet<(usize, usize)> = views.keys().copied().collect();
    pairs.extend(views.keys().map(|(whose, with)| (*with, *whose)));
    for (from, to) in pairs {
        let receiver = view(to, from);
        let before = |text: &str| {
            let taken = taken.iter().find(|it| it.said.text == text);
            let back = went_back.get(&to);
            back.is_some_and(|back| taken.is_none_or(|it| it.at_ms <= *back))
        };
        let way = Way {
            from,
            to,
            sent: &view(from, to).mine,
            arrived: &receiver.theirs,
            told: !receiver.notices.is_empty()
                || view(from, to).notices.iter().any(|it| it == DEVICE_NEW),
            sender_went_back: went_back.contains_key(&from),
            before_receiver_went_back: &before,
        };
        way.check(ledger, &mut findings);
    }
    findings
}

impl Findings {
    fn fault(&mut self, what: String) {
        self.faults.push(what);
    }
}

struct Way<'a> {
    from: usize,
    to: usize,
    sent: &'a [Shown],
    arrived: &'a [String],
    /// Somebody is told that something may be missing in this conversation.
    told: bool,
    sender_went_back: bool,
    /// Whether the receiver may have had a message and forgotten it.
    before_receiver_went_back: &'a dyn Fn(&str) -> bool,
}

impl Way<'_> {
    fn check(&self, ledger: &Ledger, findings: &mut Findings) {
        let (from, to) = (self.from, self.to);
        let sent: Vec<&str> = self.sent.iter().map(|it| it.text.as_str()).collect();
        let arrived: Vec<&str> = self.arrived.iter().map(String::as_str).collect();
        for (list, whose) in [(&sent, from), (&arrived, to)] {
            let twice = list.len() - list.iter().collect::<BTreeSet<_>>().len();
            if twice > 0 {
                findings.doubled += twice as u64;
                findings.fault(format!("c{whose} shows {twice} of c{from} to c{to} twice"));
            }
        }
        for shown in self.sent {
            self.check_sent(shown, &arrived, findings);
        }
        for text in &arrived {
            let text = (*text).to_owned();
            let said = Said { from, to, text };
            if !ledger.knows(&said) {
                findings.fault(format!(
                    "c{to} shows {:?}, which c{from} never wrote",
                    said.text
                ));
            } else if !self.sender_went_back && !sent.contains(&said.text.as_str()) {
                findings.fault(format!("c{to} shows {:?}, c{from} does not", said.text));
            }
        }
        self.check_order(&sent, &arrived, findings);
    }

    fn check_order(&self, sent: &[&str], arrived: &[&str], findings: &mut Findings) {
        let (from, to) = (self.from, self.to);
        let places = sent.iter().enumerate().map(|(place, text)| (*text, place));
        let places: BTreeMap<&str, usize> = places.collect();
        let order = arrived.iter().filter_map(|text| places.get(text).copied());
        let order: Vec<usize> = order.collect();
        let wrong = order.windows(2).filter(|it| it.first() > it.last()).count();
        if wrong > 0 {
            findings.misordered += wrong as u64;
            findings.fault(format!(
                "c{to} shows {arrived:?}, but c{from} wrote {sent:?}"
            ));
        }
    }

    fn check_sent(&self, shown: &Shown, arrived: &[&str], findings: &mut Findings) {
        let (from, to, text) = (self.from, self.to, &shown.text);
        findings.messages += 1;
        let there = arrived.contains(&text.as_str());
        if shown.failed {
            findings.failed += 1;
        } else if there && !shown.delivered {
            findings.fault(format!("c{from} does not know that c{to} has {text:?}"));
        } else if !there && (self.before_receiver_went_back)(text) {
            findings.forgotten += 1;
            if !self.told {
                findings.fault(format!("c{to} has forgotten {text:?} and does not say so"));
            }
        } else if !there {
            findings.lost += 1;
            let said = if shown.delivered {
                "delivered"
            } else {
                "on its way"
            };
            findings.fault(format!(
                "c{to} does not have {text:?} of c{from}, there {said}"
            ));
        }
    }
}

#[cfg(test)]
mod tests;
