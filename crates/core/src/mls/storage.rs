//! What openmls keeps, in one table of the open transaction.
//!
//! Not `openmls_sqlite_storage`: it parses every statement anew (a group takes twelve to load),
//! and it rewrites a group's message secrets for each message. Here statements stay prepared, and
//! a caller that processes many messages of a group may have the secrets written once, at the end
//! ([`Secrets::AtFlush`]). Values are MessagePack with field names: openmls needs a
//! self-describing format, and JSON is four times as large and as slow.

mod table;

use openmls_traits::storage::{CURRENT_VERSION, StorageProvider, traits};
use table::{Kind, NO_ITEM, decode, place};
pub(super) use table::{Secrets, Store, StoreError};

const V: u16 = CURRENT_VERSION;

/// A value that each group has at most one of: writing, reading and deleting it.
macro_rules! of_group {
    ($($kind:ident, $bound:ident: $write:ident, $read:ident, $delete:ident;)*) => {$(
        fn $write<G: traits::GroupId<V>, T: traits::$bound<V>>(
            &self,
            group: &G,
            value: &T,
        ) -> Result<(), StoreError> {
            self.put(Kind::$kind, group, NO_ITEM, value)
        }

        fn $read<G: traits::GroupId<V>, T: traits::$bound<V>>(
            &self,
            group: &G,
        ) -> Result<Option<T>, StoreError> {
            self.get(Kind::$kind, group, NO_ITEM)
        }

        fn $delete<G: traits::GroupId<V>>(&self, group: &G) -> Result<(), StoreError> {
            self.delete(Kind::$kind, group, NO_ITEM)
        }
    )*};
}

/// A value that stands for itself under a key of its own.
macro_rules! of_key {
    ($($kind:ident, $key:ident, $bound:ident: $write:ident, $delete:ident;)*) => {$(
        fn $write<K: traits::$key<V>, T: traits::$bound<V>>(
            &self,
            key: &K,
            value: &T,
        ) -> Result<(), StoreError> {
            self.put(Kind::$kind, key, NO_ITEM, value)
        }

        fn $delete<K: traits::$key<V>>(&self, key: &K) -> Result<(), StoreError> {
            self.delete(Kind::$kind, key, NO_ITEM)
        }
    )*};
}

impl StorageProvider<V> for Store<'_> {
    type Error = StoreError;

    of_group! {
        JoinConfig, MlsGroupJoinConfig:
            write_mls_join_config, mls_group_join_config, delete_group_config;
        Tree, TreeSync: write_tree, tree, delete_tree;
        InterimTranscriptHash, InterimTranscriptHash:
            write_interim_transcript_hash, interim_transcript_hash, delete_interim_transcript_hash;
        Context, GroupContext: write_context, group_context, delete_context;
        ConfirmationTag, ConfirmationTag:
            write_confirmation_tag, confirmation_tag, delete_confirmation_tag;
        ResumptionPsks, ResumptionPskStore: write_resumption_psk_store, resumption_psk_store,
            delete_all_resumption_psk_secrets;
        OwnLeafIndex, LeafNodeIndex: write_own_leaf_index, own_leaf_index, delete_own_leaf_index;
        EpochSecrets, GroupEpochSecrets:
            write_group_epoch_secrets, group_epoch_secrets, delete_group_epoch_secrets;
    }

    of_key! {
        SignatureKeyPair, SignaturePublicKey, SignatureKeyPair:
            write_signature_key_pair, delete_signature_key_pair;
        EncryptionKeyPair, EncryptionKey, HpkeKeyPair:
            write_encryption_key_pair, delete_encryption_key_pair;
        KeyPackage, HashReference, KeyPackage: write_key_package, delete_key_package;
        Psk, PskId, PskBundle: write_psk, delete_psk;
    }

    fn write_message_secrets<G: traits::GroupId<V>, T: traits::MessageSecrets<V>>(
        &self,
        group: &G,
        secrets: &T,
    ) -> Result<(), StoreError> {
        match self.secrets.get() {
            Secrets::EachTime => self.put(Kind::MessageSecrets, group, NO_ITEM, secrets),
            Secrets::AtFlush => Ok(()),
        }
    }

    fn message_secrets<G: traits::GroupId<V>, T: traits::MessageSecrets<V>>(
        &self,
        group: &G,
    ) -> Result<Option<T>, StoreError> {
        self.get(Kind::MessageSecrets, group, NO_ITEM)
    }

    fn delete_message_secrets<G: traits::GroupId<V>>(&self, group: &G) -> Result<(), StoreError> {
        self.delete(Kind::MessageSecrets, group, NO_ITEM)
    }

    fn write_group_state<T: traits::GroupState<V>, G: traits::GroupId<V>>(
        &self,
        group: &G,
        state: &T,
    ) -> Result<(), StoreError> {
        self.put(Kind::GroupState, group, NO_ITEM, state)
    }

    fn group_state<T: traits::GroupState<V>, G: traits::GroupId<V>>(
        &self,
        group: &G,
    ) -> Result<Option<T>, StoreError> {
        self.get(Kind::GroupState, group, NO_ITEM)
    }

    fn delete_group_state<G: traits::GroupId<V>>(&self, group: &G) -> Result<(), StoreError> {
        self.delete(Kind::GroupState, group, NO_ITEM)
    }

    fn append_own_leaf_node<G: traits::GroupId<V>, T: traits::LeafNode<V>>(
        &self,
        group: &G,
        node: &T,
    ) -> Result<(), StoreError> {
        let stored: Vec<(u64, T)> = self.list(Kind::OwnLeafNode, group, place)?;
        let next = stored.last().map_or(0, |(place, _)| place + 1);
        self.put(Kind::OwnLeafNode, group, &next.to_be_bytes(), node)
    }

    fn own_leaf_nodes<G: traits::GroupId<V>, T: traits::LeafNode<V>>(
        &self,
        group: &G,
    ) -> Result<Vec<T>, StoreError> {
        let stored: Vec<(u64, T)> = self.list(Kind::OwnLeafNode, group, place)?;
        Ok(stored.into_iter().map(|(_, node)| node).collect())
    }

    fn delete_own_leaf_nodes<G: traits::GroupId<V>>(&self, group: &G) -> Result<(), StoreError> {
        self.clear(Kind::OwnLeafNode, group)
    }

    fn queue_proposal<
        G: traits::GroupId<V>,
        R: traits::ProposalRef<V>,
        T: traits::QueuedProposal<V>,
    >(
        &self,
        group: &G,
        reference: &R,
        proposal: &T,
    ) -> Result<(), StoreError> {
        self.put(Kind::Proposal, group, &self.key(reference)?, proposal)
    }

    fn queued_proposal_refs<G: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        group: &G,
    ) -> Result<Vec<R>, StoreError> {
        let queued: Vec<(R, serde::de::IgnoredAny)> = self.list(Kind::Proposal, group, decode)?;
        Ok(queued.into_iter().map(|(reference, _)| reference).collect())
    }

    fn queued_proposals<
        G: traits::GroupId<V>,
        R: traits::ProposalRef<V>,
        T: traits::QueuedProposal<V>,
    >(
        &self,
        group: &G,
    ) -> Result<Vec<(R, T)>, StoreError> {
        self.list(Kind::Proposal, group, decode)
    }

    fn remove_proposal<G: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        group: &G,
        reference: &R,
    ) -> Result<(), StoreError> {
        self.delete(Kind::Proposal, group, &self.key(reference)?)
    }

    fn clear_proposal_queue<G: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        group: &G,
    ) -> Result<(), StoreError> {
        self.clear(Kind::Proposal, group)
    }

    fn write_encryption_epoch_key_pairs<
        G: traits::GroupId<V>,
        E: traits::EpochKey<V>,
        T: traits::HpkeKeyPair<V>,
    >(
        &self,
        group: &G,
        epoch: &E,
        leaf: u32,
        pairs: &[T],
    ) -> Result<(), StoreError> {
        self.put(
            Kind::EpochKeyPairs,
            group,
            &self.epoch_key(epoch, leaf)?,
            &pairs,
        )
    }

    fn encryption_epoch_key_pairs<
        G: traits::GroupId<V>,
        E: traits::EpochKey<V>,
        T: traits::HpkeKeyPair<V>,
    >(
        &self,
        group: &G,
        epoch: &E,
        leaf: u32,
    ) -> Result<Vec<T>, StoreError> {
        let pairs = self.get(Kind::EpochKeyPairs, group, &self.epoch_key(epoch, leaf)?)?;
        Ok(pairs.unwrap_or_default())
    }

    fn delete_encryption_epoch_key_pairs<G: traits::GroupId<V>, E: traits::EpochKey<V>>(
        &self,
        group: &G,
        epoch: &E,
        leaf: u32,
    ) -> Result<(), StoreError> {
        self.delete(Kind::EpochKeyPairs, group, &self.epoch_key(epoch, leaf)?)
    }

    fn signature_key_pair<K: traits::SignaturePublicKey<V>, T: traits::SignatureKeyPair<V>>(
        &self,
        key: &K,
    ) -> Result<Option<T>, StoreError> {
        self.get(Kind::SignatureKeyPair, key, NO_ITEM)
    }

    fn encryption_key_pair<T: traits::HpkeKeyPair<V>, K: traits::EncryptionKey<V>>(
        &self,
        key: &K,
    ) -> Result<Option<T>, StoreError> {
        self.get(Kind::EncryptionKeyPair, key, NO_ITEM)
    }

    fn key_package<K: traits::HashReference<V>, T: traits::KeyPackage<V>>(
        &self,
        reference: &K,
    ) -> Result<Option<T>, StoreError> {
        self.get(Kind::KeyPackage, reference, NO_ITEM)
    }

    fn psk<T: traits::PskBundle<V>, K: traits::PskId<V>>(
        &self,
        id: &K,
    ) -> Result<Option<T>, StoreError> {
        self.get(Kind::Psk, id, NO_ITEM)
    }
}
