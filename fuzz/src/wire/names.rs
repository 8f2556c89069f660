//! Texts that name something.

use crate::Target;
use sotto_wire::attachment::{AttachmentUrl, ObjectName};
use sotto_wire::claim::Incoming;
use sotto_wire::conversation::ConversationId;
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::grant::Address;
use sotto_wire::key::Thumbprint;
use sotto_wire::pds_api::{Audience, ErrorName};
use sotto_wire::relay_api::{MailboxKey, paths};

pub(super) const NAMES: Target = Target {
    name: "names",
    run: names,
};

fn names(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if let Ok(did) = Did::parse(text) {
        assert_eq!(did.as_str(), text);
        let _ = (paths::did_mailbox(&did), Audience::new(&did));
    }
    if let Ok(domain) = Domain::parse(text) {
        assert_eq!(domain.as_str(), text);
        let _ = (domain.base_url(true), domain.base_url(false));
    }
    if let Ok(address) = Address::parse(text) {
        assert_eq!(address.as_str(), text);
    }
    if let Ok(thumbprint) = Thumbprint::parse(text) {
        assert_eq!(thumbprint.text(), text);
    }
    if let Some(id) = ConversationId::from_hex(text) {
        assert_eq!(id.hex(), text);
    }
    if let Ok(key) = MailboxKey::try_from(text.to_owned()) {
        assert_eq!(key.as_str(), text);
    }
    if let Ok(audience) = Audience::try_from(text.to_owned()) {
        assert_eq!(audience.as_str(), text);
    }
    if let Ok(url) = AttachmentUrl::parse(text) {
        assert_eq!(url.to_string(), text);
    }
    if let Ok(name) = ObjectName::parse(text) {
        assert_eq!(name.to_string(), text);
    }
    assert!(Incoming::parse(text).is_none_or(|it| it.as_str() == text));
    assert!(ErrorName::parse(text).is_none_or(|it| it.as_str() == text));
}
