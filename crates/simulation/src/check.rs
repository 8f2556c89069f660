//! What must be true at the end of a run.

use crate::ledger::{Ledger, Said};
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
    /// Everything that is wrong, in words.
    pub faults: Vec<String>,
}

/// Devices that went back to an earlier state.
pub type WentBack = BTreeSet<usize>;

/// Holds what the devices show against what was written.
pub fn check(ledger: &Ledger, views: &Views, went_back: &WentBack) -> Findings {
    let mut findings = Findings::default();
    for ((whose, with), views) in views {
        if views.len() > 1 {
            findings.fault(format!(
                "c{whose} has {} conversations with c{with}",
                views.len()
            ));
        }
    }
    let empty = View::default();
    let view = |whose: usize, with: usize| {
        let views = views.get(&(whose, with));
        views.and_then(|views| views.first()).unwrap_or(&empty)
    };
    for said in ledger.taken() {
        let kept = view(said.from, said.to)
            .mine
            .iter()
            .any(|it| it.text == said.text);
        if !kept && !went_back.contains(&said.from) {
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
        let way = Way {
            from,
            to,
            sent: &view(from, to).mine,
            arrived: &view(to, from).theirs,
            sender_went_back: went_back.contains(&from),
            receiver_went_back: went_back.contains(&to),
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
    sender_went_back: bool,
    receiver_went_back: bool,
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
            let said = Said {
                from,
                to,
                text: (*text).to_owned(),
            };
            if !ledger.knows(&said) {
                findings.fault(format!("c{to} shows {text:?}, which c{from} never wrote"));
            } else if !self.sender_went_back && !sent.contains(text) {
                findings.fault(format!("c{to} shows {text:?}, which c{from} does not have"));
            }
        }
        let places: BTreeMap<&str, usize> = sent
            .iter()
            .enumerate()
            .map(|(place, text)| (*text, place))
            .collect();
        let order: Vec<usize> = arrived
            .iter()
            .filter_map(|text| places.get(text).copied())
            .collect();
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
        } else if !there && !self.receiver_went_back {
            findings.lost += 1;
            let said = if shown.delivered {
                "delivered"
            } else {
                "on its way"
            };
            findings.fault(format!(
                "c{to} does not have {text:?} of c{from}, there {said}"
            ));
        } else if there && !shown.delivered && !self.sender_went_back {
            findings.fault(format!("c{from} does not know that c{to} has {text:?}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Shown {
        Shown {
            text: text.into(),
            delivered: true,
            failed: false,
        }
    }

    fn ledger(texts: &[&str]) -> Ledger {
        let ledger = Ledger::default();
        for text in texts {
            let said = Said {
                from: 0,
                to: 1,
                text: (*text).into(),
            };
            ledger.tries(&said);
            ledger.takes(said);
        }
        ledger
    }

    fn found(sent: &[&str], arrived: &[&str]) -> Findings {
        let sender = View {
            mine: sent.iter().map(|it| shown(it)).collect(),
            theirs: Vec::new(),
        };
        let theirs = arrived.iter().map(|it| (*it).to_owned()).collect();
        let receiver = View {
            mine: Vec::new(),
            theirs,
        };
        let views = Views::from([((0, 1), vec![sender]), ((1, 0), vec![receiver])]);
        check(&ledger(&["one", "two"]), &views, &WentBack::new())
    }

    #[test]
    fn what_is_as_it_should_be_is_no_fault() {
        let findings = found(&["one", "two"], &["one", "two"]);
        assert_eq!((findings.messages, findings.faults), (2, Vec::new()));
    }

    #[test]
    fn every_kind_of_fault_is_found() {
        assert_eq!(found(&["one", "two"], &["two"]).lost, 1);
        assert_eq!(found(&["one"], &["one"]).lost, 1, "the sender's own copy");
        assert_eq!(found(&["one", "two"], &["one", "two", "two"]).doubled, 1);
        assert_eq!(found(&["one", "two"], &["two", "one"]).misordered, 1);
        let invented = found(&["one", "two"], &["one", "two", "three"]);
        assert_eq!(invented.faults.len(), 1);
    }

    #[test]
    fn two_conversations_with_the_same_account_are_a_fault() {
        let views = Views::from([((0, 1), vec![View::default(), View::default()])]);
        let findings = check(&Ledger::default(), &views, &WentBack::new());
        assert_eq!(findings.faults.len(), 1);
    }
}
