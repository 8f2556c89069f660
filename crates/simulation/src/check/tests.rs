//! Every kind of fault is found.

use super::*;

fn shown(text: &str) -> Shown {
    Shown {
        text: text.into(),
        delivered: true,
        failed: false,
    }
}

fn ledger() -> Ledger {
    let ledger = Ledger::default();
    for (text, at_ms) in [("one", 10), ("two", 20)] {
        let said = Said {
            from: 0,
            to: 1,
            text: text.into(),
        };
        ledger.tries(&said);
        ledger.takes(said, at_ms);
    }
    ledger
}

fn found(sent: &[&str], arrived: &[&str], went_back: &[(usize, u64)], notice: bool) -> Findings {
    let sender = View {
        mine: sent.iter().map(|it| shown(it)).collect(),
        ..View::default()
    };
    let receiver = View {
        theirs: arrived.iter().map(|it| (*it).to_owned()).collect(),
        notices: notice
            .then(|| "notice.set-back".to_owned())
            .into_iter()
            .collect(),
        ..View::default()
    };
    let views = Views::from([((0, 1), vec![sender]), ((1, 0), vec![receiver])]);
    check(&ledger(), &views, &went_back.iter().copied().collect())
}

#[test]
fn what_is_as_it_should_be_is_no_fault() {
    let findings = found(&["one", "two"], &["one", "two"], &[], false);
    assert_eq!((findings.messages, findings.faults), (2, Vec::new()));
}

#[test]
fn loss_doubling_disorder_and_invention_are_found() {
    let both = ["one", "two"];
    assert_eq!(found(&both, &["two"], &[], false).lost, 1);
    assert_eq!(
        found(&["one"], &["one"], &[], false).lost,
        1,
        "its own copy"
    );
    assert_eq!(found(&both, &["one", "two", "two"], &[], false).doubled, 1);
    assert_eq!(found(&both, &["two", "one"], &[], false).misordered, 1);
    let invented = found(&both, &["one", "two", "three"], &[], false);
    assert_eq!(invented.faults.len(), 1);
}

#[test]
fn a_device_that_went_back_may_have_forgotten_what_was_before_and_says_so() {
    let forgotten = found(&["one", "two"], &["two"], &[(1, 15)], true);
    assert_eq!((forgotten.forgotten, forgotten.lost), (1, 0));
    assert!(forgotten.faults.is_empty());
    let silent = found(&["one", "two"], &["two"], &[(1, 15)], false);
    assert_eq!(silent.faults.len(), 1);
    let after = found(&["one", "two"], &["one"], &[(1, 15)], true);
    assert_eq!(after.lost, 1);
    let own = found(&["two"], &["one", "two"], &[(0, 15)], false);
    assert!(own.faults.is_empty());
    assert_eq!(found(&["one"], &["one"], &[(0, 15)], false).lost, 1);
}

#[test]
fn two_conversations_with_the_same_account_are_a_fault() {
    let views = Views::from([((0, 1), vec![View::default(), View::default()])]);
    let findings = check(&Ledger::default(), &views, &WentBack::new());
    assert_eq!(findings.faults.len(), 1);
}
