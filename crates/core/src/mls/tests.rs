//! What openmls has to be told to refuse, and what it has to do inside our transactions.

mod admission;
mod commits;
mod flushing;
mod stored;

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

/// A group of Alice that these devices have joined.
fn group(alice: &Party, members: &[&Party]) -> Vec<u8> {
    let (own, bound) = (alice.own.clone(), binding(alice, members[0]));
    let packages: Vec<_> = members.iter().map(|it| it.key_package()).collect();
    let forged = alice.write(move |tx| forge(tx, &own, &bound, &packages));
    for member in members {
        join(member, forged.welcome.clone(), alice).unwrap();
    }
    forged.group_id
}

/// A second device of Bob's account.
fn tablet(bob: &Party) -> Party {
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
    tablet
}

fn seal(by: &Party, group: &[u8], payload: &'static [u8]) -> Vec<u8> {
    let (group, key) = (group.to_vec(), by.own.device_key.clone());
    by.write(move |tx| Session::storing_each_time(tx).seal(&group, &key, payload))
}

fn commit(by: &Party, group: &[u8]) -> Vec<u8> {
    let (group, key) = (group.to_vec(), by.own.device_key.clone());
    by.write(move |tx| Session::storing_each_time(tx).commit(&group, &key, &[]))
        .bytes
}

/// What one reads, and what it says about a message that it does not.
fn open(by: &Party, message: &[u8]) -> Result<Vec<u8>, &'static str> {
    let message = message.to_vec();
    let opened = by
        .db()
        .write_blocking(move |tx| Session::storing_each_time(tx).open(Message::parse(&message)?));
    opened
        .map(|opened| opened.payload)
        .map_err(|error: MlsError| error.code())
}

fn epoch_of_party(of: &Party, group: &[u8]) -> (u64, Vec<u8>) {
    let group = group.to_vec();
    of.write(move |tx| Ok::<_, DbError>(epoch_of(tx, &group)))
}
