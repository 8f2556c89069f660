//! The pool of key packages at the own relay, kept full (docs/protocol.md §4.4).

use super::{RelayError, Relays};
use crate::db::{Database, DbError, WriteTx};
use crate::mls::MlsError;
use crate::mls::key_packages::{self, Audit, PublishedPackage};
use sotto_wire::domain::Domain;
use sotto_wire::relay_api::KeyPackagesPut;
use sotto_wire::time::{Clock, Timestamp};
use std::sync::atomic::Ordering;

/// Single-use packages that lie at the relay.
pub(super) const POOL: usize = 50;
/// Packages generated in one transaction: post-quantum keys take a while, and others want to write.
const AT_ONCE: usize = 10;

/// The relay's answer where it would have to keep more packages than it does (docs/protocol.md §4.4).
const TOO_MANY: &str = "too-many-packages";

/// Why the pool could not be looked after.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeeperError {
    #[error(transparent)]
    Relay(#[from] RelayError),
    #[error(transparent)]
    Mls(#[from] MlsError),
    /// By the own relay's.
    #[error("the clock is wrong")]
    ClockWrong,
}

impl KeeperError {
    /// The code for the user interface.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Relay(error) => error.code(),
            Self::Mls(error) => error.code(),
            Self::ClockWrong => "clock.wrong",
        }
    }
}

impl From<DbError> for KeeperError {
    fn from(error: DbError) -> Self {
        Self::Mls(error.into())
    }
}

impl Relays {
    /// Single-use packages that are to lie at the own relay: no more than it keeps.
    fn wanted(&self) -> usize {
        self.0.pool.min(self.0.most.load(Ordering::Relaxed))
    }

    /// Asks the own relay how many single-use packages it keeps.
    async fn learn_most(&self, domain: &Domain) -> Result<usize, RelayError> {
        let document = self.check_relay(domain).await?;
        let announced = document.capabilities.key_packages;
        let most = announced.map_or(u64::MAX, |it| it.max_single_use);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        self.0.most.store(most, Ordering::Relaxed);
        Ok(most)
    }
}

/// Compares what lies at the relay, by hash, with what is kept here, takes away what is no good, and
/// publishes what is missing.
///
/// A single-use package that is no longer there was claimed, or lost: which of the two cannot be
/// told, so it is never published again, only replaced by a new one. One that is there and unknown
/// here is of before a restored backup, on either side, or an invention of the relay: nobody could
/// open the Welcome of whoever claimed it.
pub(crate) async fn reconcile(
    database: &Database,
    relays: &Relays,
    domain: &Domain,
    clock: &dyn Clock,
) -> Result<(), KeeperError> {
    let there = relays.key_packages(domain).await?;
    // Packages that are made by a clock that is wrong are no good to anyone.
    if relays.clock_is_wrong() {
        return Err(KeeperError::ClockWrong);
    }
    let (now, listed) = (clock.now(), there.clone());
    let audited = database.write(move |tx| {
        let audit = key_packages::audit(tx, &listed.single_use, listed.last_resort.as_deref())?;
        last_resort(tx, now)?;
        Ok::<_, MlsError>(audit)
    });
    let Audit { remove, good } = audited.await?;
    // What an earlier run generated and did not get around to publishing comes first.
    let mut missing = relays.wanted().saturating_sub(good);
    let waiting = database.read(|tx| key_packages::unpublished(tx)).await?;
    missing = missing.saturating_sub(waiting.iter().filter(|it| !it.last_resort).count());
    while missing > 0 {
        let n = missing.min(AT_ONCE);
        database.write(move |tx| generate(tx, n)).await?;
        missing -= n;
    }
    let mut to_publish = database.read(|tx| key_packages::unpublished(tx)).await?;
    if !to_publish.iter().any(|it| it.last_resort) {
        to_publish.extend(lost_last_resort(database, there.last_resort.as_deref()).await?);
    }
    publish(database, relays, domain, remove, good, to_publish).await
}

/// Publishes the last resort and nothing else, at a relay that nobody asks yet: it may lie at two. What
/// is used once lies at one only, the one in use.
///
/// # Errors
/// [`KeeperError`].
pub(crate) async fn last_resort_alone(
    database: &Database,
    relays: &Relays,
    domain: &Domain,
    clock: &dyn Clock,
) -> Result<(), KeeperError> {
    let there = relays.key_packages(domain).await?;
    if relays.clock_is_wrong() {
        return Err(KeeperError::ClockWrong);
    }
    let now = clock.now();
    database.write(move |tx| last_resort(tx, now)).await?;
    let missing = lost_last_resort(database, there.last_resort.as_deref()).await?;
    let package = missing.into_iter().collect();
    put(database, relays, domain, Vec::new(), package).await
}

async fn publish(
    database: &Database,
    relays: &Relays,
    domain: &Domain,
    remove: Vec<Vec<u8>>,
    good: usize,
    packages: Vec<PublishedPackage>,
) -> Result<(), KeeperError> {
    let packages = fitting(packages, relays.wanted().saturating_sub(good));
    let outcome = put(database, relays, domain, remove.clone(), packages.clone()).await;
    let Err(KeeperError::Relay(error)) = &outcome else {
        return outcome;
    };
    if !error.is(TOO_MANY) {
        return outcome;
    }
    // A relay that keeps fewer than it says gets the last resort, by which one can be reached.
    let most = relays.learn_most(domain).await?;
    for room in [most.saturating_sub(good), 0] {
        let packages = fitting(packages.clone(), room);
        match put(database, relays, domain, remove.clone(), packages).await {
            Err(KeeperError::Relay(error)) if error.is(TOO_MANY) => {}
            outcome => return outcome,
        }
    }
    outcome
}

/// The last resort, and as many of the others as there is room for; the rest goes when some of those
/// at the relay are claimed.
fn fitting(packages: Vec<PublishedPackage>, room: usize) -> Vec<PublishedPackage> {
    let (mut fitting, mut single_use): (Vec<_>, Vec<_>) =
        packages.into_iter().partition(|it| it.last_resort);
    single_use.truncate(room);
    fitting.append(&mut single_use);
    fitting
}

async fn put(
    database: &Database,
    relays: &Relays,
    domain: &Domain,
    remove: Vec<Vec<u8>>,
    packages: Vec<PublishedPackage>,
) -> Result<(), KeeperError> {
    if remove.is_empty() && packages.is_empty() {
        return Ok(());
    }
    if !remove.is_empty() {
        tracing::warn!(
            count = remove.len(),
            "key packages at the relay are no good"
        );
    }
    let hashes: Vec<[u8; 32]> = packages.iter().map(|it| it.hash).collect();
    let mut body = KeyPackagesPut {
        remove,
        ..KeyPackagesPut::default()
    };
    for package in packages {
        match package.last_resort {
            true => body.last_resort = Some(package.bytes),
            false => body.single_use.push(package.bytes),
        }
    }
    relays.put_key_packages(domain, &body).await?;
    database
        .write(move |tx| key_packages::mark_published(tx, &hashes))
        .await?;
    Ok(())
}

fn last_resort(tx: &WriteTx<'_>, now: Timestamp) -> Result<(), MlsError> {
    if key_packages::last_resort_due(tx, now)? {
        key_packages::generate_last_resort(tx)?;
    }
    Ok(())
}

fn generate(tx: &WriteTx<'_>, n: usize) -> Result<(), MlsError> {
    key_packages::generate_single_use(tx, n)?;
    Ok(())
}

/// The current last resort, where the relay has another or none.
async fn lost_last_resort(
    database: &Database,
    there: Option<&[u8]>,
) -> Result<Option<PublishedPackage>, KeeperError> {
    let current = database.read(|tx| key_packages::last_resort(tx)).await?;
    Ok(current.filter(|current| there != Some(current.hash.as_slice())))
}
