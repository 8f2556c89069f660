//! The own account: one row, written when the account is set up.

use super::error::DbError;
use super::{Change, WriteTx};
use rusqlite::{Connection, OptionalExtension, named_params};
use sotto_wire::device::DeviceId;
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::key::SigningKey;
use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// The own account on this device (docs/protocol.md §1).
#[derive(Debug, Clone)]
pub struct OwnAccount {
    /// The account.
    pub did: Did,
    /// For display only.
    pub handle: String,
    /// Discovery domain: where the own relay is.
    pub domain: Domain,
    /// Signs the claim, successions, device certificates and the roster, nothing else.
    pub delegate_key: SigningKey,
    /// This device.
    pub device_id: DeviceId,
    /// Signs MLS messages, relay requests and first-contact envelopes.
    pub device_key: SigningKey,
    /// The certificate of `device_key` (§1.6); identity of this device's MLS leaves.
    pub certificate: Vec<u8>,
    /// The roster last signed (§1.6).
    pub roster: Vec<u8>,
    /// Its number.
    pub roster_seq: u64,
    /// Number of the claim last signed (§1.2).
    pub claim_seq: u64,
}

/// The own account, once there is one.
///
/// # Errors
/// When SQLite fails or the row does not decode.
pub fn load(connection: &Connection) -> Result<Option<OwnAccount>, DbError> {
    let mut statement = connection.prepare_cached(
        "SELECT did, handle, domain, delegate_seed, device_id, device_seed, certificate, roster,
                roster_seq, claim_seq
         FROM own_account",
    )?;
    let row = statement
        .query_row([], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, [u8; 32]>(3).map(Zeroizing::new)?,
                row.get::<_, [u8; 16]>(4)?,
                row.get::<_, [u8; 32]>(5).map(Zeroizing::new)?,
                (row.get::<_, Vec<u8>>(6)?, row.get::<_, Vec<u8>>(7)?),
                (row.get::<_, u64>(8)?, row.get::<_, u64>(9)?),
            ))
        })
        .optional()?;
    let Some((did, handle, domain, delegate, device_id, device, (certificate, roster), seqs)) = row
    else {
        return Ok(None);
    };
    Ok(Some(OwnAccount {
        did: Did::parse(&did).map_err(|_| DbError::Stored("did"))?,
        handle,
        domain: Domain::parse(&domain).map_err(|_| DbError::Stored("domain"))?,
        delegate_key: SigningKey::from_seed(&delegate),
        device_id: DeviceId::from_bytes(device_id),
        device_key: SigningKey::from_seed(&device),
        certificate,
        roster,
        roster_seq: seqs.0,
        claim_seq: seqs.1,
    }))
}

/// The own account as the writer last loaded it: its two keys take longer to unpack than a message
/// takes to seal. Only the one writer fills and empties it.
pub(super) struct OwnCache {
    account: Loaded,
    /// This transaction has replaced the account; what it reads may be rolled back.
    replaced: Cell<bool>,
}

/// What outlives a transaction of the cache.
pub(super) type Loaded = Arc<Mutex<Option<Arc<OwnAccount>>>>;

impl OwnCache {
    pub(super) fn new(account: Loaded) -> Self {
        Self {
            account,
            replaced: Cell::new(false),
        }
    }

    fn get(&self) -> Option<Arc<OwnAccount>> {
        self.account
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, account: Option<Arc<OwnAccount>>) {
        *self.account.lock().unwrap_or_else(PoisonError::into_inner) = account;
    }
}

/// As [`load`], inside a write transaction and without unpacking the keys each time.
///
/// # Errors
/// As [`load`].
pub fn current(tx: &WriteTx<'_>) -> Result<Option<Arc<OwnAccount>>, DbError> {
    if let Some(known) = tx.own.get() {
        return Ok(Some(known));
    }
    let account = load(tx)?.map(Arc::new);
    if !tx.own.replaced.get() {
        tx.own.set(account.clone());
    }
    Ok(account)
}

/// Writes the own account down, in place of what was there.
///
/// # Errors
/// When SQLite fails.
pub fn store(tx: &WriteTx<'_>, own: &OwnAccount) -> Result<(), DbError> {
    let mut statement = tx.prepare_cached(
        "INSERT OR REPLACE INTO own_account (id, did, handle, domain, delegate_seed, device_id,
           device_seed, certificate, roster, roster_seq, claim_seq)
         VALUES (1, :did, :handle, :domain, :delegate, :device_id, :device, :certificate, :roster,
           :roster_seq, :claim_seq)",
    )?;
    statement.execute(named_params! {
        ":did": own.did.as_str(),
        ":handle": own.handle,
        ":domain": own.domain.as_str(),
        ":delegate": own.delegate_key.seed().as_slice(),
        ":device_id": own.device_id.as_bytes(),
        ":device": own.device_key.seed().as_slice(),
        ":certificate": own.certificate,
        ":roster": own.roster,
        ":roster_seq": own.roster_seq,
        ":claim_seq": own.claim_seq,
    })?;
    tx.own.replaced.set(true);
    tx.own.set(None);
    tx.changed(Change::Account);
    Ok(())
}
