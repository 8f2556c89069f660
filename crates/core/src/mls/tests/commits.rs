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
    let early = seal(&alice, &id, b"early");
    let commit = commit(&alice, &id);
    let late = seal(&alice, &id, b"late");
    assert_eq!(follow(&bob, commit.clone(), &[]), Ok(2));
    assert_eq!(follow(&bob, commit, &[]), Err("commit.invalid"));
    for (sealed, text) in [(late, b"late".as_slice()), (early, b"early")] {
        assert_eq!(open(&bob, &sealed), Ok(text.to_vec()));
    }
    let honest = by_alice(Twist::Names(b"lent".to_vec()));
    assert_eq!(follow(&bob, honest, &[b"lent"]), Ok(3));
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
        follow(&bob, commit(&alice, &id), &[]).unwrap();
        let before = alice.copy();
        let sealed = seal(&alice, &id, b"said");
        let after = alice.copy();
        assert!(
            opens_as_reader(&before, &sealed),
            "the copy before has the key"
        );
        assert!(!opens_as_reader(&after, &sealed));
        open(&bob, &sealed).unwrap();
    }
}
