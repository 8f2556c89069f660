//! The `keyPackage` of a declaration, an `AnchorHello`: the current key's statement that it is the
//! key of this account, with the keys before it, whom it wants to hear from, and what a session on
//! Germ would begin with. The last is checked to be there and passed over.

use sotto_wire::did::Did;
use sotto_wire::key::PublicKey;

use super::linear::{Reader, write_data, write_key};
use super::succession::{self, Proof};
use super::{Audience, GermError};

/// The longest hello: a signature, a length and as many bytes as a length can say.
pub(super) const MAX_HELLO: usize = 65 + 3 + 65_535;

/// What a verified hello says.
pub(super) struct Hello {
    pub(super) predecessors: Vec<PublicKey>,
    pub(super) audience: Audience,
}

struct Content<'a> {
    did: &'a [u8],
    proofs: Vec<Proof<'a>>,
    audience: Audience,
    agent: PublicKey,
}

/// Verifies a hello under the current key, for this account. The outer signature is verified before
/// what is inside is read.
pub(super) fn verify(bytes: &[u8], key: &PublicKey, did: &Did) -> Result<Hello, GermError> {
    let mut reader = Reader::new(bytes);
    let signature = reader.signature()?;
    let package = reader.data()?;
    reader.end()?;
    key.verify(&signed_by_anchor(package, key), signature)
        .map_err(|_| GermError::AnchorSignature)?;

    let mut reader = Reader::new(package);
    let content = Content::read(&mut reader)?;
    let length = package.len() - reader.rest().len();
    let content_bytes = package.get(..length).ok_or(GermError::Malformed)?;
    let signature = reader.signature()?;
    reader.end()?;
    content
        .agent
        .verify(&signed_by_agent(content_bytes), signature)
        .map_err(|_| GermError::AgentSignature)?;
    if content.did != did.as_str().as_bytes() {
        return Err(GermError::WrongAccount);
    }
    Ok(Hello {
        predecessors: succession::verify(&content.proofs, key, did)?,
        audience: content.audience,
    })
}

impl<'a> Content<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, GermError> {
        // The kind of account; AT Protocol is the only one there is.
        if reader.u16()? != 0 {
            return Err(GermError::WrongAccount);
        }
        let content = Self {
            did: reader.data()?,
            proofs: reader.list(Proof::read)?,
            audience: match reader.byte()? {
                0 => Audience::Nobody,
                1 => Audience::Followed,
                2 => Audience::Everyone,
                _ => return Err(GermError::Malformed),
            },
            agent: reader.key()?,
        };
        version(reader)?;
        reader.list(Reader::data)?;
        Ok(content)
    }
}

/// The version of the sender's software: three numbers and a text that may follow them.
fn version(reader: &mut Reader<'_>) -> Result<(), GermError> {
    for _ in 0..3 {
        reader.number()?;
    }
    let suffix = reader.optional_data()?.unwrap_or_default();
    std::str::from_utf8(suffix).map_err(|_| GermError::Malformed)?;
    Ok(())
}

/// What the current key signs.
pub(super) fn signed_by_anchor(package: &[u8], key: &PublicKey) -> Vec<u8> {
    let mut out = Vec::new();
    write_data(&mut out, b"AnchorHello.AnchorSignatureBody");
    write_data(&mut out, package);
    write_key(&mut out, key);
    out
}

/// What the agent key signs.
pub(super) fn signed_by_agent(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_data(&mut out, b"AnchorHello.AgentSignatureBody");
    out.extend_from_slice(content);
    out
}
