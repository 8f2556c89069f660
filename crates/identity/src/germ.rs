//! Declarations of Germ, another messenger on AT Protocol (docs/protocol.md §7). They are read to
//! say where someone without Sotto can be reached, and for nothing else: no key out of one is ever
//! kept, shown or encrypted to.
//!
//! The formats are those of `com.germnetwork.declaration` and of Germ's Autonomous Communicator
//! protocol. As everywhere in this crate the bytes are a stranger's: bounded, read strictly, and
//! believed only as far as signatures and the repository's proof go.

use sotto_wire::did::Did;
use sotto_wire::key::PublicKey;
use thiserror::Error;
use url::Url;

use crate::did_document::DocumentError;
use crate::repo::FetchError;

mod find;
mod follows;
mod hello;
mod linear;
mod link;
mod record;
mod succession;

pub use find::FoundDeclaration;

/// The collection of the record.
pub const COLLECTION: &str = "com.germnetwork.declaration";
/// The record key.
pub const RKEY: &str = "self";

/// A declaration whose signatures have been verified. Made only by [`GermDeclaration::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GermDeclaration {
    did: Did,
    key: PublicKey,
    claims_account: bool,
    predecessors: Vec<PublicKey>,
    message_me: Option<MessageMe>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct MessageMe {
    audience: Audience,
    url: String,
}

/// To whom an account offers to be written to on Germ; later ones include the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Audience {
    /// To nobody.
    Nobody,
    /// To the accounts that it follows.
    Followed,
    /// To everyone.
    Everyone,
}

/// Why a declaration counts for nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum GermError {
    /// The account is proved to have no declaration.
    #[error("the account has no Germ declaration")]
    None,
    /// There is no usable document of the account (or the directory cannot be asked now).
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Its server proves nothing (or cannot be asked now).
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// This field of the record is missing or malformed.
    #[error("the Germ declaration has no valid {0}")]
    Record(&'static str),
    /// Bytes inside it are cut short, too long, or not written in the one way there is.
    #[error("the Germ declaration's bytes are malformed")]
    Malformed,
    /// A key or a signature of another algorithm than Ed25519, or a key that cannot be used.
    #[error("the Germ declaration uses an unusable key")]
    Key,
    /// Its current key did not sign the hello.
    #[error("the Germ declaration is not signed by its key")]
    AnchorSignature,
    /// The agent key in the hello did not sign it.
    #[error("the Germ declaration is not signed by its agent")]
    AgentSignature,
    /// The hello is one for another account.
    #[error("the Germ declaration is about another account")]
    WrongAccount,
    /// A key did not sign for the one that came after it.
    #[error("the Germ declaration's keys do not follow from one another")]
    Succession,
}

impl GermDeclaration {
    /// The account.
    #[must_use]
    pub fn did(&self) -> &Did {
        &self.did
    }

    /// Its current key on Germ.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Whether the key claims the account too. Where it does not, the record alone says so.
    #[must_use]
    pub fn claims_account(&self) -> bool {
        self.claims_account
    }

    /// The keys before it, oldest first, each of which signed for the next.
    #[must_use]
    pub fn predecessors(&self) -> &[PublicKey] {
        &self.predecessors
    }

    /// To whom a way to write to the account may be shown.
    #[must_use]
    pub fn audience(&self) -> Audience {
        self.message_me
            .as_ref()
            .map_or(Audience::Nobody, |message_me| message_me.audience)
    }

    /// Where `viewer` can write to the account, where its address is one that may be opened. Whether
    /// it may be *shown* depends on [`GermDeclaration::audience`].
    fn link(&self, viewer: &Did) -> Option<Url> {
        let message_me = self.message_me.as_ref()?;
        link::complete(&message_me.url, &self.did, viewer)
    }
}

#[cfg(test)]
mod maker;
#[cfg(test)]
mod tests;
