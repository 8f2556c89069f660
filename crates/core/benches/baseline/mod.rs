//! openmls with its own providers, with the same suite and settings: in memory, which the ratio is
//! taken to, and with `openmls_sqlite_storage` as it is, which says what core's way of using it
//! gains. (A bench is not `core`, so the rule that only `core/mls` names openmls does not reach it.)

use openmls::prelude::tls_codec::DeserializeBytes as _;
use openmls::prelude::*;
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::{OpenMlsRustCrypto, RustCrypto};
use openmls_sqlite_storage::{Codec, SqliteStorageProvider};
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::{Duration, Instant};

const SUITE: Ciphersuite = Ciphersuite::MLS_128_MLKEM768X25519_AES128GCM_SHA256_Ed25519;

struct Member<P> {
    provider: P,
    signer: SignatureKeyPair,
    credential: CredentialWithKey,
}

impl<P: OpenMlsProvider> Member<P> {
    fn new(name: &str, provider: P) -> Self {
        let signer = SignatureKeyPair::new(SUITE.signature_algorithm()).unwrap();
        let credential = CredentialWithKey {
            credential: BasicCredential::new(name.as_bytes().to_vec()).into(),
            signature_key: signer.public().into(),
        };
        Self {
            provider,
            signer,
            credential,
        }
    }
}

/// Seals and opens `n` messages in memory; how long each took for all of them.
pub(crate) fn messages(text: &[u8], n: usize) -> (Duration, Duration) {
    let alice = Member::new("alice", OpenMlsRustCrypto::default());
    let bob = Member::new("bob", OpenMlsRustCrypto::default());
    exchange(&alice, &bob, text, n, |_, work| work())
}

/// The same with `openmls_sqlite_storage` on SQLCipher, all messages in one transaction.
pub(crate) fn stored_messages(text: &[u8], n: usize) -> (Duration, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["alice", "bob"].map(|name| open(&folder.path().join(name)));
    let alice = Member::new("alice", Stored::new(&a));
    let bob = Member::new("bob", Stored::new(&b));
    exchange(&alice, &bob, text, n, |member, work| {
        member
            .provider
            .connection
            .execute_batch("BEGIN IMMEDIATE")
            .unwrap();
        work();
        member.provider.connection.execute_batch("COMMIT").unwrap();
    })
}

fn exchange<P: OpenMlsProvider>(
    alice: &Member<P>,
    bob: &Member<P>,
    text: &[u8],
    n: usize,
    durably: impl Fn(&Member<P>, &mut dyn FnMut()),
) -> (Duration, Duration) {
    let (mut sending, mut reading) = groups(alice, bob);
    let mut sealed: Vec<Vec<u8>> = Vec::new();
    let start = Instant::now();
    durably(alice, &mut || {
        sealed.extend((0..n).map(|_| {
            let message = sending.create_message(&alice.provider, &alice.signer, text);
            message.ok().unwrap().to_bytes().unwrap()
        }));
    });
    let seal = start.elapsed();
    let start = Instant::now();
    durably(bob, &mut || {
        for bytes in &sealed {
            let message = MlsMessageIn::tls_deserialize_exact_bytes(bytes).unwrap();
            let message = message.try_into_protocol_message().unwrap();
            let opened = reading.process_message(&bob.provider, message);
            let opened = opened.ok().unwrap().into_content();
            assert!(matches!(
                opened,
                ProcessedMessageContent::ApplicationMessage(_)
            ));
        }
    });
    (seal, start.elapsed())
}

/// Makes and processes a commit in memory.
pub(crate) fn commit() -> (Duration, Duration) {
    let alice = Member::new("alice", OpenMlsRustCrypto::default());
    let bob = Member::new("bob", OpenMlsRustCrypto::default());
    let (mut owned, mut read) = groups(&alice, &bob);
    let start = Instant::now();
    let bundle = owned
        .self_update(
            &alice.provider,
            &alice.signer,
            LeafNodeParameters::default(),
        )
        .ok()
        .unwrap();
    owned.merge_pending_commit(&alice.provider).ok().unwrap();
    let bytes = bundle.into_commit().to_bytes().unwrap();
    let made = start.elapsed();
    let start = Instant::now();
    let message = MlsMessageIn::tls_deserialize_exact_bytes(bytes.as_slice()).unwrap();
    let message = message.try_into_protocol_message().unwrap();
    let processed = read.process_message(&bob.provider, message).ok().unwrap();
    let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
        panic!("not a commit");
    };
    read.merge_staged_commit(&bob.provider, *staged)
        .ok()
        .unwrap();
    (made, start.elapsed())
}

#[derive(Default)]
struct MessagePack;

impl Codec for MessagePack {
    type Error = std::io::Error;

    fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Self::Error> {
        rmp_serde::to_vec_named(value).map_err(std::io::Error::other)
    }

    fn from_slice<T: DeserializeOwned>(slice: &[u8]) -> Result<T, Self::Error> {
        rmp_serde::from_slice(slice).map_err(std::io::Error::other)
    }
}

struct Stored<'c> {
    connection: &'c Connection,
    storage: SqliteStorageProvider<MessagePack, &'c Connection>,
    crypto: RustCrypto,
}

impl<'c> Stored<'c> {
    fn new(connection: &'c Connection) -> Self {
        Self {
            connection,
            storage: SqliteStorageProvider::new(connection),
            crypto: RustCrypto::default(),
        }
    }
}

impl<'c> OpenMlsProvider for Stored<'c> {
    type CryptoProvider = RustCrypto;
    type RandProvider = RustCrypto;
    type StorageProvider = SqliteStorageProvider<MessagePack, &'c Connection>;

    fn storage(&self) -> &Self::StorageProvider {
        &self.storage
    }

    fn crypto(&self) -> &RustCrypto {
        &self.crypto
    }

    fn rand(&self) -> &RustCrypto {
        &self.crypto
    }
}

fn open(path: &std::path::Path) -> Connection {
    let mut connection = Connection::open(path).unwrap();
    let pragmas =
        "PRAGMA key = \"x'0101010101010101010101010101010101010101010101010101010101010101'\";
        PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
    connection.execute_batch(pragmas).unwrap();
    SqliteStorageProvider::<MessagePack, &mut Connection>::new(&mut connection)
        .run_migrations()
        .unwrap();
    connection
}

fn groups<P: OpenMlsProvider>(alice: &Member<P>, bob: &Member<P>) -> (MlsGroup, MlsGroup) {
    let package = KeyPackage::builder()
        .build(SUITE, &bob.provider, &bob.signer, bob.credential.clone())
        .unwrap();
    let mut group = MlsGroup::builder()
        .ciphersuite(SUITE)
        .use_ratchet_tree_extension(true)
        .max_past_epochs(5)
        .sender_ratchet_configuration(SenderRatchetConfiguration::new(50, 2000))
        .build(&alice.provider, &alice.signer, alice.credential.clone())
        .unwrap();
    let packages = [package.key_package().clone()];
    let (_, welcome, _) = group
        .add_members(&alice.provider, &alice.signer, &packages)
        .unwrap();
    group.merge_pending_commit(&alice.provider).ok().unwrap();
    let MlsMessageBodyIn::Welcome(welcome) = MlsMessageIn::from(welcome).extract() else {
        panic!("not a Welcome");
    };
    let config = MlsGroupJoinConfig::builder()
        .max_past_epochs(5)
        .sender_ratchet_configuration(SenderRatchetConfiguration::new(50, 2000))
        .build();
    let joined = StagedWelcome::new_from_welcome(&bob.provider, &config, welcome, None)
        .unwrap()
        .into_group(&bob.provider)
        .unwrap();
    (group, joined)
}
