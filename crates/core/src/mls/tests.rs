//! What openmls has to be told to refuse, and what it has to do inside our transactions.

mod commits;

use super::provider::{DeviceSigner, Provider};
use super::storage::Secrets;
use super::{Accounts, Message, MlsError, PeerDevice, SUITE, Session, capabilities, credential};
use super::{key_packages, send_group};
use crate::db::{DbError, OwnAccount, WriteTx};
use crate::testing::{Party, TestClock, account, acquainted, pin, settle};
use openmls::prelude::{GroupId, KeyPackage, Lifetime, MlsGroup, MlsMessageOut};
use openmls_traits::OpenMlsProvider as _;
use sotto_wire::conversation::{ConversationId, GroupBinding};
use sotto_wire::time::Clock;

/// A group that nobody should join: made by `own` as it is, saying what `binding` says.
pub(crate) struct Forged {
    pub(crate) group_id: Vec<u8>,
    pub(crate) welcome: Vec<u8>,
    pub(crate) first_contact_key: [u8; 32],
}

pub(crate) fn forge(
    tx: &WriteTx<'_>,
    own: &OwnAccount,
    binding: &GroupBinding,
    key_packages: &[Vec<u8>],
) -> Result<Forged, MlsError> {
    let provider = Provider::new(tx, Secrets::EachTime);
    let packages = key_packages
        .iter()
        .map(|bytes| key_packages::parse(&provider, bytes, tx.now()).unwrap())
        .collect();
    let created = send_group::build(tx, &provider, own, binding, packages)?;
    Ok(Forged {
        group_id: created.group_id,
        welcome: created.welcome,
        first_contact_key: created.first_contact_key.as_slice().try_into().unwrap(),
    })
}

/// A value that is another one in every epoch of every group, also where two epochs have one number.
pub(crate) fn epoch_of(tx: &WriteTx<'_>, group_id: &[u8]) -> (u64, Vec<u8>) {
    let provider = Provider::new(tx, Secrets::EachTime);
    let group = MlsGroup::load(provider.storage(), &GroupId::from_slice(group_id))
        .unwrap()
        .unwrap();
    let authenticator = group.epoch_authenticator().as_slice().to_vec();
    (group.epoch().as_u64(), authenticator)
}

fn pair() -> (Party, Party) {
    let clock = TestClock::new();
    (Party::new("alice", &clock), Party::new("bob", &clock))
}

fn binding(of: &Party, with: &Party) -> GroupBinding {
    GroupBinding {
        conversation: ConversationId::of(&of.own.did, &with.own.did),
        did: of.own.did.clone(),
        device_id: of.own.device_id,
    }
}

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

/// Bob joins, and what he says about it.
fn join(bob: &Party, welcome: Vec<u8>, from: &Party) -> Result<Vec<u8>, &'static str> {
    let (own, peer) = (bob.own.clone(), pin(&from.own));
    let joined = bob.db().write_blocking(move |tx| {
        let mut session = Session::storing_each_time(tx);
        let accounts = Accounts {
            own: &own,
            peer: &peer,
            held: &[],
            now: tx.now(),
        };
        session
            .join(&welcome, &accounts)
            .map(|joined| joined.group_id)
    });
    joined.map_err(|error: MlsError| error.code())
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
    // A second device of Bob's account reads along.
    let mut second = account("bob", bob.clock.now());
    second.delegate_key = bob.own.delegate_key.clone();
    second.certificate = sotto_wire::device::DeviceCertificate {
        did: second.did.clone(),
        device_id: second.device_id,
        device_key: second.device_key.public(),
        issued_at: bob.clock.now(),
        expires_at: bob.clock.now().plus(86_400),
    }
    .sign(&second.delegate_key);
    let mut tablet = Party::new("bob", &bob.clock);
    tablet.own = second.clone();
    tablet.write(move |tx| crate::db::own::store(tx, &second));

    let (own, bound) = (alice.own.clone(), binding(&alice, &bob));
    let packages = vec![bob.key_package(), tablet.key_package()];
    let forged = alice.write(move |tx| forge(tx, &own, &bound, &packages));
    for device in [&bob, &tablet] {
        join(device, forged.welcome.clone(), &alice).unwrap();
    }
    let said = |by: &Party, text: &'static [u8]| {
        let (id, key) = (forged.group_id.clone(), by.own.device_key.clone());
        by.write(move |tx| Session::storing_each_time(tx).seal(&id, &key, text))
    };
    let heard = |bytes: Vec<u8>| {
        let opened = bob
            .db()
            .write_blocking(move |tx| Session::storing_each_time(tx).open(Message::parse(&bytes)?));
        opened
            .map(|opened| opened.payload)
            .map_err(|error: MlsError| error.code())
    };
    let own_voice = said(&bob, b"bob speaks");
    assert_eq!(
        heard(said(&tablet, b"tablet speaks")),
        Err("message.not-owner")
    );
    assert_eq!(
        heard(said(&alice, b"alice speaks")),
        Ok(b"alice speaks".to_vec())
    );
    assert_eq!(heard(own_voice), Err("message.not-owner"));
}

#[test]
fn a_flush_stores_what_many_messages_changed() {
    let (alice, bob) = pair();
    let (own, bound) = (alice.own.clone(), binding(&alice, &bob));
    let packages = vec![bob.key_package()];
    let forged = alice.write(move |tx| forge(tx, &own, &bound, &packages));
    join(&bob, forged.welcome, &alice).unwrap();
    let (id, key) = (forged.group_id, alice.own.device_key.clone());
    let sealed = alice.write(move |tx| {
        let mut session = Session::storing_at_flush(tx);
        let sealed = (0..10u8)
            .map(|n| session.seal(&id, &key, &[n]))
            .collect::<Result<Vec<_>, _>>()?;
        session.flush()?;
        Ok::<_, MlsError>(sealed)
    });
    let distinct: std::collections::HashSet<_> = sealed.iter().collect();
    assert_eq!(distinct.len(), 10);
    let opened = bob.write(move |tx| {
        let mut session = Session::storing_at_flush(tx);
        let mut opened = Vec::new();
        for bytes in &sealed {
            opened.push(session.open(Message::parse(bytes)?)?.payload);
        }
        session.flush()?;
        // What was flushed is what a new session finds: everything is used up.
        let mut later = Session::storing_each_time(tx);
        for bytes in &sealed {
            assert!(later.open(Message::parse(bytes)?).is_err());
        }
        Ok::<_, MlsError>(opened)
    });
    assert_eq!(opened, (0..10u8).map(|n| vec![n]).collect::<Vec<_>>());
}

#[test]
fn stored_state_keeps_its_format() {
    // A change of the codec is a migration.
    let (alice, bob) = pair();
    alice.contact(&bob);
    let stored: (String, i64) = alice.read(|tx| {
        let sql = "SELECT hex(group_data), provider_version FROM openmls_group_data
                   WHERE data_type = 'own_leaf_index'";
        Ok(tx.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
    });
    assert_eq!(stored, ("00".to_owned(), 1));
}

/// Puts the state of MLS back where the first schema had it.
const AS_IN_SCHEMA_1: &str = "
    CREATE TABLE mls_state (
      id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, owner BLOB NOT NULL, item BLOB NOT NULL,
      value BLOB NOT NULL, UNIQUE (owner, kind, item)) STRICT;
    INSERT INTO mls_state (kind, owner, item, value)
    SELECT CASE data_type
        WHEN 'join_group_config' THEN 1 WHEN 'tree' THEN 4 WHEN 'interim_transcript_hash' THEN 5
        WHEN 'context' THEN 6 WHEN 'confirmation_tag' THEN 7 WHEN 'group_state' THEN 8
        WHEN 'message_secrets' THEN 9 WHEN 'resumption_psk_store' THEN 10
        WHEN 'own_leaf_index' THEN 11 WHEN 'group_epoch_secrets' THEN 12 END,
      group_id, x'', group_data FROM openmls_group_data;
    INSERT INTO mls_state (kind, owner, item, value)
    SELECT 15, group_id,
      unhex(hex(epoch_id) || CASE leaf_index WHEN 0 THEN '00000000' WHEN 1 THEN '00000001' END),
      key_pairs FROM openmls_epoch_keys_pairs;
    INSERT INTO mls_state (kind, owner, item, value)
    SELECT 16, key_package_ref, x'', key_package FROM openmls_key_packages;
    INSERT INTO mls_state (kind, owner, item, value)
    SELECT 14, public_key, x'', key_pair FROM openmls_encryption_keys;
    DELETE FROM openmls_group_data; DELETE FROM openmls_epoch_keys_pairs;
    DELETE FROM openmls_key_packages; DELETE FROM openmls_encryption_keys;";

#[test]
fn state_of_the_first_schema_is_taken_over() {
    let (mut alice, mut bob) = acquainted();
    // A key package that is still to be used, and a group that is still to be joined.
    let clock = std::sync::Arc::clone(&alice.clock);
    let mut carol = Party::new("carol", &clock);
    let package = bob.key_package();
    for party in [&mut alice, &mut bob] {
        party.write(|tx| {
            tx.execute_batch(AS_IN_SCHEMA_1)?;
            let migration = include_str!("../db/schema/002_openmls_storage.sql");
            Ok::<_, DbError>(tx.execute_batch(migration)?)
        });
        party.reopen();
    }
    carol.contact_with(&bob, package);
    carol.say(&bob, "from carol");
    alice.say(&bob, "from alice");
    bob.say(&alice, "from bob");
    settle(&mut alice, &mut bob);
    settle(&mut carol, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "from bob", "from alice"]);
    assert_eq!(alice.texts(&bob), ["hello", "from alice", "from bob"]);
    assert_eq!(bob.texts(&carol), ["from carol"]);
}
