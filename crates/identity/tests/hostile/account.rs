//! An account whose document, server and repository are in the hands of a test.

use std::collections::BTreeMap;

use cid::Cid;
use cid::multihash::Multihash;
use ipld_core::ipld::Ipld;
use k256::ecdsa::signature::Signer;
use k256::ecdsa::{Signature, SigningKey as RepoKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sotto_identity::handle::Handle;
use sotto_identity::verify::{Pin, VerifiedAccount, VerifyError};
use sotto_identity::{Endpoints, Network};
use sotto_wire::claim::{Claim, Incoming};
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::key::SigningKey;
use sotto_wire::time::Timestamp;
use url::Url;

use crate::server::{Answer, Server};

pub(crate) const DOCUMENT: &str = "/.well-known/did.json";
pub(crate) const RECORD: &str = "/xrpc/com.atproto.sync.getRecord";
pub(crate) const COLLECTION: &str = "chat.sotto.delegation";
/// Shortly after the revision of [`Account::new`].
pub(crate) const NOW: Timestamp = Timestamp(1_688_140_000);

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

/// Makes another signature out of a good one.
pub(crate) type Change = fn(Vec<u8>) -> Vec<u8>;

/// What its server says about itself; every part can be changed before it is published.
pub(crate) struct Account {
    pub(crate) server: Server,
    pub(crate) document: Value,
    pub(crate) record: BTreeMap<String, Ipld>,
    pub(crate) path: String,
    pub(crate) of: String,
    pub(crate) rev: String,
    pub(crate) signed_by: RepoKey,
    pub(crate) signature: Change,
}

impl Account {
    /// An account of the delegate key of this seed, on a server of its own.
    pub(crate) async fn new(seed: u8) -> Self {
        Self::at(Server::start().await, seed)
    }

    fn at(server: Server, seed: u8) -> Self {
        let signed_by = RepoKey::from_slice(&[7; 32]).unwrap();
        let of = format!("did:web:127.0.0.1%3A{}", server.port);
        let document = json!({
            "id": of,
            "alsoKnownAs": ["at://alice.example.com"],
            "verificationMethod": [{
                "id": "#atproto", "type": "Multikey", "publicKeyMultibase": multikey(&signed_by),
            }],
            "service": [{
                "id": "#atproto_pds", "type": "AtprotoPersonalDataServer",
                "serviceEndpoint": server.url(),
            }],
        });
        let mut account = Self {
            server,
            document,
            record: BTreeMap::new(),
            path: format!("{COLLECTION}/self"),
            of,
            rev: "3jzfcijpj2z2a".to_owned(),
            signed_by,
            signature: |signature| signature,
        };
        account.delegate(seed, "relay.example", 5);
        account
    }

    pub(crate) fn did(&self) -> Did {
        Did::parse(&format!("did:web:127.0.0.1%3A{}", self.server.port)).unwrap()
    }

    /// Makes the record one of this key and relay, with a good claim.
    pub(crate) fn delegate(&mut self, seed: u8, domain: &str, seq: u64) {
        let claim = Claim {
            did: self.did(),
            key: key(seed).public(),
            domain: Domain::parse(domain).unwrap(),
            incoming: Incoming::Everyone,
            seq,
            issued_at: NOW,
        };
        self.record = BTreeMap::from([
            ("$type".to_owned(), text(COLLECTION)),
            ("key".to_owned(), text(&claim.key.to_did_key())),
            ("domain".to_owned(), text(domain)),
            ("claim".to_owned(), Ipld::Bytes(claim.sign(&key(seed)))),
            ("succession".to_owned(), Ipld::List(Vec::new())),
            ("incoming".to_owned(), text("everyone")),
            ("createdAt".to_owned(), text("2026-01-01T00:00:00Z")),
        ]);
    }

    /// Changes one field of the record alone.
    pub(crate) fn set(&mut self, field: &str, value: &str) {
        self.record.insert(field.to_owned(), text(value));
    }

    /// Names this delegate key in the document as well.
    pub(crate) fn anchor(&mut self, seed: u8) {
        let multibase = key(seed).public().to_did_key().replace("did:key:", "");
        let method = json!({"id": "#e2ee", "type": "Multikey", "publicKeyMultibase": multibase});
        let methods = self.document["verificationMethod"].as_array_mut();
        methods.unwrap().push(method);
    }

    /// The blocks of the proof: commit, tree, record.
    pub(crate) fn blocks(&self) -> Vec<(Cid, Vec<u8>)> {
        let record = block(&Ipld::Map(self.record.clone()));
        let entry = map([
            ("p", Ipld::Integer(0)),
            ("k", Ipld::Bytes(self.path.clone().into_bytes())),
            ("v", Ipld::Link(record.0)),
            ("t", Ipld::Null),
        ]);
        let tree = block(&map([("l", Ipld::Null), ("e", Ipld::List(vec![entry]))]));
        let mut commit = BTreeMap::from([
            ("did".to_owned(), text(&self.of)),
            ("version".to_owned(), Ipld::Integer(3)),
            ("data".to_owned(), Ipld::Link(tree.0)),
            ("rev".to_owned(), text(&self.rev)),
            ("prev".to_owned(), Ipld::Null),
        ]);
        let unsigned = serde_ipld_dagcbor::to_vec(&Ipld::Map(commit.clone())).unwrap();
        let good: Signature = self.signed_by.sign(&unsigned);
        let signature = (self.signature)(good.to_vec());
        commit.insert("sig".to_owned(), Ipld::Bytes(signature));
        vec![block(&Ipld::Map(commit)), tree, record]
    }

    /// Serves document and proof as they are now.
    pub(crate) fn publish(&self) {
        let document = self.document.to_string().into_bytes();
        self.server.answer(DOCUMENT, Answer::Whole(200, document));
        self.server
            .answer(RECORD, Answer::Whole(200, car(&self.blocks())));
    }

    pub(crate) async fn verify(&self, known: Option<&Pin>) -> Result<VerifiedAccount, VerifyError> {
        network(&self.server)
            .verify_account(&self.did(), known, NOW)
            .await
    }

    /// What it is refused with, as the user interface knows it.
    pub(crate) async fn refused(&self, known: Option<&Pin>) -> &'static str {
        self.publish();
        self.verify(known).await.unwrap_err().code()
    }

    /// The pin of somebody who saw the account as it is now.
    pub(crate) async fn pin(&self) -> Pin {
        self.publish();
        self.verify(None).await.unwrap().pin()
    }
}

/// A network whose directory, handle resolver and `AppView` are this server.
pub(crate) fn network(server: &Server) -> Network {
    let url = Url::parse(&server.url()).unwrap();
    let endpoints = Endpoints {
        plc: url.clone(),
        handle_resolver: Some(url.clone()),
        appview: url,
        development: true,
    };
    Network::new(endpoints).unwrap()
}

pub(crate) fn handle() -> Handle {
    Handle::parse("alice.example.com").unwrap()
}

fn multikey(key: &RepoKey) -> String {
    let point = key.verifying_key().to_encoded_point(true);
    let bytes = [&[0xe7, 0x01], point.as_bytes()].concat();
    multibase::encode(multibase::Base::Base58Btc, bytes)
}

fn text(text: &str) -> Ipld {
    Ipld::String(text.to_owned())
}

fn map<const N: usize>(entries: [(&str, Ipld); N]) -> Ipld {
    Ipld::Map(entries.map(|(key, value)| (key.to_owned(), value)).into())
}

pub(crate) fn block(value: &Ipld) -> (Cid, Vec<u8>) {
    let bytes = serde_ipld_dagcbor::to_vec(value).unwrap();
    let hash = Multihash::wrap(0x12, &Sha256::digest(&bytes)).unwrap();
    (Cid::new_v1(0x71, hash), bytes)
}

/// A CAR whose root is the first block.
pub(crate) fn car(blocks: &[(Cid, Vec<u8>)]) -> Vec<u8> {
    let roots = Ipld::List(vec![Ipld::Link(blocks[0].0)]);
    let header = block(&map([("roots", roots), ("version", Ipld::Integer(1))]));
    let mut out = section(&header.1);
    for (cid, bytes) in blocks {
        out.extend(section(&[&cid.to_bytes(), bytes.as_slice()].concat()));
    }
    out
}

fn section(content: &[u8]) -> Vec<u8> {
    let mut length = content.len();
    let mut out = Vec::new();
    while length >= 0x80 {
        out.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap());
    out.extend_from_slice(content);
    out
}
