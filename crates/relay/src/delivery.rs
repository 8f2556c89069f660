//! A queued message as the wire has it.

use sotto_wire::did::Did;
use sotto_wire::key::Thumbprint;
use sotto_wire::relay_api::{Ack, Delivery, MailboxKey};

use crate::store::queue::Queued;

/// The delivery of a queued message. Nothing only where the row does not hold what was written.
pub(crate) fn from_queue(queued: Queued) -> Option<Delivery> {
    let thumbprint = |bytes: Vec<u8>| bytes.try_into().ok().map(Thumbprint::from_bytes);
    Some(Delivery {
        k: MailboxKey::try_from(queued.mailbox).ok()?,
        m: queued.body,
        id: queued.message_id,
        kt: queued.sender_key.and_then(thumbprint),
        sd: queued.sender.and_then(|did| Did::parse(&did).ok()),
    })
}

/// Acknowledgements as the store takes them. No message has a NUL in its id, and not every engine
/// takes one as text.
pub(crate) fn acknowledged(acks: Vec<Ack>) -> Vec<(String, String)> {
    acks.into_iter()
        .filter(|ack| !ack.id.contains('\0'))
        .map(|ack| (ack.k.into(), ack.id))
        .collect()
}
