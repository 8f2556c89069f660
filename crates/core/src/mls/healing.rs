//! Commits: an owner renews its group and mixes in what only the present devices of the peer know;
//! a member follows (docs/protocol.md §3.8).

use super::provider::{DeviceSigner, Provider};
use super::session::{Session, failure, load};
use super::storage::Secrets;
use super::{HEALING_LABEL, MlsError, SUITE, credential};
use crate::db::WriteTx;
use openmls::group::{ProcessMessageError, StageCommitError};
use openmls::prelude::tls_codec::{DeserializeBytes as _, Serialize as _};
use openmls::prelude::{
    ContentType, LeafNodeIndex, MlsGroup, MlsMessageBodyIn, MlsMessageIn, PreSharedKeyProposal,
    PrivateMessageIn, ProcessedMessageContent, Proposal, ProtocolMessage, Sender, StagedCommit,
};
use openmls::schedule::errors::PskError;
use openmls::schedule::{ExternalPsk, PreSharedKeyId, Psk};
use openmls_traits::OpenMlsProvider as _;
use openmls_traits::storage::StorageProvider as _;
use sotto_wire::key::SigningKey;
use zeroize::Zeroizing;

/// A commit that says which group and epoch it belongs to.
pub(crate) struct Commit {
    private: PrivateMessageIn,
}

impl Commit {
    /// Reads an MLSMessage that must hold a PrivateMessage with a commit.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, MlsError> {
        let message = MlsMessageIn::tls_deserialize_exact_bytes(bytes)
            .map_err(|_| MlsError::Refused("commit.malformed"))?;
        match message.extract() {
            MlsMessageBodyIn::PrivateMessage(private)
                if private.content_type() == ContentType::Commit =>
            {
                Ok(Self { private })
            }
            _ => Err(MlsError::Refused("commit.malformed")),
        }
    }

    pub(crate) fn group_id(&self) -> &[u8] {
        self.private.group_id().as_slice()
    }

    /// The epoch that it ends.
    pub(crate) fn epoch(&self) -> u64 {
        self.private.epoch().as_u64()
    }
}

/// An own commit, in force.
pub(crate) struct Committed {
    /// The epoch that it ended.
    pub(crate) epoch: u64,
    /// MLSMessage.
    pub(crate) bytes: Vec<u8>,
}

impl Session<'_> {
    /// Renews the own leaf of the own send group `group_id` and mixes in a secret of the present
    /// epoch of each of the groups `mix`, which this device reads. The secret of the epoch that ends
    /// is kept for commits of the peer that name it; see [`forget_secret`].
    pub(crate) fn commit(
        &mut self,
        group_id: &[u8],
        key: &SigningKey,
        mix: &[Vec<u8>],
    ) -> Result<Committed, MlsError> {
        let provider = &self.provider;
        let mut mixed = Vec::with_capacity(mix.len());
        for source in mix {
            let source = &load(&mut self.groups, provider, source)?.group;
            mixed.push(keep(provider, source)?);
        }
        let loaded = load(&mut self.groups, provider, group_id)?;
        keep(provider, &loaded.group)?;
        let epoch = loaded.group.epoch().as_u64();
        let bytes = renew(provider, &mut loaded.group, key, &mixed)?;
        loaded.ahead = true;
        for psk in &mixed {
            delete(provider, psk)?;
        }
        Ok(Committed { epoch, bytes })
    }

    /// Follows the owner of a group into the epoch after `commit`, which must end the present one.
    /// `own` is the own send group of the conversation, `retired` those of before: the commit may
    /// name no other. After an error the caller must roll back. Gives the epoch reached.
    pub(crate) fn follow(
        &mut self,
        commit: Commit,
        own: Option<&[u8]>,
        retired: &[Vec<u8>],
    ) -> Result<u64, MlsError> {
        let provider = &self.provider;
        // An epoch that has passed can no longer be exported, so its secret was kept; the present
        // one's is lent for as long as this takes.
        let lent = match own {
            Some(own) => Some(keep(
                provider,
                &load(&mut self.groups, provider, own)?.group,
            )?),
            None => None,
        };
        let loaded = load(&mut self.groups, provider, commit.group_id())?;
        let processed = loaded
            .group
            .process_message(provider, ProtocolMessage::from(commit.private))
            .map_err(|error| unprocessed(provider, &error))?;
        if *processed.sender() != Sender::Member(LeafNodeIndex::new(0)) {
            return Err(MlsError::NotOwner);
        }
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
            return Err(MlsError::Refused("commit.malformed"));
        };
        let named = |group: &[u8]| own == Some(group) || retired.iter().any(|it| it == group);
        check(&loaded.group, &staged, named)?;
        loaded
            .group
            .merge_staged_commit(provider, *staged)
            .map_err(|_| failure(provider.storage(), "commit.invalid"))?;
        loaded.ahead = true;
        let epoch = loaded.group.epoch().as_u64();
        if let Some(psk) = lent {
            delete(provider, &psk)?;
        }
        Ok(epoch)
    }
}

/// Forgets the secret of a past epoch of an own send group.
pub(crate) fn forget_secret(tx: &WriteTx<'_>, group_id: &[u8], epoch: u64) -> Result<(), MlsError> {
    let provider = Provider::new(tx, Secrets::EachTime);
    delete(&provider, &name(epoch, group_id))
}

/// Stores the secret of the present epoch of a group where commits look for it.
pub(super) fn keep(provider: &Provider<'_>, group: &MlsGroup) -> Result<Psk, MlsError> {
    let secret = group
        .export_secret(provider.crypto(), HEALING_LABEL, &[], 32)
        .map_err(|_| MlsError::Refused("commit.export"))?;
    let secret = Zeroizing::new(secret);
    let psk = name(group.epoch().as_u64(), group.group_id().as_slice());
    identified(provider, psk.clone())?
        .store(provider, &secret)
        .map_err(|_| failure(provider.storage(), "commit.export"))?;
    Ok(psk)
}

fn delete(provider: &Provider<'_>, psk: &Psk) -> Result<(), MlsError> {
    let deleted = provider.storage().delete_psk(psk);
    deleted.map_err(|_| failure(provider.storage(), "commit.export"))
}

/// `psk_id` = epoch ‖ group id.
fn name(epoch: u64, group_id: &[u8]) -> Psk {
    let mut id = epoch.to_be_bytes().to_vec();
    id.extend_from_slice(group_id);
    Psk::External(ExternalPsk::new(id))
}

fn identified(provider: &Provider<'_>, psk: Psk) -> Result<PreSharedKeyId, MlsError> {
    PreSharedKeyId::new(SUITE, provider.rand(), psk).map_err(|_| MlsError::Refused("commit.random"))
}

/// Makes the commit and puts it into force at once: nobody else commits in this group, so there is
/// nothing to wait for, and no pending commit that a crash could leave behind.
fn renew(
    provider: &Provider<'_>,
    group: &mut MlsGroup,
    key: &SigningKey,
    mixed: &[Psk],
) -> Result<Vec<u8>, MlsError> {
    let failed = || failure(provider.storage(), "commit.make");
    let proposals = mixed
        .iter()
        .map(|psk| {
            let psk = PreSharedKeyProposal::new(identified(provider, psk.clone())?);
            Ok(Proposal::PreSharedKey(Box::new(psk)))
        })
        .collect::<Result<Vec<_>, MlsError>>()?;
    let bundle = group
        .commit_builder()
        .consume_proposal_store(false)
        .force_self_update(true)
        .add_proposals(proposals)
        .load_psks(provider.storage())
        .map_err(|_| failed())?
        .create_group_info(false)
        .use_ratchet_tree_extension(false)
        .build(
            provider.rand(),
            provider.crypto(),
            &DeviceSigner(key),
            |_| true,
        )
        .map_err(|_| failed())?
        .stage_commit(provider)
        .map_err(|_| failed())?;
    let bytes = bundle
        .into_commit()
        .to_bytes()
        .map_err(|_| MlsError::Refused("commit.make"))?;
    group.merge_pending_commit(provider).map_err(|_| failed())?;
    Ok(bytes)
}

fn unprocessed<E>(provider: &Provider<'_>, error: &ProcessMessageError<E>) -> MlsError {
    let refused = failure(provider.storage(), "commit.invalid");
    match (refused, error) {
        (MlsError::Db(error), _) => MlsError::Db(error),
        // It names a secret that this device does not have: none of that name, or another one.
        (
            _,
            ProcessMessageError::InvalidCommit(
                StageCommitError::PskError(PskError::KeyNotFound)
                | StageCommitError::ConfirmationTagMismatch,
            ),
        ) => MlsError::Ahead,
        (refused, _) => refused,
    }
}

/// A commit renews the path of the owner, who stays the same device, and names secrets of the groups
/// that it may; it does nothing else.
fn check(
    group: &MlsGroup,
    staged: &StagedCommit,
    named: impl Fn(&[u8]) -> bool,
) -> Result<(), MlsError> {
    for queued in staged.queued_proposals() {
        let Proposal::PreSharedKey(proposal) = queued.proposal() else {
            return Err(MlsError::Refused("commit.proposal"));
        };
        if !group_named(proposal).is_some_and(|group| named(&group)) {
            return Err(MlsError::Refused("commit.secret"));
        }
    }
    let renewed = staged
        .update_path_leaf_node()
        .ok_or(MlsError::Refused("commit.no-path"))?;
    let owner = group
        .member_at(LeafNodeIndex::new(0))
        .ok_or(MlsError::Refused("commit.invalid"))?;
    let same = credential::identity(renewed.credential())?
        == credential::identity(&owner.credential)?
        && renewed.signature_key().as_slice() == owner.signature_key;
    if same {
        Ok(())
    } else {
        Err(MlsError::Refused("commit.other-owner"))
    }
}

/// The group whose secret a proposal names. openmls does not say; the encoding does.
fn group_named(proposal: &PreSharedKeyProposal) -> Option<Vec<u8>> {
    let encoded = proposal.tls_serialize_detached().ok()?;
    let named = PreSharedKeyId::tls_deserialize_exact_bytes(&encoded).ok()?;
    match named.psk() {
        Psk::External(external) => external.psk_id().get(8..).map(<[u8]>::to_vec),
        Psk::Resumption(_) => None,
    }
}
