//! Which key packages and Welcomes are taken, and who may speak in a group.

use super::*;

/// Makes a key package with the given lifetime, in seconds from now.
fn package(of: &Party, from: i64, to: i64) -> Vec<u8> {
    let own = of.own.clone();
    of.write(move |tx| -> Result<_, DbError> {
        let now = tx.now().0;
        let provider = Provider::new(tx, Secrets::EachTime);
        let lifetime = Lifetime::init(
            now.saturating_add_signed(from),
            now.saturating_add_signed(to),
        );
        let bundle = KeyPackage::builder()
            .leaf_node_capabilities(capabilities())
            .key_package_lifetime(lifetime)
            .build(
                SUITE,
                &provider,
                &DeviceSigner(&own.device_key),
                credential::own(&own),
            )
            .unwrap();
        Ok(MlsMessageOut::from(bundle).to_bytes().unwrap())
    })
}

fn create(alice: &Party, bob: &Party, key_package: Vec<u8>, certificate: Vec<u8>) -> &'static str {
    let (id, pin) = (alice.start(bob), bob.pin());
    let made = alice.db().write_blocking(move |tx| {
        let device = PeerDevice {
            certificate,
            key_package,
            last_resort: false,
            account: &pin,
        };
        send_group::create(tx, &id, &[device])
    });
    assert_eq!(
        alice.count("SELECT count(*) FROM send_group") == 1,
        made.is_ok(),
        "a refused package leaves nothing behind"
    );
    made.map_or_else(|error| error.code(), |()| "")
}

#[test]
fn key_packages_are_refused_by_every_rule() {
    const DAY: i64 = 86_400;
    let (alice, bob) = pair();
    let own = bob.own.certificate.clone();
    let made = |from, to| create(&alice, &bob, package(&bob, from, to), own.clone());
    assert_eq!(made(-3600, 91 * DAY), "key-package.too-wide");
    assert_eq!(made(-3600, 36_500 * DAY), "key-package.too-wide");
    assert_eq!(made(-2 * DAY, -DAY), "key-package.invalid");
    assert_eq!(made(DAY, 2 * DAY), "key-package.invalid");
    assert_eq!(
        create(&alice, &bob, vec![1, 2, 3], own.clone()),
        "key-package.malformed"
    );

    let mut tampered = bob.key_package();
    let last = tampered.len() - 1;
    tampered[last] ^= 1;
    assert_eq!(
        create(&alice, &bob, tampered, own.clone()),
        "key-package.invalid"
    );

    // Another account's package under Bob's certificate, and the other way round.
    let carol = Party::new("carol", &alice.clock);
    let other = create(&alice, &bob, carol.key_package(), own.clone());
    assert_eq!(other, "key-package.other-certificate");
    let foreign = create(
        &alice,
        &bob,
        carol.key_package(),
        carol.own.certificate.clone(),
    );
    assert_eq!(foreign, "certificate.invalid");

    assert_eq!(made(-3600, 90 * DAY), "");
}

#[test]
fn certificate_must_be_of_the_leafs_own_key() {
    let (alice, bob) = pair();
    // Bob's delegate key certifies another device key than the one in the leaf.
    let mut thief = account("bob", bob.clock.now());
    thief.certificate = bob.own.certificate.clone();
    let mut party = Party::new("bob", &bob.clock);
    party.own = thief.clone();
    party.write(move |tx| crate::db::own::store(tx, &thief));
    let stolen = party.key_package();
    let code = create(&alice, &bob, stolen, bob.own.certificate.clone());
    assert_eq!(code, "key-package.other-key");
}

#[test]
fn expired_certificates_are_refused() {
    let (alice, bob) = pair();
    let key_package = bob.key_package();
    alice.clock.advance_ms(366 * 86_400 * 1000);
    let code = create(&alice, &bob, key_package, bob.own.certificate.clone());
    assert_eq!(code, "certificate.invalid");
}

#[test]
fn joins_are_checked() {
    let (alice, bob) = pair();
    let carol = Party::new("carol", &alice.clock);
    let forged = |own: &OwnAccount, binding: GroupBinding, packages: Vec<Vec<u8>>| {
        let own = own.clone();
        alice
            .write(move |tx| forge(tx, &own, &binding, &packages))
            .welcome
    };
    let honest = binding(&alice, &bob);
    let with = |change: fn(&mut GroupBinding, &Party)| {
        let mut changed = honest.clone();
        change(&mut changed, &carol);
        forged(&alice.own, changed, vec![bob.key_package()])
    };

    let elsewhere = with(|it, carol| it.conversation = ConversationId::of(&it.did, &carol.own.did));
    assert_eq!(
        join(&bob, elsewhere, &alice),
        Err("welcome.other-conversation")
    );
    let other_owner = with(|it, carol| it.did = carol.own.did.clone());
    assert_eq!(join(&bob, other_owner, &alice), Err("welcome.other-owner"));
    let other_device = with(|it, carol| it.device_id = carol.own.device_id);
    assert_eq!(join(&bob, other_device, &alice), Err("welcome.other-owner"));

    // A member of neither account listens in.
    let listener = vec![bob.key_package(), carol.key_package()];
    let listener = forged(&alice.own, honest.clone(), listener);
    assert_eq!(
        join(&bob, listener, &alice),
        Err("certificate.other-account")
    );

    // Certificates that the accounts never signed.
    let mut stranger = account("alice", alice.clock.now());
    stranger.device_id = alice.own.device_id;
    let welcome = forged(&stranger, honest.clone(), vec![bob.key_package()]);
    assert_eq!(join(&bob, welcome, &alice), Err("certificate.invalid"));
    let mut borrowed = stranger.clone();
    borrowed.certificate = alice.own.certificate.clone();
    let welcome = forged(&borrowed, honest.clone(), vec![bob.key_package()]);
    assert_eq!(join(&bob, welcome, &alice), Err("certificate.other-key"));

    // A Welcome for somebody else, and one whose package is used up.
    let welcome = forged(&alice.own, honest.clone(), vec![carol.key_package()]);
    assert_eq!(join(&bob, welcome, &alice), Err("welcome.no-key-package"));
    let welcome = forged(&alice.own, honest.clone(), vec![bob.key_package()]);
    assert!(join(&bob, welcome.clone(), &alice).is_ok());
    assert_eq!(join(&bob, welcome, &alice), Err("welcome.no-key-package"));
}

#[test]
fn only_the_owner_writes() {
    let (alice, bob) = pair();
    let tablet = tablet(&bob);
    let group = group(&alice, &[&bob, &tablet]);
    let own_voice = seal(&bob, &group, b"bob speaks");
    let others = seal(&tablet, &group, b"tablet speaks");
    assert_eq!(open(&bob, &others), Err("message.not-owner"));
    let owners = seal(&alice, &group, b"alice speaks");
    assert_eq!(open(&bob, &owners), Ok(b"alice speaks".to_vec()));
    assert_eq!(open(&bob, &own_voice), Err("message.not-owner"));
}
