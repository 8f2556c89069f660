//! Where a manifest lies.

use std::fmt;

use super::ObjectName;
use crate::domain::Domain;
use crate::relay_api::paths;

/// The URL in a message: an object at a discovery domain, and nothing else that a URL could say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentUrl {
    /// The relay.
    pub domain: Domain,
    /// The manifest.
    pub name: ObjectName,
}

/// The text does not name an object at a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the address of an attachment")]
pub struct InvalidUrl;

impl AttachmentUrl {
    /// Reads a URL: `https://{domain}/pmr/v1/attachments/{name}`, in one spelling; `http` for
    /// loopback domains, which [`Domain::base_url`] refuses outside development.
    ///
    /// # Errors
    /// [`InvalidUrl`] for everything else.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidUrl)?;
        let (host, path) = rest.split_at(rest.find('/').ok_or(InvalidUrl)?);
        let name = path
            .strip_prefix(paths::ATTACHMENTS)
            .and_then(|rest| rest.strip_prefix('/'))
            .ok_or(InvalidUrl)?;
        let domain = Domain::parse(host).map_err(|_| InvalidUrl)?;
        let name = ObjectName::parse(name).map_err(|_| InvalidUrl)?;
        let url = Self { domain, name };
        if scheme == url.scheme() {
            Ok(url)
        } else {
            Err(InvalidUrl)
        }
    }

    fn scheme(&self) -> &'static str {
        if self.domain.is_loopback() {
            "http"
        } else {
            "https"
        }
    }
}

impl fmt::Display for AttachmentUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = paths::attachment(&self.name);
        write!(f, "{}://{}{path}", self.scheme(), self.domain)
    }
}
