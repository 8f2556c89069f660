//! The table that openmls's values are kept in.

use crate::db::DbError;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use zeroize::Zeroizing;

/// When a group's message secrets are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mls) enum Secrets {
    /// With every message.
    EachTime,
    /// Not until they are asked for; see `Session::flush`.
    AtFlush,
}

/// The kinds of values; the numbers are stored and never change their meaning.
#[derive(Clone, Copy)]
#[repr(i64)]
pub(super) enum Kind {
    JoinConfig = 1,
    OwnLeafNode = 2,
    Proposal = 3,
    Tree = 4,
    InterimTranscriptHash = 5,
    Context = 6,
    ConfirmationTag = 7,
    GroupState = 8,
    MessageSecrets = 9,
    ResumptionPsks = 10,
    OwnLeafIndex = 11,
    EpochSecrets = 12,
    SignatureKeyPair = 13,
    EncryptionKeyPair = 14,
    EpochKeyPairs = 15,
    KeyPackage = 16,
    Psk = 17,
}

/// A value could not be stored or read; [`Store::take_failure`] says why.
#[derive(Debug, thiserror::Error)]
#[error("MLS state could not be stored or read")]
pub(in crate::mls) struct StoreError;

/// openmls's storage on a borrowed connection.
pub(in crate::mls) struct Store<'t> {
    connection: &'t Connection,
    pub(super) secrets: Cell<Secrets>,
    failure: RefCell<Option<DbError>>,
}

pub(super) const NO_ITEM: &[u8] = &[];

impl<'t> Store<'t> {
    pub(in crate::mls) fn new(connection: &'t Connection, secrets: Secrets) -> Self {
        Self {
            connection,
            secrets: Cell::new(secrets),
            failure: RefCell::new(None),
        }
    }

    /// Runs `f` with message secrets written whatever the mode.
    pub(in crate::mls) fn writing_secrets<T>(&self, f: impl FnOnce() -> T) -> T {
        let before = self.secrets.replace(Secrets::EachTime);
        let outcome = f();
        self.secrets.set(before);
        outcome
    }

    /// The failure of the database behind the last error of openmls, if that is what it was:
    /// openmls's own errors do not tell a full disk from a bad message.
    pub(in crate::mls) fn take_failure(&self) -> Option<DbError> {
        self.failure.borrow_mut().take()
    }

    fn noting<T>(&self, outcome: Result<T, DbError>) -> Result<T, StoreError> {
        outcome.map_err(|failure| {
            *self.failure.borrow_mut() = Some(failure);
            StoreError
        })
    }

    pub(super) fn put(
        &self,
        kind: Kind,
        owner: &impl Serialize,
        item: &[u8],
        value: &impl Serialize,
    ) -> Result<(), StoreError> {
        self.noting((|| {
            let value = encode(value)?;
            self.connection
                .prepare_cached(
                    "INSERT INTO mls_state (owner, kind, item, value) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (owner, kind, item) DO UPDATE SET value = ?4",
                )?
                .execute(params![*encode(owner)?, kind as i64, item, *value])?;
            Ok(())
        })())
    }

    pub(super) fn get<V: DeserializeOwned>(
        &self,
        kind: Kind,
        owner: &impl Serialize,
        item: &[u8],
    ) -> Result<Option<V>, StoreError> {
        self.noting((|| {
            self.connection
                .prepare_cached(
                    "SELECT value FROM mls_state WHERE owner = ?1 AND kind = ?2 AND item = ?3",
                )?
                .query_row(params![*encode(owner)?, kind as i64, item], |row| {
                    Ok(decode(row.get_ref(0)?.as_blob()?))
                })
                .optional()?
                .transpose()
        })())
    }

    pub(super) fn list<K: DeserializeOwned, V: DeserializeOwned>(
        &self,
        kind: Kind,
        owner: &impl Serialize,
        with_item: impl Fn(&[u8]) -> Result<K, DbError>,
    ) -> Result<Vec<(K, V)>, StoreError> {
        self.noting((|| {
            let mut statement = self.connection.prepare_cached(
                "SELECT item, value FROM mls_state WHERE owner = ?1 AND kind = ?2 ORDER BY id",
            )?;
            let mut rows = statement.query(params![*encode(owner)?, kind as i64])?;
            let mut values = Vec::new();
            while let Some(row) = rows.next()? {
                let item = with_item(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
                let value = decode(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
                values.push((item, value));
            }
            Ok(values)
        })())
    }

    pub(super) fn key(&self, key: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.noting(encode(key))
    }

    pub(super) fn epoch_key(
        &self,
        epoch: &impl Serialize,
        leaf: u32,
    ) -> Result<Vec<u8>, StoreError> {
        let mut key = self.key(epoch)?.to_vec();
        key.extend(leaf.to_be_bytes());
        Ok(key)
    }

    pub(super) fn delete(
        &self,
        kind: Kind,
        owner: &impl Serialize,
        item: &[u8],
    ) -> Result<(), StoreError> {
        self.noting((|| {
            self.connection
                .prepare_cached(
                    "DELETE FROM mls_state WHERE owner = ?1 AND kind = ?2 AND item = ?3",
                )?
                .execute(params![*encode(owner)?, kind as i64, item])?;
            Ok(())
        })())
    }

    pub(super) fn clear(&self, kind: Kind, owner: &impl Serialize) -> Result<(), StoreError> {
        self.noting((|| {
            self.connection
                .prepare_cached("DELETE FROM mls_state WHERE owner = ?1 AND kind = ?2")?
                .execute(params![*encode(owner)?, kind as i64])?;
            Ok(())
        })())
    }
}

fn encode(value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, DbError> {
    rmp_serde::to_vec_named(value)
        .map(Zeroizing::new)
        .map_err(|_| DbError::Stored("MLS state"))
}

pub(super) fn decode<V: DeserializeOwned>(bytes: &[u8]) -> Result<V, DbError> {
    rmp_serde::from_slice(bytes).map_err(|_| DbError::Stored("MLS state"))
}

pub(super) fn place(item: &[u8]) -> Result<u64, DbError> {
    item.try_into()
        .map(u64::from_be_bytes)
        .map_err(|_| DbError::Stored("MLS state"))
}
