//! Own packages as the relay has them: which of those are no good (docs/protocol.md §4.4).
//!
//! A package that nobody can use is worse than none: whoever claims it is sure to have written, and
//! nothing ever arrives. So every package that is published, or about to be, is looked at as a peer
//! would look at it, and its private half has to be here.

use super::{Kind, LIFETIME, PublishedPackage, SKEW, from_row, parse};
use crate::db::{DbError, OwnAccount, WriteTx, own};
use crate::mls::provider::Provider;
use crate::mls::storage::Secrets;
use crate::mls::{MlsError, credential};
use openmls::prelude::tls_codec::DeserializeBytes as _;
use openmls::prelude::{KeyPackageBundle, KeyPackageRef};
use openmls_traits::OpenMlsProvider as _;
use openmls_traits::storage::StorageProvider as _;
use rusqlite::{OptionalExtension, params};
use sha2::{Digest as _, Sha256};

/// A package that is valid for less than this many seconds is replaced: whoever claims it may write
/// only weeks later.
pub(super) const LEFT: u64 = 30 * 86_400;

/// What is to be done about the packages at the relay.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Hashes of packages that must not be handed out any more.
    pub remove: Vec<Vec<u8>>,
    /// Single-use packages there that are good.
    pub good: usize,
}

/// Compares what lies at the relay, by hash, with what is kept here. A package that is unknown here,
/// used, or no good is to be removed; so is one whose private half is missing. Unpublished ones that
/// are no good, and a last resort that is none, are not published again; their private halves stay.
///
/// # Errors
/// [`MlsError::Refused`] where the own certificate is not valid at this time: no package with it is
/// of any use. [`MlsError::Db`].
pub fn audit(
    tx: &WriteTx<'_>,
    single_use: &[Vec<u8>],
    last_resort: Option<&[u8]>,
) -> Result<Audit, MlsError> {
    let own = own::current(tx)?.ok_or(MlsError::Refused("account.none"))?;
    let key = own.delegate_key.public();
    credential::verified(&own.certificate, &own.did, &key, tx.now())?;
    for hash in presentable(tx)? {
        if !is_good(tx, &own, &hash, None)? {
            tracing::warn!("an own key package is no good and is replaced");
            tx.execute(
                "UPDATE key_package SET used = 1, published = 1 WHERE hash = ?1",
                [&hash],
            )?;
        }
    }
    let mut audit = Audit::default();
    for hash in single_use {
        match is_good(tx, &own, hash, Some(Kind::SingleUse))? {
            true => audit.good += 1,
            false => audit.remove.push(hash.clone()),
        }
    }
    if let Some(hash) = last_resort
        && !is_good(tx, &own, hash, Some(Kind::LastResort))?
    {
        audit.remove.push(hash.to_vec());
    }
    Ok(audit)
}

/// Packages that are published or about to be: hashes.
fn presentable(tx: &WriteTx<'_>) -> Result<Vec<Vec<u8>>, DbError> {
    let mut statement =
        tx.prepare_cached("SELECT hash FROM key_package WHERE kind IN (0, 1) AND used = 0")?;
    let hashes = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(hashes)
}

fn is_good(
    tx: &WriteTx<'_>,
    own: &OwnAccount,
    hash: &[u8],
    kind: Option<Kind>,
) -> Result<bool, MlsError> {
    let found: Option<(PublishedPackage, Vec<u8>)> = tx
        .prepare_cached(
            "SELECT hash, bytes, kind, reference FROM key_package
             WHERE hash = ?1 AND used = 0 AND kind = coalesce(?2, kind)",
        )?
        .query_row(params![hash, kind.map(|kind| kind as i64)], |row| {
            Ok((from_row(row)?, row.get(3)?))
        })
        .optional()?;
    let Some((package, reference)) = found else {
        return Ok(false);
    };
    let provider = Provider::new(tx, Secrets::EachTime);
    Ok(as_a_peer_sees_it(&provider, tx, own, &package) && has_private_half(&provider, &reference)?)
}

fn as_a_peer_sees_it(
    provider: &Provider<'_>,
    tx: &WriteTx<'_>,
    own: &OwnAccount,
    package: &PublishedPackage,
) -> bool {
    let now = tx.now();
    let Ok(parsed) = parse(provider, &package.bytes, now) else {
        return false;
    };
    let lifetime = parsed.life_time();
    let left = lifetime.not_after().saturating_sub(now.0);
    let leaf = parsed.leaf_node();
    Sha256::digest(&package.bytes).as_slice() == package.hash
        // Also one that expires implausibly late: the clock was wrong when it was made.
        && (LEFT..=LIFETIME + SKEW).contains(&left)
        && parsed.last_resort() == package.last_resort
        && credential::identity(leaf.credential()).is_ok_and(|shown| shown == own.certificate)
        && leaf.signature_key().as_slice() == own.device_key.public().as_bytes()
}

fn has_private_half(provider: &Provider<'_>, reference: &[u8]) -> Result<bool, MlsError> {
    let reference = KeyPackageRef::tls_deserialize_exact_bytes(reference)
        .map_err(|_| DbError::Stored("key package reference"))?;
    let stored: Result<Option<KeyPackageBundle>, _> = provider.storage().key_package(&reference);
    match stored {
        Ok(bundle) => Ok(bundle.is_some()),
        Err(_) => match provider.storage().take_failure() {
            Some(failure) => Err(MlsError::Db(failure)),
            None => Ok(false),
        },
    }
}
