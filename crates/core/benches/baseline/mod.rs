//! openmls with its own provider, in memory, with the same suite and settings: what the ratio is
//! taken to. (A bench is not `core`, so the rule that only `core/mls` names openmls does not
//! reach it.)

use openmls::prelude::tls_codec::DeserializeBytes as _;
use openmls::prelude::*;
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use std::time::{Duration, Instant};

const SUITE: Ciphersuite = Ciphersuite::MLS_128_MLKEM768X25519_AES128GCM_SHA256_Ed25519;

struct Member {
    provider: OpenMlsRustCrypto,
    signer: SignatureKeyPair,
    credential: CredentialWithKey,
}

impl Member {
    fn new(name: &str) -> Self {
        let provider = OpenMlsRustCrypto::default();
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

/// Seals and opens `n` messages; how long each took for all of them.
pub(crate) fn messages(text: &[u8], n: usize) -> (Duration, Duration) {
    let (alice, bob) = (Member::new("alice"), Member::new("bob"));
    let (mut sending, mut reading) = groups(&alice, &bob);
    let start = Instant::now();
    let sealed: Vec<Vec<u8>> = (0..n)
        .map(|_| {
            let message = sending
                .create_message(&alice.provider, &alice.signer, text)
                .unwrap();
            message.to_bytes().unwrap()
        })
        .collect();
    let seal = start.elapsed();
    let start = Instant::now();
    for bytes in &sealed {
        let message = MlsMessageIn::tls_deserialize_exact_bytes(bytes).unwrap();
        let message = message.try_into_protocol_message().unwrap();
        let opened = reading
            .process_message(&bob.provider, message)
            .unwrap()
            .into_content();
        assert!(matches!(
            opened,
            ProcessedMessageContent::ApplicationMessage(_)
        ));
    }
    (seal, start.elapsed())
}

fn groups(alice: &Member, bob: &Member) -> (MlsGroup, MlsGroup) {
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
    group.merge_pending_commit(&alice.provider).unwrap();
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
