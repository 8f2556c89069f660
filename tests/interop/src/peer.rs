//! A device whose MLS is mls-rs: it makes and joins send groups as docs/protocol.md §2 has them.

use crate::suite::{Provider, SUITE};
use mls_rs::client_builder::{MlsConfig, PaddingMode};
use mls_rs::error::MlsError;
use mls_rs::group::ReceivedMessage;
use mls_rs::identity::SigningIdentity;
use mls_rs::identity::basic::{BasicCredential, BasicIdentityProvider};
use mls_rs::mls_rules::{CommitOptions, DefaultMlsRules, EncryptionOptions};
use mls_rs::psk::ExternalPskId;
use mls_rs::storage_provider::in_memory::InMemoryPreSharedKeyStorage;
use mls_rs::time::MlsTime;
use mls_rs::{Client, Extension, ExtensionList, Group, MlsMessage};
use mls_rs_core::extension::ExtensionType;
use std::time::Duration;

/// Extension that binds a group to its conversation.
const BINDING: ExtensionType = ExtensionType::new(0xf0a7);
const LIFETIME: Duration = Duration::from_secs(90 * 86_400);

/// Who the device is, and what time it is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Seed of the Ed25519 device key.
    pub seed: [u8; 32],
    /// The device key.
    pub public: [u8; 32],
    /// The device certificate: the identity of its Basic credential.
    pub certificate: Vec<u8>,
    /// Its time.
    pub now: MlsTime,
}

/// External secrets, by name.
#[derive(Debug, Clone, Default)]
pub struct Psks(InMemoryPreSharedKeyStorage);

impl Psks {
    /// Keeps the secret of a group's present epoch, and gives its name (docs/protocol.md §3.8).
    ///
    /// # Panics
    /// Where the group has no exporter.
    pub fn keep<C: MlsConfig>(&mut self, group: &Group<C>, label: &str) -> Vec<u8> {
        let mut name = group.current_epoch().to_be_bytes().to_vec();
        name.extend_from_slice(group.group_id());
        let secret = export(group, label).expect("a group has one");
        self.0
            .insert(ExternalPskId::new(name.clone()), secret.into());
        name
    }
}

impl Identity {
    fn now(&self) -> Option<MlsTime> {
        Some(self.now)
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn time(seconds: u64) -> MlsTime {
        MlsTime::from_duration_since_epoch(Duration::from_secs(seconds))
    }

    /// The device. Commits find external secrets in `psks`.
    #[must_use]
    pub fn client(&self, psks: &Psks) -> Client<impl MlsConfig + use<>> {
        let rules = DefaultMlsRules::new()
            .with_encryption_options(EncryptionOptions::new(true, PaddingMode::None))
            .with_commit_options(CommitOptions::new().with_path_required(true));
        let credential = BasicCredential::new(self.certificate.clone()).into_credential();
        let identity = SigningIdentity::new(credential, self.public.to_vec().into());
        Client::builder()
            .crypto_provider(Provider)
            .identity_provider(BasicIdentityProvider::new())
            .psk_store(psks.0.clone())
            .extension_type(BINDING)
            .key_package_lifetime(LIFETIME)
            .mls_rules(rules)
            .signing_identity(identity, self.seed.to_vec().into(), SUITE)
            .build()
    }

    /// A key package as an MLSMessage.
    ///
    /// # Errors
    /// What mls-rs says.
    pub fn key_package<C: MlsConfig>(&self, client: &Client<C>) -> Result<Vec<u8>, MlsError> {
        let nothing = ExtensionList::default;
        client
            .generate_key_package_message(nothing(), nothing(), self.now())?
            .to_bytes()
    }

    /// A group with one member more, and the Welcome for it.
    ///
    /// # Errors
    /// What mls-rs says.
    pub fn create<C: MlsConfig>(
        &self,
        client: &Client<C>,
        group_id: Vec<u8>,
        binding: Vec<u8>,
        key_package: &[u8],
    ) -> Result<(Group<C>, Vec<u8>), MlsError> {
        let mut context = ExtensionList::default();
        context.set(Extension::new(BINDING, binding));
        let leaf = ExtensionList::default();
        let mut group = client.create_group_with_id(group_id, context, leaf, self.now())?;
        let commit = group
            .commit_builder()
            .commit_time(self.now)
            .add_member(MlsMessage::from_bytes(key_package)?)?
            .build()?;
        group.apply_pending_commit()?;
        let welcome = commit.welcome_messages().first();
        let welcome = welcome.ok_or(MlsError::UnexpectedMessageType)?.to_bytes()?;
        Ok((group, welcome))
    }

    /// The group of a Welcome.
    ///
    /// # Errors
    /// What mls-rs says.
    pub fn join<C: MlsConfig>(
        &self,
        client: &Client<C>,
        welcome: &[u8],
    ) -> Result<Group<C>, MlsError> {
        let welcome = MlsMessage::from_bytes(welcome)?;
        Ok(client.join_group(None, &welcome, self.now())?.0)
    }
}

/// A commit of the owner that mixes in the secrets with these names (docs/protocol.md §3.8), in
/// force.
///
/// # Errors
/// What mls-rs says.
pub fn commit<C: MlsConfig>(
    group: &mut Group<C>,
    names: &[Vec<u8>],
    now: MlsTime,
) -> Result<Vec<u8>, MlsError> {
    let mut builder = group.commit_builder().commit_time(now);
    for name in names {
        builder = builder.add_external_psk(ExternalPskId::new(name.clone()))?;
    }
    let commit = builder.build()?;
    group.apply_pending_commit()?;
    commit.commit_message().to_bytes()
}

/// Any bytes as a message of the group.
///
/// # Errors
/// What mls-rs says.
pub fn seal<C: MlsConfig>(group: &mut Group<C>, payload: &[u8]) -> Result<Vec<u8>, MlsError> {
    group
        .encrypt_application_message(payload, Vec::new())?
        .to_bytes()
}

/// What the group's owner said. Nothing where the message is no application message.
///
/// # Errors
/// What mls-rs says.
pub fn open<C: MlsConfig>(
    group: &mut Group<C>,
    message: &[u8],
) -> Result<Option<Vec<u8>>, MlsError> {
    let message = MlsMessage::from_bytes(message)?;
    Ok(match group.process_incoming_message(message)? {
        ReceivedMessage::ApplicationMessage(message) => Some(message.data().to_vec()),
        _ => None,
    })
}

/// The epoch that a message belongs to.
///
/// # Errors
/// What mls-rs says.
pub fn epoch_of(message: &[u8]) -> Result<u64, MlsError> {
    let message = MlsMessage::from_bytes(message)?;
    message.epoch().ok_or(MlsError::UnexpectedMessageType)
}

/// A secret of the group's epoch, RFC 9420 §8.5.
///
/// # Errors
/// What mls-rs says.
pub fn export<C: MlsConfig>(group: &Group<C>, label: &str) -> Result<Vec<u8>, MlsError> {
    let secret = group.export_secret(label.as_bytes(), &[], 32)?;
    Ok(secret.as_bytes().to_vec())
}
