use super::*;
use crate::messages::origin;
use crate::testing::{Party, acquainted, pin};
use sotto_identity::plc::LoggedOperation;
use sotto_wire::key::SigningKey;

/// What the first message of Alice to Bob looks like at one of them.
fn of(party: &Party, peer: &Party) -> Origin {
    let id = party.messages(peer)[0].id;
    party.read(move |tx| origin::of(tx, id)).unwrap()
}

fn found(origin: &Origin, own: &OwnAccount) -> Vec<Finding> {
    let view = check(origin, own);
    view.lines.iter().map(|line| line.finding).collect()
}

fn at(origin: &Origin, step: Step) -> ProvenanceLineView {
    let own = Party::new("someone", &crate::testing::TestClock::new()).own;
    let mut lines = check(origin, &own).lines;
    lines.retain(|line| line.step == step);
    lines.remove(0)
}

#[test]
fn a_message_leads_to_the_device_and_the_key_of_the_peer() {
    let (alice, bob) = acquainted();
    let origin = of(&bob, &alice);
    let expected = [
        Finding::ContentUnchanged,
        Finding::DeviceCertified,
        Finding::PresentKey,
        Finding::RecordVerified,
        Finding::NoLog,
    ];
    assert_eq!(found(&origin, &bob.own), expected);
    let view = check(&origin, &bob.own);
    assert!(!view.mine);
    let values: Vec<_> = view.lines.iter().map(|line| line.value.clone()).collect();
    assert_eq!(values[1], Some(alice.own.device_id.hex()));
    assert_eq!(values[2], Some(alice.pin().key.to_did_key()));
    assert_eq!(
        view.lines[3].revision.as_deref(),
        Some(alice.pin().repo_rev.as_str())
    );
    let certificate = &view.lines[1];
    assert!(certificate.at.unwrap() < certificate.until.unwrap());
}

#[test]
fn an_own_message_leads_to_the_own_device_and_key() {
    let (alice, bob) = acquainted();
    let own = alice.pin();
    alice.write(move |tx| crate::db::peers::pin(tx, &own, 7));
    let origin = of(&alice, &bob);
    let view = check(&origin, &alice.own);
    assert!(view.mine);
    assert_eq!(view.lines[1].finding, Finding::ThisDevice);
    assert_eq!(view.lines[2].finding, Finding::PresentKey);
    assert_eq!(view.lines[2].value, Some(alice.pin().key.to_did_key()));
}

#[test]
fn what_was_changed_afterwards_is_found() {
    let (alice, bob) = acquainted();
    let good = of(&bob, &alice);
    let mut changed = good.clone();
    *changed.content.last_mut().unwrap() ^= 1;
    let finding = |origin: &Origin, step| at(origin, step).finding;
    assert_eq!(finding(&changed, Step::Message), Finding::ContentChanged);

    let mut other_sender = good.clone();
    other_sender.sender = bob.own.did.clone();
    assert_eq!(
        finding(&other_sender, Step::Message),
        Finding::ContentChanged
    );
    assert_eq!(
        finding(&other_sender, Step::Device),
        Finding::CertificateOfOther
    );
    assert_eq!(finding(&other_sender, Step::Key), Finding::UnknownKey);

    let mut unreadable = good.clone();
    unreadable.certificate = Some(vec![1, 2, 3]);
    assert_eq!(
        finding(&unreadable, Step::Device),
        Finding::CertificateUnreadable
    );
    assert_eq!(finding(&unreadable, Step::Key), Finding::UnknownKey);

    let mut tampered = good.clone();
    *tampered.certificate.as_mut().unwrap().last_mut().unwrap() ^= 1;
    assert_eq!(finding(&tampered, Step::Key), Finding::UnknownKey);

    let mut late = good.clone();
    late.at += 400 * 86_400_000;
    assert_eq!(finding(&late, Step::Device), Finding::CertificateExpired);
    for origin in [&changed, &other_sender, &unreadable, &tampered, &late] {
        let view = check(origin, &bob.own);
        assert!(view.lines.iter().any(|it| it.outcome == Outcome::Failed));
    }
}

#[test]
fn a_key_counts_as_long_as_its_succession_leads_to_the_present_one() {
    let (alice, bob) = acquainted();
    let mut origin = of(&bob, &alice);
    let next = SigningKey::from_seed(&[5; 32]).public();
    let mut pin = pin(&alice.own);
    let old = std::mem::replace(&mut pin.key, next);
    let account = origin.account.as_mut().unwrap();
    account.pin = pin;
    assert_eq!(at(&origin, Step::Key).finding, Finding::UnknownKey);
    let account = origin.account.as_mut().unwrap();
    account.pin.predecessors = vec![SigningKey::from_seed(&[6; 32]).public(), old];
    let line = at(&origin, Step::Key);
    assert_eq!(line.finding, Finding::EarlierKey);
    assert_eq!(line.outcome, Outcome::Checked);
    assert_eq!(line.value, Some(old.to_did_key()));
}

#[test]
fn what_was_not_recorded_is_said_to_be_so() {
    let (alice, bob) = acquainted();
    let mut origin = of(&bob, &alice);
    origin.certificate = None;
    origin.account = None;
    let expected = [
        Finding::ContentUnchanged,
        Finding::DeviceNotRecorded,
        Finding::KeyNotRecorded,
        Finding::RecordNotRecorded,
        Finding::NoLog,
    ];
    assert_eq!(found(&origin, &bob.own), expected);
    origin.sender = Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap();
    let line = at(&origin, Step::Operation);
    assert_eq!(line.finding, Finding::OperationNotRecorded);
}

#[test]
fn evidence_of_the_key_is_shown_with_its_dates() {
    let (alice, bob) = acquainted();
    let mut origin = of(&bob, &alice);
    origin.account.as_mut().unwrap().pin.evidence = Evidence {
        record_cid: Some("bafyrecord".into()),
        claim_issued_at: Some(Timestamp(1_700_000_000)),
        anchored: Some(LoggedOperation {
            cid: "bafyoperation".into(),
            created_at: 1_600_000_000_123,
        }),
        ..Evidence::default()
    };
    assert_eq!(at(&origin, Step::Key).at, Some(1_700_000_000_000));
    let record = at(&origin, Step::Record);
    assert_eq!(record.value.as_deref(), Some("bafyrecord"));
    let operation = at(&origin, Step::Operation);
    assert_eq!(operation.finding, Finding::OperationVerified);
    assert_eq!(operation.value.as_deref(), Some("bafyoperation"));
    assert_eq!(operation.at, Some(1_600_000_000_123));
    assert_eq!(operation.outcome, Outcome::Noted);
}
