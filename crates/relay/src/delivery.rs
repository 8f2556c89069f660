//! A queued message as the wire has it.

use sotto_wire::did::Did;
use sotto_wire::key::Thumbprint;
use sotto_wire::relay_api::{Ack, Delivery, MailboxKey};

use crate::store::DeviceRow;
use crate::store::queue::{Acknowledged, Queued};

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

/// Acknowledgements of a device as the store takes them. No message has a NUL in its id, and not
/// every engine takes one as text.
pub(crate) fn acknowledged(acks: Vec<Ack>, device: DeviceRow, until: i64) -> Vec<Acknowledged> {
    acks.into_iter()
        .filter(|ack| !ack.id.contains('\0'))
        .map(|ack| Acknowledged {
            message_id: ack.id,
            mailbox: ack.k.into(),
            device,
            remember_until: until,
        })
        .collect()
}
