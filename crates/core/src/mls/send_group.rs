//! The own send group of a conversation: made once, with every device in it (docs/protocol.md §3).

use super::provider::{DeviceSigner, Provider};
use super::storage::Secrets;
use super::{
    FIRST_CONTACT_LABEL, MAX_PAST_EPOCHS, MlsError, SUITE, capabilities, credential, healing,
    key_packages, ratchet,
};
use crate::db::{DbError, OwnAccount, PeerId, WriteTx, conversations, own, peers};
use openmls::prelude::{
    Extension, Extensions, GroupContext, GroupId, KeyPackage, Lifetime, MlsGroup,
    PURE_CIPHERTEXT_WIRE_FORMAT_POLICY, UnknownExtension,
};
use openmls_traits::OpenMlsProvider as _;
use rusqlite::named_params;
use sotto_identity::verify::Pin;
use sotto_wire::conversation::{ConversationId, EXTENSION_TYPE, GroupBinding};
use sotto_wire::device::DeviceCertificate;
use sotto_wire::random;
use zeroize::Zeroizing;

/// A device that is to read the group.
#[derive(Debug, Clone)]
pub struct PeerDevice<'a> {
    /// Its certificate, as the roster or the key package has it.
    pub certificate: Vec<u8>,
    /// Its key package, an MLSMessage.
    pub key_package: Vec<u8>,
    /// Whether the package is the device's last resort, which others have claimed too: what is
    /// sealed for it is only as secret as a key that was in use for days.
    pub last_resort: bool,
    /// Its account, verified.
    pub account: &'a Pin,
}

/// What a new group hands out.
pub(super) struct Created {
    pub(super) group_id: Vec<u8>,
    pub(super) welcome: Vec<u8>,
    pub(super) first_contact_key: Zeroizing<Vec<u8>>,
}

/// Creates the own send group of `conversation` with these members. Nothing happens where there
/// is one already.
///
/// # Errors
/// [`MlsError::Refused`] where a member's certificate or key package breaks a rule (the group is
/// not made then); [`MlsError::Db`].
pub fn create(
    tx: &WriteTx<'_>,
    conversation: &ConversationId,
    members: &[PeerDevice<'_>],
) -> Result<(), MlsError> {
    let own = own::current(tx)?.ok_or(MlsError::Refused("account.none"))?;
    let conversation_row =
        conversations::by_id(tx, conversation)?.ok_or(MlsError::Refused("conversation.unknown"))?;
    if exists(tx, conversation_row.row)? {
        return Ok(());
    }
    if members.is_empty() {
        return Err(MlsError::Refused("key-package.none"));
    }
    let step = tx.savepoint()?;
    let provider = Provider::new(tx, Secrets::EachTime);
    let mut packages = Vec::with_capacity(members.len());
    let mut certificates = Vec::with_capacity(members.len());
    for member in members {
        let (package, certificate) = validated(tx, &provider, member)?;
        packages.push(package);
        certificates.push(certificate);
    }
    let binding = GroupBinding {
        conversation: *conversation,
        did: own.did.clone(),
        device_id: own.device_id,
    };
    let last_resort = packages.iter().any(KeyPackage::last_resort);
    let created = build(tx, &provider, &own, &binding, packages)?;
    let group = insert(tx, conversation_row.row, &created, last_resort)?;
    for (member, certificate) in members.iter().zip(&certificates) {
        add_member(tx, group, conversation_row.peer, member, certificate)?;
    }
    step.commit()?;
    Ok(())
}

/// Forgets the secrets of an own send group that is no more, except for the one of its present epoch,
/// which commits of the peer may still name (docs/protocol.md §3.8). Gives that epoch.
///
/// # Errors
/// [`MlsError::Db`].
pub(crate) fn retire(tx: &WriteTx<'_>, group_id: &[u8]) -> Result<Option<u64>, MlsError> {
    let provider = Provider::new(tx, Secrets::EachTime);
    let storage = provider.storage();
    let loaded = MlsGroup::load(storage, &GroupId::from_slice(group_id));
    let Some(mut group) = loaded.map_err(|_| failure(&provider))? else {
        return Ok(None);
    };
    healing::keep(&provider, &group)?;
    let epoch = group.epoch().as_u64();
    group.delete(storage).map_err(|_| failure(&provider))?;
    Ok(Some(epoch))
}

/// Forgets the secrets of a group that is no more.
///
/// # Errors
/// [`MlsError::Db`].
pub(crate) fn forget(tx: &WriteTx<'_>, group_id: &[u8]) -> Result<(), MlsError> {
    let provider = Provider::new(tx, Secrets::EachTime);
    let storage = provider.storage();
    let loaded = MlsGroup::load(storage, &GroupId::from_slice(group_id));
    if let Some(mut group) = loaded.map_err(|_| failure(&provider))? {
        group.delete(storage).map_err(|_| failure(&provider))?;
    }
    Ok(())
}

fn exists(tx: &WriteTx<'_>, conversation: i64) -> Result<bool, DbError> {
    let mut statement = tx.prepare_cached("SELECT 1 FROM send_group WHERE conversation = ?1")?;
    Ok(statement.exists([conversation])?)
}

/// The certificate holds under the account's key now, and the package is that device's.
fn validated(
    tx: &WriteTx<'_>,
    provider: &Provider<'_>,
    member: &PeerDevice<'_>,
) -> Result<(KeyPackage, DeviceCertificate), MlsError> {
    let pin = member.account;
    let certificate = credential::verified(&member.certificate, &pin.did, &pin.key, tx.now())?;
    let package = key_packages::parse(provider, &member.key_package, tx.now())?;
    let leaf = package.leaf_node();
    // The package may be older than the certificate: the account's key has been rotated since (§1.10).
    let shown = DeviceCertificate::parse_unverified(&credential::identity(leaf.credential())?)
        .map_err(|_| MlsError::Refused("certificate.malformed"))?;
    if !credential::same_device(&shown, &certificate) {
        return Err(MlsError::Refused("key-package.other-certificate"));
    }
    if leaf.signature_key().as_slice() != certificate.device_key.as_bytes() {
        return Err(MlsError::Refused("key-package.other-key"));
    }
    Ok((package, certificate))
}

pub(super) fn build(
    tx: &WriteTx<'_>,
    provider: &Provider<'_>,
    own: &OwnAccount,
    binding: &GroupBinding,
    members: Vec<KeyPackage>,
) -> Result<Created, MlsError> {
    let extension = Extension::Unknown(EXTENSION_TYPE, UnknownExtension(binding.encode()));
    let context = Extensions::<GroupContext>::single(extension)
        .map_err(|_| MlsError::Refused("group.create"))?;
    let group_id: [u8; 16] = random::array(tx.random());
    let signer = DeviceSigner(&own.device_key);
    let now = tx.now().0;
    let mut group = MlsGroup::builder()
        .with_group_id(GroupId::from_slice(&group_id))
        .ciphersuite(SUITE)
        .with_capabilities(capabilities())
        .with_group_context_extensions(context)
        .with_wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
        .use_ratchet_tree_extension(true)
        .max_past_epochs(MAX_PAST_EPOCHS)
        .number_of_resumption_psks(0)
        .padding_size(0)
        .sender_ratchet_configuration(ratchet())
        .lifetime(Lifetime::init(
            now.saturating_sub(key_packages::SKEW),
            now + key_packages::LIFETIME,
        ))
        .build(provider, &signer, credential::own(own))
        .map_err(|_| failure(provider))?;
    let commit = group
        .commit_builder()
        .propose_adds(members)
        .load_psks(provider.storage())
        .map_err(|_| failure(provider))?
        .build(provider.rand(), provider.crypto(), &signer, |_| true)
        .map_err(|_| failure(provider))?
        .stage_commit(provider)
        .map_err(|_| failure(provider))?;
    let welcome = commit
        .into_welcome_msg()
        .ok_or(MlsError::Refused("group.create"))?;
    group
        .merge_pending_commit(provider)
        .map_err(|_| failure(provider))?;
    let key = group
        .export_secret(provider.crypto(), FIRST_CONTACT_LABEL, &[], 32)
        .map_err(|_| MlsError::Refused("group.create"))?;
    Ok(Created {
        group_id: group_id.to_vec(),
        welcome: welcome
            .to_bytes()
            .map_err(|_| MlsError::Refused("group.create"))?,
        first_contact_key: Zeroizing::new(key),
    })
}

fn insert(
    tx: &WriteTx<'_>,
    conversation: i64,
    created: &Created,
    last_resort: bool,
) -> Result<i64, DbError> {
    // Never a row id that was used before (`outbox::retire`).
    tx.prepare_cached(
        "INSERT INTO send_group (id, conversation, group_id, welcome, first_contact_key, session,
                                 epoch_at, last_resort)
         SELECT 1 + max(coalesce((SELECT max(id) FROM send_group), 0),
                        coalesce((SELECT max(id) FROM retired_group), 0)),
                :conversation, :group_id, :welcome, :key, :session, :now, :last_resort",
    )?
    .execute(named_params! {
        ":conversation": conversation,
        ":group_id": created.group_id,
        ":welcome": created.welcome,
        ":key": *created.first_contact_key,
        ":session": tx.session(),
        ":now": tx.clock_now_ms(),
        ":last_resort": last_resort,
    })?;
    Ok(tx.last_insert_rowid())
}

/// Only the peer's devices become recipients; own other devices are addressed in a later version.
fn add_member(
    tx: &WriteTx<'_>,
    group: i64,
    peer: PeerId,
    member: &PeerDevice<'_>,
    certificate: &DeviceCertificate,
) -> Result<(), DbError> {
    let device = peers::device(tx, peer, &certificate.device_id, &member.certificate)?;
    tx.prepare_cached(
        "INSERT INTO send_member (send_group, peer_device) VALUES (?1, ?2)
         ON CONFLICT (send_group, peer_device) DO NOTHING",
    )?
    .execute([group, device])?;
    Ok(())
}

fn failure(provider: &Provider<'_>) -> MlsError {
    let failure = provider.storage().take_failure();
    failure.map_or(MlsError::Refused("group.create"), MlsError::Db)
}
