//! Devices that fetch: one by the event socket, one by pages.

use super::tally::Tally;
use crate::mailbox::{Events, Mailbox, next_event};
use futures_util::SinkExt as _;
use sotto_wire::relay_api::{Ack, Event};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

/// Before another try.
const RETRY: Duration = Duration::from_millis(25);
/// A socket that is silent for longer is opened anew: its relay may be gone without a word.
const SILENCE: Duration = Duration::from_secs(3);

pub(super) async fn by_events(mailbox: Arc<Mailbox>, tally: Arc<Tally>, over: Arc<AtomicBool>) {
    while !over.load(Ordering::Acquire) {
        match mailbox.events().await {
            Ok(mut events) => {
                while !over.load(Ordering::Acquire) && take(&mut events, &tally).await.is_some() {}
            }
            Err(_) => tokio::time::sleep(RETRY).await,
        }
    }
}

/// Takes one event; nothing where the socket is of no use any more.
async fn take(events: &mut Events, tally: &Tally) -> Option<()> {
    let Event::Delivery(delivery) = next_event(events, SILENCE).await? else {
        return Some(());
    };
    tally.arrive(&delivery.m);
    let ack = Event::Ack(Ack {
        k: delivery.k,
        id: delivery.id,
    });
    events.send(Message::binary(ack.encode())).await.ok()
}

pub(super) async fn by_pages(mailbox: Arc<Mailbox>, tally: Arc<Tally>, over: Arc<AtomicBool>) {
    while !over.load(Ordering::Acquire) {
        let page = mailbox.page(None).await;
        let messages = page.map_or_else(|_| Vec::new(), |page| page.messages);
        if messages.is_empty() {
            tokio::time::sleep(RETRY).await;
            continue;
        }
        let (mut numbers, mut acks) = (Vec::new(), Vec::new());
        for message in messages {
            numbers.extend(tally.arrive(&message.m));
            acks.push(Ack {
                k: message.k,
                id: message.id,
            });
        }
        if mailbox.acknowledge(acks).await.is_ok() {
            numbers.into_iter().for_each(|it| tally.acknowledged(it));
        }
    }
}
