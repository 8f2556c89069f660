use crate::db::DbError;
use crate::messages::origin;
use crate::testing::{Party, account, acquainted, settle};

/// The certificate kept with a message of the conversation with `peer`.
fn certificate(message: usize, party: &Party, peer: &Party) -> Option<Vec<u8>> {
    let id = party.messages(peer)[message].id;
    let origin = party.read(move |tx| origin::of(tx, id));
    origin.unwrap().certificate
}

#[test]
fn a_message_keeps_the_certificate_it_came_under() {
    let (mut alice, mut bob) = acquainted();
    let before = Some(alice.own.certificate.clone());
    assert_eq!(certificate(0, &bob, &alice), before);
    assert_eq!(certificate(0, &alice, &bob), before, "the sender's as well");
    // The device is certified anew; what was received stays as it was.
    let newer = account("alice", alice.clock_now()).certificate;
    bob.write(move |tx| {
        let sql = "UPDATE peer_device SET certificate = ?1";
        Ok::<_, DbError>(tx.execute(sql, [newer])?)
    });
    assert_eq!(certificate(0, &bob, &alice), before);
    alice.say(&bob, "again");
    settle(&mut alice, &mut bob);
    assert_eq!(
        certificate(1, &bob, &alice),
        before,
        "of the leaf that sent it"
    );
    assert_eq!(bob.count("SELECT count(*) FROM certificate"), 1);
}

#[test]
fn a_message_of_before_has_none() {
    let (alice, bob) = acquainted();
    bob.write(|tx| {
        let sql = "UPDATE message SET certificate = NULL";
        Ok::<_, DbError>(tx.execute(sql, [])?)
    });
    let id = bob.messages(&alice)[0].id;
    let origin = bob.read(move |tx| origin::of(tx, id)).unwrap();
    assert_eq!((origin.certificate, origin.mine), (None, false));
    assert_eq!(origin.sender, alice.own.did);
    assert!(origin.account.is_some());
    assert!(bob.read(|tx| origin::of(tx, 1)).is_none());
}
