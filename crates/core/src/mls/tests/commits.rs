//! Commits that a member must not follow (docs/protocol.md §3.8).

use super::*;
use crate::mls::{Commit, Message};
use openmls::prelude::{
    BasicCredential, CredentialWithKey, LeafNodeIndex, LeafNodeParameters, PreSharedKeyProposal,
    Proposal,
};
use openmls::schedule::{ExternalPsk, PreSharedKeyId, Psk};

/// What a commit does beside, or instead of, what it should.
enum Twist {
    None,
    Adds(Vec<u8>),
    Removes(u32),
    WithoutPath,
    OtherIdentity(Vec<u8>),
    /// Names a secret of this group.
    Names(Vec<u8>),
}

/// Made and not put into force, so that each comes in the same epoch.
fn twisted(by: &Party, group: &[u8], twist: Twist) -> Vec<u8> {
    let (own, group) = (by.own.clone(), GroupId::from_slice(group));
    by.write(move |tx| {
        let provider = Provider::new(tx, Secrets::EachTime);
        let mut group = MlsGroup::load(provider.storage(), &group).unwrap().unwrap();
        let signer = DeviceSigner(&own.device_key);
        let path = !matches!(twist, Twist::WithoutPath);
        let builder = group.commit_builder().force_self_update(path);
        let builder = match twist {
            Twist::None => builder,
            Twist::Adds(package) => {
                let package = key_packages::parse(&provider, &package, tx.now()).unwrap();
                builder.propose_adds([package])
            }
            Twist::Removes(leaf) => builder.propose_removals([LeafNodeIndex::new(leaf)]),
            Twist::WithoutPath => builder.add_proposal(psk(&provider, b"lent")),
            Twist::Names(name) => builder.add_proposal(psk(&provider, &name)),
            Twist::OtherIdentity(identity) => {
                let credential = CredentialWithKey {
                    credential: BasicCredential::new(identity).into(),
                    signature_key: own.device_key.public().as_bytes().to_vec().into(),
                };
                let leaf = LeafNodeParameters::builder();
                builder.leaf_node_parameters(leaf.with_credential_with_key(credential).build())
            }
        };
        let bundle = builder
            .load_psks(provider.storage())
            .unwrap()
            .build(provider.rand(), provider.crypto(), &signer, |_| true)
            .unwrap()
            .stage_commit(&provider)
            .unwrap();
        let bytes = bundle.into_commit().to_bytes().unwrap();
        group.clear_pending_commit(provider.storage()).unwrap();
        Ok::<_, DbError>(bytes)
    })
}

/// A secret that both have, under the name of epoch 1 of a group.
fn psk(provider: &Provider<'_>, group: &[u8]) -> Proposal {
    let mut id = 1u64.to_be_bytes().to_vec();
    id.extend_from_slice(group);
    let id = Psk::External(ExternalPsk::new(id));
    let id = PreSharedKeyId::new(SUITE, provider.rand(), id).unwrap();
    id.store(provider, &[9; 32]).unwrap();
    Proposal::PreSharedKey(Box::new(PreSharedKeyProposal::new(id)))
}

/// Bob follows, and what he says about it; undone where it fails, as the engine does.
fn follow(bob: &Party, commit: Vec<u8>, retired: &[&[u8]]) -> Result<u64, &'static str> {
    let retired: Vec<Vec<u8>> = retired.iter().map(|it| it.to_vec()).collect();
    let followed = bob.db().write_blocking(move |tx| {
        let provider = Provider::new(tx, Secrets::EachTime);
        for group in [b"lent".as_slice(), b"other"] {
            psk(&provider, group);
        }
        Session::storing_each_time(tx).follow(Commit::parse(&commit)?, None, &retired)
    });
    followed.map_err(|error: MlsError| error.code())
}

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

#[test]
fn bad_commits_are_refused_and_harm_nothing() {
    let (alice, bob) = pair();
    let tablet = tablet(&bob);
    let carol = Party::new("carol", &alice.clock);
    let id = group(&alice, &[&bob, &tablet]);
    let by_alice = |twist| twisted(&alice, &id, twist);

    let others = twisted(&tablet, &id, Twist::None);
    assert_eq!(follow(&bob, others, &[]), Err("message.not-owner"));
    let adds = by_alice(Twist::Adds(carol.key_package()));
    assert_eq!(follow(&bob, adds, &[]), Err("commit.proposal"));
    let removes = by_alice(Twist::Removes(2));
    assert_eq!(follow(&bob, removes, &[]), Err("commit.proposal"));
    let removes_bob = by_alice(Twist::Removes(1));
    assert_eq!(follow(&bob, removes_bob, &[]), Err("commit.proposal"));
    let without_path = by_alice(Twist::WithoutPath);
    assert_eq!(
        follow(&bob, without_path, &[b"lent"]),
        Err("commit.no-path")
    );
    let identity = by_alice(Twist::OtherIdentity(carol.own.certificate.clone()));
    assert_eq!(follow(&bob, identity, &[]), Err("commit.other-owner"));
    let others = by_alice(Twist::Names(b"other".to_vec()));
    assert_eq!(follow(&bob, others, &[b"lent"]), Err("commit.secret"));
    let unknown = by_alice(Twist::Names(b"unknown".to_vec()));
    assert_eq!(follow(&bob, unknown, &[b"unknown"]), Err("message.ahead"));

    // What is good is followed all the same, and messages of both epochs are read.
    let (group, key) = (id.clone(), alice.own.device_key.clone());
    let (early, commit, late) = alice.write(move |tx| {
        let mut session = Session::storing_each_time(tx);
        let early = session.seal(&group, &key, b"early")?;
        let made = session.commit(&group, &key, &[])?;
        Ok::<_, MlsError>((early, made.bytes, session.seal(&group, &key, b"late")?))
    });
    assert_eq!(follow(&bob, commit.clone(), &[]), Ok(2));
    assert_eq!(follow(&bob, commit, &[]), Err("commit.invalid"));
    for sealed in [late, early] {
        bob.write(move |tx| Session::storing_each_time(tx).open(Message::parse(&sealed)?));
    }
    let honest = by_alice(Twist::Names(b"lent".to_vec()));
    assert_eq!(follow(&bob, honest, &[b"lent"]), Ok(3));
}

#[test]
fn what_is_put_off_until_the_flush_includes_commits() {
    let (alice, bob) = pair();
    let id = group(&alice, &[&bob]);
    let (group, key) = (id.clone(), alice.own.device_key.clone());
    let made = alice.write(move |tx| {
        let mut session = Session::storing_at_flush(tx);
        let mut made = Vec::new();
        for n in 0..8u8 {
            let commit = session.commit(&group, &key, &[])?.bytes;
            made.push((commit, session.seal(&group, &key, &[n])?));
        }
        session.flush()?;
        Ok::<_, MlsError>(made)
    });
    let own = epoch_of_party(&alice, &id);
    let followed = bob.write(move |tx| {
        let mut session = Session::storing_at_flush(tx);
        // The last five epochs but one are read after the last commit: nothing that was overtaken is lost.
        for (commit, _) in &made {
            session.follow(Commit::parse(commit)?, None, &[])?;
        }
        session.flush()?;
        let mut later = Session::storing_each_time(tx);
        let read = made
            .iter()
            .map(|(_, message)| Ok(later.open(Message::parse(message)?).is_ok()))
            .collect::<Result<Vec<bool>, MlsError>>()?;
        Ok::<_, MlsError>(read)
    });
    let mut expected = vec![false; 8];
    expected[2..].fill(true);
    assert_eq!(followed, expected, "the present epoch and five before it");
    assert_eq!(epoch_of_party(&bob, &id), own);
    // The secrets of the epochs that ended are there, and only those.
    let stored = alice.count("SELECT count(*) FROM openmls_psks");
    assert_eq!(stored, 8);
    let group = id.clone();
    alice.write(move |tx| {
        for epoch in 1..9 {
            crate::mls::forget_secret(tx, &group, epoch)?;
        }
        Ok::<_, MlsError>(())
    });
    assert_eq!(alice.count("SELECT count(*) FROM openmls_psks"), 0);
}

fn epoch_of_party(of: &Party, group: &[u8]) -> (u64, Vec<u8>) {
    let group = group.to_vec();
    of.write(move |tx| Ok::<_, DbError>(epoch_of(tx, &group)))
}

/// Whether somebody with this copy of the owner's state, playing the reader, can open a message.
fn opens_as_reader(copy: &Party, message: &[u8]) -> bool {
    const OWN_LEAF: &[u8] = b"\xa9own_index\x00";
    let message = message.to_vec();
    let opened = copy.db().write_blocking(move |tx| {
        let sql = "SELECT group_data FROM openmls_group_data WHERE data_type = 'message_secrets'";
        let mut secrets: Vec<u8> = tx.query_row(sql, [], |row| row.get(0))?;
        while let Some(at) = secrets
            .windows(OWN_LEAF.len())
            .position(|it| it == OWN_LEAF)
        {
            secrets[at + OWN_LEAF.len() - 1] = 1;
        }
        tx.execute(
            "UPDATE openmls_group_data SET group_data = CASE data_type
               WHEN 'message_secrets' THEN ?1 WHEN 'own_leaf_index' THEN x'01' ELSE group_data END",
            [secrets],
        )?;
        Session::storing_each_time(tx)
            .open(Message::parse(&message)?)
            .map(drop)
    });
    opened.is_ok()
}

#[test]
fn what_was_sealed_is_closed_to_a_copy_of_its_sender() {
    let (alice, bob) = pair();
    let id = group(&alice, &[&bob]);
    for _ in 0..3 {
        let (own, key) = (id.clone(), alice.own.device_key.clone());
        let made = alice.write(move |tx| Session::storing_each_time(tx).commit(&own, &key, &[]));
        follow(&bob, made.bytes, &[]).unwrap();
        let before = alice.copy();
        let (own, key) = (id.clone(), alice.own.device_key.clone());
        let sealed =
            alice.write(move |tx| Session::storing_each_time(tx).seal(&own, &key, b"said"));
        let after = alice.copy();
        assert!(
            opens_as_reader(&before, &sealed),
            "the copy before has the key"
        );
        assert!(!opens_as_reader(&after, &sealed));
        let read = sealed.clone();
        bob.write(move |tx| Session::storing_each_time(tx).open(Message::parse(&read)?));
    }
}
