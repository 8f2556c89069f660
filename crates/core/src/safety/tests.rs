use super::*;
use crate::testing::{Party, acquainted, pin};
use sotto_wire::key::SigningKey;

fn code(of: &Party, id: ConversationId) -> SafetyCode {
    of.db()
        .read_blocking(move |tx| shown(tx, &id))
        .unwrap()
        .code
}

fn confirmed(of: &Party, id: ConversationId) -> bool {
    let shown = of.db().read_blocking(move |tx| shown(tx, &id));
    shown.unwrap().peer.is_confirmed()
}

/// Alice's device takes another key of Bob's for granted.
fn change_key(alice: &Party, bob: &Party) {
    let mut pin = pin(&bob.own);
    pin.key = SigningKey::from_seed(&[3; 32]).public();
    alice.write(move |tx| peers::pin(tx, &pin, 1));
}

#[test]
fn both_devices_show_one_number_and_read_each_others_code() {
    let (alice, bob) = acquainted();
    let id = alice.start(&bob);
    let (hers, his) = (code(&alice, id), code(&bob, id));
    assert_eq!(hers.number().digits(), his.number().digits());
    assert_eq!(hers.compare(&his), Comparison::Match);
    assert_eq!(his.compare(&hers), Comparison::Match);
}

#[test]
fn a_number_confirms_the_key_it_was_made_of_and_no_other() {
    let (alice, bob) = acquainted();
    let id = alice.start(&bob);
    let number = code(&alice, id).number().digits().to_owned();
    let say = |number: String| {
        alice
            .db()
            .write_blocking(move |tx| confirm(tx, &id, &number))
    };
    assert!(matches!(
        say("0".repeat(60)),
        Err(SafetyError::NumberChanged)
    ));
    assert!(!confirmed(&alice, id));
    say(number.clone()).unwrap();
    assert!(confirmed(&alice, id));
    assert!(!confirmed(&bob, id), "each says so alone");
    alice.write(move |tx| unconfirm(tx, &id));
    assert!(!confirmed(&alice, id));
    change_key(&alice, &bob);
    let late = say(number);
    assert!(matches!(late, Err(SafetyError::NumberChanged)));
    assert!(!confirmed(&alice, id));
}

#[test]
fn only_a_match_confirms() {
    let (alice, bob) = acquainted();
    let id = alice.start(&bob);
    let scan = |code: SafetyCode| alice.write(move |tx| compare(tx, &id, &code));
    let (own, his) = (code(&alice, id), code(&bob, id));
    change_key(&alice, &bob);
    assert_eq!(scan(own), Comparison::OwnCode);
    assert_eq!(scan(his), Comparison::PeerKeyDiffers);
    assert!(!confirmed(&alice, id));
    let pin = bob.pin();
    alice.write(move |tx| peers::pin(tx, &pin, 2));
    assert_eq!(scan(his), Comparison::Match);
    assert!(confirmed(&alice, id));
}

#[test]
fn there_is_no_number_without_a_conversation() {
    let (alice, _) = acquainted();
    let id = ConversationId::from_bytes([0; 32]);
    let shown = alice.db().read_blocking(move |tx| shown(tx, &id));
    assert!(matches!(shown, Err(SafetyError::UnknownConversation)));
    let unconfirmed = alice.db().write_blocking(move |tx| unconfirm(tx, &id));
    assert!(matches!(unconfirmed, Err(SafetyError::UnknownConversation)));
}
