//! What openmls keeps: `openmls_sqlite_storage` on the open transaction, with two additions.
//!
//! - openmls folds a failed write into errors that say nothing of the database, so the failure is
//!   noted on its way through: a full disk must not be taken for a bad message.
//! - A group's message secrets (two kilobytes) are written anew for each message. A caller that
//!   processes many of one group may have them written once, at the end ([`Secrets::AtFlush`]).

use crate::db::DbError;
use openmls_sqlite_storage::{Codec, SqliteStorageProvider};
use openmls_traits::storage::{CURRENT_VERSION, StorageProvider, traits};
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};

const V: u16 = CURRENT_VERSION;

/// When a group's message secrets are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrets {
    /// With every message.
    EachTime,
    /// Not until they are asked for; see `Session::flush`.
    AtFlush,
}

/// A value could not be stored or read; [`Store::take_failure`] says why.
#[derive(Debug, thiserror::Error)]
#[error("MLS state could not be stored or read")]
pub(super) struct StoreError;

/// MessagePack with field names: openmls needs a self-describing format, and JSON is four times as
/// large and as slow.
#[derive(Default)]
pub(super) struct MessagePack;

impl Codec for MessagePack {
    type Error = std::io::Error;

    fn to_vec<T: Serialize>(value: &T) -> Result<Vec<u8>, Self::Error> {
        rmp_serde::to_vec_named(value).map_err(std::io::Error::other)
    }

    fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Self::Error> {
        rmp_serde::from_slice(bytes).map_err(std::io::Error::other)
    }
}

/// Makes the library's tables, or brings them up to date.
///
/// # Errors
/// [`DbError::Newer`] where a newer version of the library made them; what SQLite reports.
pub(crate) fn create_tables(connection: &mut Connection) -> Result<(), DbError> {
    let mut library = SqliteStorageProvider::<MessagePack, _>::new(connection);
    library.run_migrations().map_err(|error| {
        let mut source = Some(&error as &(dyn std::error::Error + 'static));
        while let Some(cause) = source {
            if let Some(sqlite) = cause.downcast_ref::<rusqlite::Error>() {
                return DbError::named(sqlite).unwrap_or(DbError::Corrupt);
            }
            source = cause.source();
        }
        DbError::Newer
    })
}

/// openmls's storage on a borrowed connection.
pub(super) struct Store<'t> {
    library: SqliteStorageProvider<MessagePack, &'t Connection>,
    secrets: Cell<Secrets>,
    failure: RefCell<Option<DbError>>,
}

impl<'t> Store<'t> {
    pub(super) fn new(connection: &'t Connection, secrets: Secrets) -> Self {
        Self {
            library: SqliteStorageProvider::new(connection),
            secrets: Cell::new(secrets),
            failure: RefCell::new(None),
        }
    }

    /// Runs `f` with message secrets written whatever the mode.
    pub(super) fn writing_secrets<T>(&self, f: impl FnOnce() -> T) -> T {
        let before = self.secrets.replace(Secrets::EachTime);
        let outcome = f();
        self.secrets.set(before);
        outcome
    }

    /// The failure of the database behind the last error of openmls, if that is what it was.
    pub(super) fn take_failure(&self) -> Option<DbError> {
        self.failure.borrow_mut().take()
    }

    fn noting<T>(&self, outcome: rusqlite::Result<T>) -> Result<T, StoreError> {
        outcome.map_err(|failure| {
            *self.failure.borrow_mut() = Some(match failure {
                rusqlite::Error::ToSqlConversionFailure(_)
                | rusqlite::Error::FromSqlConversionFailure(..) => DbError::Stored("MLS state"),
                other => other.into(),
            });
            StoreError
        })
    }
}

/// Hands each call on to the library and notes its failure.
macro_rules! noted {
    ($(fn $name:ident<$($G:ident: $bound:ident),*>($($arg:ident: $of:ty),*) $(-> $out:ty)?;)*) => {$(
        fn $name<$($G: traits::$bound<V>),*>(
            &self,
            $($arg: $of),*
        ) -> Result<noted!(@ $($out)?), StoreError> {
            self.noting(self.library.$name::<$($G),*>($($arg),*))
        }
    )*};
    (@) => { () };
    (@ $out:ty) => { $out };
}

impl StorageProvider<V> for Store<'_> {
    type Error = StoreError;

    fn write_message_secrets<G: traits::GroupId<V>, T: traits::MessageSecrets<V>>(
        &self,
        group: &G,
        secrets: &T,
    ) -> Result<(), StoreError> {
        match self.secrets.get() {
            Secrets::EachTime => self.noting(self.library.write_message_secrets(group, secrets)),
            Secrets::AtFlush => Ok(()),
        }
    }

    noted! {
        fn message_secrets<G: GroupId, T: MessageSecrets>(group: &G) -> Option<T>;
        fn delete_message_secrets<G: GroupId>(group: &G);

        fn write_mls_join_config<G: GroupId, T: MlsGroupJoinConfig>(group: &G, value: &T);
        fn mls_group_join_config<G: GroupId, T: MlsGroupJoinConfig>(group: &G) -> Option<T>;
        fn delete_group_config<G: GroupId>(group: &G);

        fn write_tree<G: GroupId, T: TreeSync>(group: &G, value: &T);
        fn tree<G: GroupId, T: TreeSync>(group: &G) -> Option<T>;
        fn delete_tree<G: GroupId>(group: &G);

        fn write_interim_transcript_hash<G: GroupId, T: InterimTranscriptHash>(group: &G, value: &T);
        fn interim_transcript_hash<G: GroupId, T: InterimTranscriptHash>(group: &G) -> Option<T>;
        fn delete_interim_transcript_hash<G: GroupId>(group: &G);

        fn write_context<G: GroupId, T: GroupContext>(group: &G, value: &T);
        fn group_context<G: GroupId, T: GroupContext>(group: &G) -> Option<T>;
        fn delete_context<G: GroupId>(group: &G);

        fn write_confirmation_tag<G: GroupId, T: ConfirmationTag>(group: &G, value: &T);
        fn confirmation_tag<G: GroupId, T: ConfirmationTag>(group: &G) -> Option<T>;
        fn delete_confirmation_tag<G: GroupId>(group: &G);

        fn write_group_state<T: GroupState, G: GroupId>(group: &G, value: &T);
        fn group_state<T: GroupState, G: GroupId>(group: &G) -> Option<T>;
        fn delete_group_state<G: GroupId>(group: &G);

        fn write_resumption_psk_store<G: GroupId, T: ResumptionPskStore>(group: &G, value: &T);
        fn resumption_psk_store<G: GroupId, T: ResumptionPskStore>(group: &G) -> Option<T>;
        fn delete_all_resumption_psk_secrets<G: GroupId>(group: &G);

        fn write_own_leaf_index<G: GroupId, T: LeafNodeIndex>(group: &G, value: &T);
        fn own_leaf_index<G: GroupId, T: LeafNodeIndex>(group: &G) -> Option<T>;
        fn delete_own_leaf_index<G: GroupId>(group: &G);

        fn write_group_epoch_secrets<G: GroupId, T: GroupEpochSecrets>(group: &G, value: &T);
        fn group_epoch_secrets<G: GroupId, T: GroupEpochSecrets>(group: &G) -> Option<T>;
        fn delete_group_epoch_secrets<G: GroupId>(group: &G);

        fn append_own_leaf_node<G: GroupId, T: LeafNode>(group: &G, node: &T);
        fn own_leaf_nodes<G: GroupId, T: LeafNode>(group: &G) -> Vec<T>;
        fn delete_own_leaf_nodes<G: GroupId>(group: &G);

        fn queue_proposal<G: GroupId, R: ProposalRef, T: QueuedProposal>(
            group: &G, reference: &R, proposal: &T
        );
        fn queued_proposal_refs<G: GroupId, R: ProposalRef>(group: &G) -> Vec<R>;
        fn queued_proposals<G: GroupId, R: ProposalRef, T: QueuedProposal>(
            group: &G
        ) -> Vec<(R, T)>;
        fn remove_proposal<G: GroupId, R: ProposalRef>(group: &G, reference: &R);
        fn clear_proposal_queue<G: GroupId, R: ProposalRef>(group: &G);

        fn write_encryption_epoch_key_pairs<G: GroupId, E: EpochKey, T: HpkeKeyPair>(
            group: &G, epoch: &E, leaf: u32, pairs: &[T]
        );
        fn encryption_epoch_key_pairs<G: GroupId, E: EpochKey, T: HpkeKeyPair>(
            group: &G, epoch: &E, leaf: u32
        ) -> Vec<T>;
        fn delete_encryption_epoch_key_pairs<G: GroupId, E: EpochKey>(
            group: &G, epoch: &E, leaf: u32
        );

        fn write_encryption_key_pair<K: EncryptionKey, T: HpkeKeyPair>(key: &K, pair: &T);
        fn encryption_key_pair<T: HpkeKeyPair, K: EncryptionKey>(key: &K) -> Option<T>;
        fn delete_encryption_key_pair<K: EncryptionKey>(key: &K);

        fn write_signature_key_pair<K: SignaturePublicKey, T: SignatureKeyPair>(
            key: &K, pair: &T
        );
        fn signature_key_pair<K: SignaturePublicKey, T: SignatureKeyPair>(key: &K) -> Option<T>;
        fn delete_signature_key_pair<K: SignaturePublicKey>(key: &K);

        fn write_key_package<K: HashReference, T: KeyPackage>(reference: &K, value: &T);
        fn key_package<K: HashReference, T: KeyPackage>(reference: &K) -> Option<T>;
        fn delete_key_package<K: HashReference>(reference: &K);

        fn write_psk<K: PskId, T: PskBundle>(id: &K, value: &T);
        fn psk<T: PskBundle, K: PskId>(id: &K) -> Option<T>;
        fn delete_psk<K: PskId>(id: &K);
    }
}
