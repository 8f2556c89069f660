//! Own key packages: made, published, used up (docs/protocol.md §2, §4.4).
//!
//! The private half is kept until a Welcome for it is joined and committed, or until it has
//! expired and 40 days more; never by count, so that a slow Welcome still finds its key. A claimant
//! may make its group on the last day of the lifetime, its first contact waits at the relay for 30
//! days (§4.7), and a request for the user's word (§3.5) for as long as the first contact is not
//! taken for failed (§3.3). Packages that are replaced, whatever for, keep theirs for the same reason.

mod published;

pub use published::{Audit, audit};

use super::provider::{DeviceSigner, Provider};
use super::storage::Secrets;
use super::{MlsError, SUITE, capabilities, credential};
use crate::db::{DbError, OwnAccount, WriteTx, own};
use openmls::prelude::tls_codec::DeserializeBytes as _;
use openmls::prelude::{
    KeyPackage, KeyPackageIn, KeyPackageRef, Lifetime, MlsMessageBodyIn, MlsMessageIn,
    MlsMessageOut, ProtocolVersion,
};
use openmls_traits::OpenMlsProvider as _;
use openmls_traits::storage::StorageProvider as _;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use sha2::{Digest as _, Sha256};
use sotto_wire::time::Timestamp;
use std::sync::Arc;

/// Lifetime of an own key package: 90 days, in seconds.
pub const LIFETIME: u64 = 90 * 86_400;
/// The widest lifetime accepted in a peer's package: 91 days, in seconds.
pub const MAX_WIDTH: u64 = 91 * 86_400;
/// Peers' clocks may be behind by this many seconds.
pub(super) const SKEW: u64 = 6 * 3600;
/// A package that has expired stays usable for this many seconds: a Welcome may be on its way.
const GRACE: u64 = 40 * 86_400;
/// After this many seconds the last-resort package is due to be replaced.
const LAST_RESORT_AGE: u64 = LIFETIME - published::LEFT;

/// What it is for; stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
enum Kind {
    SingleUse = 0,
    LastResort = 1,
    /// Sent to one peer inside a payload (§3.2), never published.
    Inline = 2,
}

/// A key package as it goes to the relay: an MLSMessage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedPackage {
    /// SHA-256 of `bytes`, by which the relay lists it.
    pub hash: [u8; 32],
    /// The MLSMessage.
    pub bytes: Vec<u8>,
    /// Whether it is the last resort.
    pub last_resort: bool,
}

/// Makes `n` single-use packages, to be published.
///
/// # Errors
/// [`MlsError`] without an own account or when the database fails.
pub fn generate_single_use(tx: &WriteTx<'_>, n: usize) -> Result<Vec<PublishedPackage>, MlsError> {
    let own = account(tx)?;
    (0..n)
        .map(|_| generate(tx, &own, Kind::SingleUse))
        .collect()
}

/// Makes the last-resort package that replaces the present one once it is published. The private
/// half of the present one is kept.
///
/// # Errors
/// As [`generate_single_use`].
pub fn generate_last_resort(tx: &WriteTx<'_>) -> Result<PublishedPackage, MlsError> {
    let own = account(tx)?;
    generate(tx, &own, Kind::LastResort)
}

/// Makes a package to be sent inside a payload (§3.2).
pub(crate) fn generate_inline(tx: &WriteTx<'_>, own: &OwnAccount) -> Result<Vec<u8>, MlsError> {
    Ok(generate(tx, own, Kind::Inline)?.bytes)
}

/// Packages that are not marked as published, oldest first; of several last resorts the newest.
///
/// # Errors
/// When the database fails.
pub fn unpublished(connection: &Connection) -> Result<Vec<PublishedPackage>, DbError> {
    let mut statement = connection.prepare_cached(
        "SELECT hash, bytes, kind FROM key_package
         WHERE published = 0 AND (kind = 0 AND used = 0 OR kind = 1 AND rowid =
           (SELECT max(rowid) FROM key_package WHERE kind = 1))
         ORDER BY rowid",
    )?;
    let packages = statement
        .query_map([], from_row)?
        .collect::<Result<_, _>>()?;
    Ok(packages)
}

/// The package with this hash, to publish it again where the relay has lost it.
///
/// # Errors
/// When the database fails.
pub fn by_hash(
    connection: &Connection,
    hash: &[u8; 32],
) -> Result<Option<PublishedPackage>, DbError> {
    let mut statement =
        connection.prepare_cached("SELECT hash, bytes, kind FROM key_package WHERE hash = ?1")?;
    Ok(statement.query_row([hash], from_row).optional()?)
}

/// The relay has these now.
///
/// # Errors
/// When the database fails.
pub fn mark_published(tx: &WriteTx<'_>, hashes: &[[u8; 32]]) -> Result<(), DbError> {
    let mut statement =
        tx.prepare_cached("UPDATE key_package SET published = 1 WHERE hash = ?1")?;
    for hash in hashes {
        statement.execute([hash])?;
    }
    Ok(())
}

/// Single-use packages that no Welcome has used yet, as far as this device knows.
///
/// # Errors
/// When the database fails.
pub fn count_unused(connection: &Connection, now: Timestamp) -> Result<usize, DbError> {
    let mut statement = connection.prepare_cached(
        "SELECT count(*) FROM key_package WHERE kind = 0 AND used = 0 AND expires_s > ?1",
    )?;
    Ok(statement.query_row([now.0], |row| row.get(0))?)
}

/// The newest last-resort package, published or not.
///
/// # Errors
/// When SQLite fails.
pub fn last_resort(connection: &Connection) -> Result<Option<PublishedPackage>, DbError> {
    let mut statement = connection.prepare_cached(
        "SELECT hash, bytes, kind FROM key_package WHERE kind = 1 ORDER BY rowid DESC LIMIT 1",
    )?;
    Ok(statement.query_row([], from_row).optional()?)
}

/// Whether a new last-resort package is due: there is none, it has been used, or it is old.
///
/// # Errors
/// When the database fails.
pub fn last_resort_due(connection: &Connection, now: Timestamp) -> Result<bool, DbError> {
    let fresh: Option<bool> = connection
        .prepare_cached(
            "SELECT used = 0 AND created_s > ?1 FROM key_package WHERE kind = 1
             ORDER BY rowid DESC LIMIT 1",
        )?
        .query_row([now.0.saturating_sub(LAST_RESORT_AGE)], |row| row.get(0))
        .optional()?;
    Ok(fresh != Some(true))
}

/// The certificate in all present packages is one of an earlier key: none of them is published any
/// more, and a new last resort is due. Their private halves are kept, as Welcomes for them may be on
/// their way.
///
/// # Errors
/// When the database fails.
pub(crate) fn supersede(tx: &WriteTx<'_>) -> Result<(), DbError> {
    tx.execute(
        "UPDATE key_package SET published = 1, used = 1 WHERE kind IN (0, 1)",
        [],
    )?;
    Ok(())
}

/// Forgets every package: they are of a device that is no more.
pub(crate) fn forget(tx: &WriteTx<'_>) -> Result<(), MlsError> {
    remove(tx, u64::MAX >> 1)
}

/// Forgets the private halves of packages that expired long ago.
pub(crate) fn prune(tx: &WriteTx<'_>) -> Result<(), MlsError> {
    remove(tx, tx.now().0.saturating_sub(GRACE))
}

fn remove(tx: &WriteTx<'_>, before: u64) -> Result<(), MlsError> {
    let provider = Provider::new(tx, Secrets::EachTime);
    let mut statement = tx.prepare("SELECT reference FROM key_package WHERE expires_s < ?1")?;
    let expired: Vec<Vec<u8>> = statement
        .query_map([before], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for reference in &expired {
        let stored = KeyPackageRef::tls_deserialize_exact_bytes(reference)
            .map_err(|_| DbError::Stored("key package reference"))?;
        let deleted = provider.storage().delete_key_package(&stored);
        deleted.map_err(|_| failure(&provider))?;
        tx.prepare_cached("DELETE FROM key_package WHERE reference = ?1")?
            .execute([reference])?;
    }
    Ok(())
}

/// A Welcome used this package: a last resort is due to be replaced, any other is gone.
pub(super) fn used(
    tx: &Connection,
    provider: &Provider<'_>,
    package: &KeyPackage,
) -> Result<(), MlsError> {
    let reference = reference(provider, package)?;
    tx.prepare_cached("UPDATE key_package SET used = 1 WHERE reference = ?1 AND kind = 1")?
        .execute([&reference])?;
    tx.prepare_cached("DELETE FROM key_package WHERE reference = ?1 AND kind <> 1")?
        .execute([&reference])?;
    Ok(())
}

/// Reads a peer's package and checks what only the reader can: suite, signatures, and a lifetime
/// that holds now and is not too wide (§2).
pub(super) fn parse(
    provider: &Provider<'_>,
    bytes: &[u8],
    now: Timestamp,
) -> Result<KeyPackage, MlsError> {
    let package = unverified(bytes)?
        .validate(provider.crypto(), ProtocolVersion::Mls10)
        .map_err(|_| MlsError::Refused("key-package.invalid"))?;
    if package.ciphersuite() != SUITE {
        return Err(MlsError::Refused("key-package.suite"));
    }
    let lifetime = package.life_time();
    if lifetime.not_after().saturating_sub(lifetime.not_before()) > MAX_WIDTH {
        return Err(MlsError::Refused("key-package.too-wide"));
    }
    if lifetime.not_before() > now.0 || lifetime.not_after() <= now.0 {
        return Err(MlsError::Refused("key-package.expired"));
    }
    Ok(package)
}

/// The certificate that a package carries as its identity, not verified.
pub(crate) fn certificate(bytes: &[u8]) -> Result<Vec<u8>, MlsError> {
    credential::identity(&unverified(bytes)?.unverified_credential().credential)
}

fn unverified(bytes: &[u8]) -> Result<KeyPackageIn, MlsError> {
    let message = MlsMessageIn::tls_deserialize_exact_bytes(bytes)
        .map_err(|_| MlsError::Refused("key-package.malformed"))?;
    match message.extract() {
        MlsMessageBodyIn::KeyPackage(package) => Ok(package),
        _ => Err(MlsError::Refused("key-package.malformed")),
    }
}

fn account(tx: &WriteTx<'_>) -> Result<Arc<OwnAccount>, MlsError> {
    own::current(tx)?.ok_or(MlsError::Refused("account.none"))
}

fn generate(tx: &WriteTx<'_>, own: &OwnAccount, kind: Kind) -> Result<PublishedPackage, MlsError> {
    let now = tx.now().0;
    let provider = Provider::new(tx, Secrets::EachTime);
    let mut builder = KeyPackage::builder()
        .leaf_node_capabilities(capabilities())
        .key_package_lifetime(Lifetime::init(now.saturating_sub(SKEW), now + LIFETIME));
    if kind == Kind::LastResort {
        builder = builder.mark_as_last_resort();
    }
    let signer = DeviceSigner(&own.device_key);
    let bundle = builder
        .build(SUITE, &provider, &signer, credential::own(own))
        .map_err(|_| failure(&provider))?;
    let reference = reference(&provider, bundle.key_package())?;
    let bytes = MlsMessageOut::from(bundle)
        .to_bytes()
        .map_err(|_| MlsError::Refused("key-package.encode"))?;
    let hash: [u8; 32] = Sha256::digest(&bytes).into();
    tx.prepare_cached(
        "INSERT INTO key_package (hash, reference, kind, bytes, created_s, expires_s)
         VALUES (:hash, :reference, :kind, :bytes, :created, :expires)",
    )?
    .execute(named_params! {
        ":hash": hash, ":reference": reference, ":kind": kind as i64, ":bytes": bytes,
        ":created": now, ":expires": now + LIFETIME,
    })?;
    Ok(PublishedPackage {
        hash,
        bytes,
        last_resort: kind == Kind::LastResort,
    })
}

fn reference(provider: &Provider<'_>, package: &KeyPackage) -> Result<Vec<u8>, MlsError> {
    use openmls::prelude::tls_codec::Serialize as _;
    package
        .hash_ref(provider.crypto())
        .ok()
        .and_then(|reference| reference.tls_serialize_detached().ok())
        .ok_or(MlsError::Refused("key-package.encode"))
}

fn failure(provider: &Provider<'_>) -> MlsError {
    let failure = provider.storage().take_failure();
    failure.map_or(MlsError::Refused("key-package.encode"), MlsError::Db)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<PublishedPackage> {
    Ok(PublishedPackage {
        hash: row.get(0)?,
        bytes: row.get(1)?,
        last_resort: row.get::<_, i64>(2)? == Kind::LastResort as i64,
    })
}
