//! Groups at work inside one transaction: loaded once, stored at its end.

use super::provider::{DeviceSigner, Provider};
use super::storage::{Secrets, Store};
use super::{
    Accounts, FIRST_CONTACT_LABEL, MAX_PAST_EPOCHS, MlsError, SUITE, VerifiedDevice, credential,
    key_packages, ratchet,
};
use crate::db::{DbError, WriteTx};
use openmls::group::PastEpochDeletion;
use openmls::prelude::tls_codec::DeserializeBytes as _;
use openmls::prelude::{
    ContentType, Extension, GroupId, LeafNodeIndex, MlsGroup, MlsGroupJoinConfig, MlsMessageBodyIn,
    MlsMessageIn, PURE_CIPHERTEXT_WIRE_FORMAT_POLICY, PrivateMessageIn, ProcessedMessageContent,
    ProcessedWelcome, ProtocolMessage, Sender, StagedWelcome, Welcome, WelcomeError,
};
use openmls_traits::OpenMlsProvider as _;
use rusqlite::Connection;
use sotto_wire::conversation::{ConversationId, EXTENSION_TYPE, GroupBinding};
use sotto_wire::key::SigningKey;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::SystemTime;
use zeroize::Zeroizing;

/// The groups that one step of a transaction works with. Dropped with the step: after a rollback,
/// memory would be ahead of the store.
pub(crate) struct Session<'t> {
    connection: &'t Connection,
    pub(super) provider: Provider<'t>,
    pub(super) groups: HashMap<Vec<u8>, Loaded>,
}

pub(super) struct Loaded {
    pub(super) group: MlsGroup,
    /// Its message secrets are newer than the stored ones.
    pub(super) ahead: bool,
}

/// A message that says which group it belongs to.
pub(crate) struct Message {
    private: PrivateMessageIn,
}

impl Message {
    /// Reads an MLSMessage that must hold a PrivateMessage with application data (§3.1): whatever
    /// else a member may send is dropped unread.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, MlsError> {
        let message = MlsMessageIn::tls_deserialize_exact_bytes(bytes)
            .map_err(|_| MlsError::Refused("message.malformed"))?;
        match message.extract() {
            MlsMessageBodyIn::PrivateMessage(private)
                if private.content_type() == ContentType::Application =>
            {
                Ok(Self { private })
            }
            _ => Err(MlsError::Refused("message.not-application")),
        }
    }

    pub(crate) fn group_id(&self) -> &[u8] {
        self.private.group_id().as_slice()
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.private.epoch().as_u64()
    }
}

/// What a message said, and who sent it.
pub(crate) struct Opened {
    pub(crate) payload: Vec<u8>,
    /// The certificate of the device whose leaf signed it (docs/protocol.md §1.6).
    pub(crate) certificate: Vec<u8>,
}

/// Another device's send group, joined.
pub(crate) struct Joined {
    pub(crate) group_id: Vec<u8>,
    pub(crate) epoch: u64,
    /// A last-resort key package led here.
    pub(crate) last_resort: bool,
    pub(crate) owner: VerifiedDevice,
    pub(crate) first_contact_key: Zeroizing<[u8; 32]>,
}

impl<'t> Session<'t> {
    /// For a single step: every change is stored at once.
    pub(crate) fn storing_each_time(tx: &'t WriteTx<'_>) -> Self {
        Self::new(tx, Secrets::EachTime)
    }

    /// For many messages: what a message changes is stored by [`Session::flush`]. Without it,
    /// everything done in the meantime must be rolled back.
    pub(crate) fn storing_at_flush(tx: &'t WriteTx<'_>) -> Self {
        Self::new(tx, Secrets::AtFlush)
    }

    fn new(tx: &'t WriteTx<'_>, secrets: Secrets) -> Self {
        let provider = Provider::new(tx, secrets);
        Self {
            connection: tx,
            provider,
            groups: HashMap::new(),
        }
    }

    /// Stores what [`Session::storing_at_flush`] put off.
    pub(crate) fn flush(&mut self) -> Result<(), MlsError> {
        for loaded in self.groups.values_mut().filter(|loaded| loaded.ahead) {
            // openmls has no call that only stores. This one deletes the secrets of past epochs
            // that are older than 1970, that is none, and stores the rest.
            let none = PastEpochDeletion::before_timestamp(SystemTime::UNIX_EPOCH);
            let provider = &self.provider;
            let stored = provider
                .storage()
                .writing_secrets(|| loaded.group.delete_past_epoch_secrets(provider, none));
            stored.map_err(|_| failure(provider.storage(), "group.store"))?;
            loaded.ahead = false;
        }
        Ok(())
    }

    /// Encrypts `payload` in the own send group `group_id`: one step of its ratchet.
    pub(crate) fn seal(
        &mut self,
        group_id: &[u8],
        key: &SigningKey,
        payload: &[u8],
    ) -> Result<Vec<u8>, MlsError> {
        let provider = &self.provider;
        let loaded = load(&mut self.groups, provider, group_id)?;
        let message = loaded
            .group
            .create_message(provider, &DeviceSigner(key), payload)
            .map_err(|_| failure(provider.storage(), "message.seal"))?;
        loaded.ahead = true;
        message
            .to_bytes()
            .map_err(|_| MlsError::Refused("message.seal"))
    }

    /// Decrypts a message that the owner of its group sent. An error that is not the database's
    /// leaves the group as it was, except for [`MlsError::NotOwner`].
    pub(crate) fn open(&mut self, message: Message) -> Result<Opened, MlsError> {
        let provider = &self.provider;
        let loaded = load(&mut self.groups, provider, message.group_id())?;
        let processed = loaded
            .group
            .process_message(provider, ProtocolMessage::from(message.private))
            .map_err(|_| failure(provider.storage(), "message.undecryptable"))?;
        loaded.ahead = true;
        // Single writer (§3): whatever another member sends here is dropped.
        if *processed.sender() != Sender::Member(LeafNodeIndex::new(0)) {
            return Err(MlsError::NotOwner);
        }
        let certificate = credential::identity(processed.credential())?;
        match processed.into_content() {
            ProcessedMessageContent::ApplicationMessage(message) => Ok(Opened {
                payload: message.into_bytes(),
                certificate,
            }),
            _ => Err(MlsError::Refused("message.not-application")),
        }
    }

    /// Joins the send group that a Welcome (an MLSMessage) leads into, with every check of §3.
    /// After an error the caller must roll back: the key package may be used up already.
    pub(crate) fn join(
        &mut self,
        welcome: &[u8],
        accounts: &Accounts<'_>,
    ) -> Result<Joined, MlsError> {
        let provider = &self.provider;
        let config = MlsGroupJoinConfig::builder()
            .wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
            .max_past_epochs(MAX_PAST_EPOCHS)
            .number_of_resumption_psks(0)
            .padding_size(0)
            .sender_ratchet_configuration(ratchet())
            .build();
        let opened = ProcessedWelcome::new_from_welcome(provider, &config, read_welcome(welcome)?)
            .map_err(|error| match error {
                WelcomeError::NoMatchingKeyPackage => MlsError::NoKeyPackage,
                _ => failure(provider.storage(), "welcome.invalid"),
            })?;
        let mut last_resort = false;
        if let Some(package) = opened.own_key_package() {
            last_resort = package.last_resort();
            key_packages::used(self.connection, provider, package)?;
        }
        let staged = openmls::group::JoinBuilder::new(provider, opened)
            // Lifetimes are checked when a group is made; a Welcome may be late (§2).
            .skip_lifetime_validation()
            .build()
            .map_err(|_| failure(provider.storage(), "welcome.invalid"))?;
        let owner = check(&staged, accounts)?;
        let group = staged
            .into_group(provider)
            .map_err(|_| failure(provider.storage(), "welcome.invalid"))?;
        let key = group
            .export_secret(provider.crypto(), FIRST_CONTACT_LABEL, &[], 32)
            .map_err(|_| MlsError::Refused("welcome.invalid"))?;
        let key = <[u8; 32]>::try_from(key).map_err(|_| MlsError::Refused("welcome.invalid"))?;
        let group_id = group.group_id().as_slice().to_vec();
        let epoch = group.epoch().as_u64();
        // What `into_group` stores may be put off as well.
        let ahead = true;
        self.groups
            .insert(group_id.clone(), Loaded { group, ahead });
        Ok(Joined {
            group_id,
            epoch,
            last_resort,
            owner,
            first_contact_key: Zeroizing::new(key),
        })
    }
}

pub(super) fn load<'g>(
    groups: &'g mut HashMap<Vec<u8>, Loaded>,
    provider: &Provider<'_>,
    group_id: &[u8],
) -> Result<&'g mut Loaded, MlsError> {
    match groups.entry(group_id.to_vec()) {
        Entry::Occupied(entry) => Ok(entry.into_mut()),
        Entry::Vacant(entry) => {
            let group = MlsGroup::load(provider.storage(), &GroupId::from_slice(group_id))
                .map_err(|_| failure(provider.storage(), "group.load"))?
                .ok_or(MlsError::UnknownGroup)?;
            Ok(entry.insert(Loaded {
                group,
                ahead: false,
            }))
        }
    }
}

fn read_welcome(bytes: &[u8]) -> Result<Welcome, MlsError> {
    let message = MlsMessageIn::tls_deserialize_exact_bytes(bytes)
        .map_err(|_| MlsError::Refused("welcome.malformed"))?;
    match message.extract() {
        MlsMessageBodyIn::Welcome(welcome) => Ok(welcome),
        _ => Err(MlsError::Refused("welcome.malformed")),
    }
}

/// What a joiner must check (§3).
fn check(staged: &StagedWelcome, accounts: &Accounts<'_>) -> Result<VerifiedDevice, MlsError> {
    let context = staged.group_context();
    if context.ciphersuite() != SUITE {
        return Err(MlsError::Refused("welcome.suite"));
    }
    let binding = binding(staged)?;
    if binding.conversation != ConversationId::of(&accounts.own.did, &accounts.peer.did) {
        return Err(MlsError::Refused("welcome.other-conversation"));
    }
    if binding.did != accounts.peer.did {
        return Err(MlsError::Refused("welcome.other-owner"));
    }
    if staged.welcome_sender_index() != LeafNodeIndex::new(0) {
        return Err(MlsError::Refused("welcome.not-owner"));
    }
    let mut owner = None;
    for member in staged.members() {
        let device = accounts.leaf(&member.credential, &member.signature_key)?;
        if member.index == LeafNodeIndex::new(0) {
            owner = Some(device);
        }
    }
    let owner = owner.ok_or(MlsError::Refused("welcome.other-owner"))?;
    let named = &owner.certificate;
    if named.did != binding.did || named.device_id != binding.device_id {
        return Err(MlsError::Refused("welcome.other-owner"));
    }
    Ok(owner)
}

fn binding(staged: &StagedWelcome) -> Result<GroupBinding, MlsError> {
    let found = staged
        .group_context()
        .extensions()
        .iter()
        .find_map(|extension| match extension {
            Extension::Unknown(EXTENSION_TYPE, content) => Some(&content.0),
            _ => None,
        });
    let content = found.ok_or(MlsError::Refused("welcome.no-binding"))?;
    GroupBinding::decode(content).map_err(|_| MlsError::Refused("welcome.no-binding"))
}

pub(super) fn failure(store: &Store<'_>, code: &'static str) -> MlsError {
    store
        .take_failure()
        .map_or(MlsError::Refused(code), MlsError::Db)
}

impl From<rusqlite::Error> for MlsError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Db(DbError::from(error))
    }
}
