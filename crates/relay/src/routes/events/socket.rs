//! An attached device: its backlog, then what arrives, never more than a window ahead of its
//! acknowledgements. The queue is the only truth. What was just queued is handed over by whoever did
//! it; wherever that leaves a gap, and now and then, the queue is asked, so that what was missed costs
//! time and no message.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::{FutureExt as _, StreamExt as _};
use sotto_wire::random;
use sotto_wire::relay_api::{Ack, Capabilities, Event, coming_back};
use tokio::time::{Instant, MissedTickBehavior};

use crate::delivery;
use crate::live::{Attachment, Taken};
use crate::state::State;
use crate::store::accounts::Owner;
use crate::store::queue::{self, Queued};
use crate::store::{StoreError, declarations, grants, inbox};

/// Between two pings. A connection that was silent for two of them is gone.
const PING: Duration = Duration::from_secs(30);
/// How long one frame may take to leave.
const SEND: Duration = Duration::from_secs(30);
/// Messages fetched from the queue at once: bounds what a socket holds in memory.
const FETCH: usize = 16;
/// Acknowledgements taken together.
const ACKS: usize = 256;
/// An acknowledgement with a DID of full length.
const MAX_EVENT: usize = 4096;

/// Sockets that may come back in a second.
const A_SECOND: u64 = 500;
/// The shortest time over which they are spread, in seconds: that of a start.
const SHORTEST: u64 = 2;

const AWAY: u16 = 1001;
const POLICY: u16 = 1008;
const INTERNAL: u16 = 1011;
/// Private range: a newer connection of the device took over, or the device is gone.
const REPLACED: u16 = 4000;

/// Why a socket ends.
enum End {
    /// The other side went, or is beyond reach.
    Gone,
    /// Closed from here, with this code.
    Close(u16),
    /// The relay ends.
    Restarting,
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Closed => Self::Close(AWAY),
            error => {
                tracing::error!(reason = %error, "a socket lost its queue");
                Self::Close(INTERNAL)
            }
        }
    }
}

struct Session {
    state: Arc<State>,
    owner: Owner,
    attachment: Attachment,
    socket: WebSocket,
    /// Position up to which messages were sent.
    sent: i64,
    /// Everything that the store knew was sent: what is queued from here on is handed over, or said.
    level: bool,
    /// Not fewer than the messages that were sent and are not acknowledged.
    ahead: usize,
    /// Position of the last message of the backlog, while `#caughtUp` is to come.
    backlog_end: Option<i64>,
    heard: Instant,
    /// What the device was last told.
    told: Option<Capabilities>,
}

/// Serves one connection to its end.
pub(super) async fn run(state: Arc<State>, owner: Owner, socket: WebSocket) {
    let _tracked = state.tasks.token();
    let attachment = state.attach(owner.device);
    let heard = Instant::now();
    let mut session = Session {
        state,
        owner,
        attachment,
        socket,
        sent: 0,
        level: false,
        ahead: 0,
        backlog_end: None,
        heard,
        told: None,
    };
    let Err(end) = session.serve().await;
    let frame = match end {
        End::Gone => None,
        End::Close(code) => Some((code, String::new())),
        End::Restarting => {
            let wait = coming_back_after(&session.state);
            Some((coming_back::RESTARTING, coming_back::reason(wait)))
        }
    };
    if let Some((code, reason)) = frame {
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        let closing = session.socket.send(Message::Close(Some(frame)));
        let _ = tokio::time::timeout(Duration::from_secs(1), closing).await;
    }
}

/// A time of its own for every socket, so that the relay's next process is not met by all at once.
fn coming_back_after(state: &State) -> Duration {
    let sockets = state.sockets_at_end.get_or_init(|| state.hub.len());
    let sockets = u64::try_from(*sockets).unwrap_or(u64::MAX);
    let longest = u64::try_from(coming_back::LONGEST.as_millis()).unwrap_or(u64::MAX);
    let window = (sockets.saturating_mul(1000) / A_SECOND).clamp(SHORTEST * 1000, longest);
    let drawn = u64::from_be_bytes(random::array(state.random.as_ref()));
    Duration::from_millis(drawn % window)
}

impl Session {
    async fn serve(&mut self) -> Result<std::convert::Infallible, End> {
        self.capabilities().await?;
        let device = self.owner.device;
        let end = self
            .state
            .store
            .read(move |sql| queue::last_seq(sql, device))
            .await?;
        self.backlog_end = Some(end);
        let mut pings = tokio::time::interval_at(Instant::now() + PING, PING);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.deliver().await?;
            self.announce().await?;
            let signal = Arc::clone(&self.attachment.signal);
            let stopping = self.state.stopping.clone();
            tokio::select! {
                biased;
                () = stopping.cancelled() => return Err(End::Restarting),
                () = signal.detached.cancelled() => return Err(End::Close(REPLACED)),
                incoming = self.socket.next() => self.receive(incoming).await?,
                () = signal.wake.notified() => {}
                _ = pings.tick() => self.ping().await?,
            }
        }
    }

    /// Says whether grants are issued to the device and mail is taken for its account, at first and
    /// where it changed.
    async fn capabilities(&mut self) -> Result<(), End> {
        // Before the query, as in `caught_up`.
        self.attachment
            .signal
            .lifecycle
            .store(false, Ordering::Release);
        let (device, now) = (self.owner.device, self.state.now_i64());
        let (account, policy) = (self.owner.account, self.state.lifecycle);
        let capabilities = self
            .state
            .store
            .read(move |sql| {
                Ok(Capabilities {
                    gr: grants::lifecycle(sql, device, policy, now)?,
                    paused: declarations::why_paused(sql, account)?,
                })
            })
            .await?;
        if self.told != Some(capabilities) {
            self.told = Some(capabilities);
            self.send(&Event::Capabilities(capabilities)).await?;
        }
        Ok(())
    }

    /// Sends what waits, as far as the window allows.
    async fn deliver(&mut self) -> Result<(), End> {
        loop {
            let (device, sent) = (self.owner.device, self.sent);
            let now = self.state.now_i64();
            let window = usize::try_from(self.state.limits.in_flight).unwrap_or(usize::MAX);
            let ahead = self.ahead;
            if self.level {
                let signal = &self.attachment.signal;
                match signal.fresh.take(sent, window.saturating_sub(ahead)) {
                    Taken::Nothing if !signal.look.load(Ordering::Acquire) => return Ok(()),
                    Taken::Nothing | Taken::Gap => {}
                    Taken::Next(fresh) => {
                        self.deliver_page(fresh).await?;
                        continue;
                    }
                }
            }
            self.level = false;
            // Before the query, as in `caught_up`.
            self.attachment.signal.look.store(false, Ordering::Release);
            let (ahead, room, end, page) = self
                .state
                .store
                .read(move |sql| {
                    // Counted only where it matters.
                    let ahead = match ahead < window {
                        true => ahead,
                        false => queue::unacknowledged(sql, device, sent)?,
                    };
                    let room = window.saturating_sub(ahead).min(FETCH);
                    // Before the page: where that is empty, nothing is left up to here.
                    let end = queue::end(sql, device)?;
                    let page = match room {
                        0 => Vec::new(),
                        _ => queue::page(sql, device, sent, room, now)?,
                    };
                    Ok((ahead, room, end, page))
                })
                .await?;
            self.ahead = ahead;
            if room == 0 {
                // An acknowledgement goes on from here.
                return Ok(());
            }
            let more = page.len() == room;
            self.deliver_page(page).await?;
            if !more || self.backlog_end.is_some_and(|end| self.sent >= end) {
                self.caught_up().await?;
            }
            if !more {
                // What is handed over from here on follows this.
                self.reached(end);
                self.level = true;
                return Ok(());
            }
        }
    }

    fn reached(&mut self, position: i64) {
        self.sent = self.sent.max(position);
        let signal = &self.attachment.signal;
        signal.sent.store(self.sent, Ordering::Release);
    }

    async fn deliver_page(&mut self, page: Vec<Queued>) -> Result<(), End> {
        for queued in page {
            self.reached(queued.seq);
            self.ahead += 1;
            if let Some(delivery) = delivery::from_queue(queued) {
                self.send(&Event::Delivery(delivery)).await?;
            }
        }
        Ok(())
    }

    /// Ends the backlog, once: `#pool` where there is one, then `#caughtUp`.
    async fn caught_up(&mut self) -> Result<(), End> {
        if self.backlog_end.take().is_none() {
            return Ok(());
        }
        // Before the query: an arrival in between is announced again rather than not at all.
        self.attachment.signal.pool.store(false, Ordering::Release);
        let (account, now) = (self.owner.account, self.state.now_i64());
        let empty = self
            .state
            .store
            .read(move |sql| inbox::pool_is_empty(sql, account, now))
            .await?;
        if !empty {
            self.send(&Event::Pool).await?;
        }
        self.send(&Event::CaughtUp).await
    }

    /// Tells that the pool stopped being empty, and whether grants are issued where that changed.
    async fn announce(&mut self) -> Result<(), End> {
        if self.attachment.signal.lifecycle.load(Ordering::Acquire) {
            self.capabilities().await?;
        }
        let caught_up = self.backlog_end.is_none();
        if caught_up && self.attachment.signal.pool.swap(false, Ordering::AcqRel) {
            self.send(&Event::Pool).await?;
        }
        Ok(())
    }

    /// Takes one message from the client, and with it the acknowledgements that came along.
    async fn receive(&mut self, incoming: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        let mut acks = Vec::new();
        let mut next = Some(incoming);
        while let Some(incoming) = next {
            self.heard = Instant::now();
            match incoming.and_then(Result::ok).ok_or(End::Gone)? {
                Message::Binary(bytes) => match Event::decode(&bytes, MAX_EVENT) {
                    Ok(Event::Ack(ack)) => acks.push(ack),
                    // Of a later version, to be passed over; anything else is not a client.
                    Err(sotto_wire::relay_api::EventError::Unknown) => {}
                    _ => return Err(End::Close(POLICY)),
                },
                Message::Text(_) => return Err(End::Close(POLICY)),
                Message::Close(_) => {
                    self.acknowledge(acks).await?;
                    return Err(End::Gone);
                }
                Message::Ping(_) | Message::Pong(_) => {}
            }
            next = if acks.len() < ACKS {
                self.socket.next().now_or_never()
            } else {
                None
            };
        }
        self.acknowledge(acks).await
    }

    async fn acknowledge(&mut self, acks: Vec<Ack>) -> Result<(), End> {
        if acks.is_empty() {
            return Ok(());
        }
        let device = self.owner.device;
        let until = self.state.later(self.state.limits.dedup_expiry);
        let acks = delivery::acknowledged(acks, device, until);
        Ok(self.state.acks.run(&self.state, acks).await?)
    }

    async fn ping(&mut self) -> Result<(), End> {
        if self.heard.elapsed() > 2 * PING + Duration::from_secs(5) {
            return Err(End::Gone);
        }
        // Should anything have been missed, it was not for long.
        self.level = false;
        self.write(Message::Ping(Vec::new().into())).await
    }

    async fn send(&mut self, event: &Event) -> Result<(), End> {
        self.write(Message::Binary(event.encode().into())).await
    }

    async fn write(&mut self, message: Message) -> Result<(), End> {
        let detached = self.attachment.signal.detached.clone();
        let stopping = self.state.stopping.clone();
        tokio::select! {
            biased;
            sent = tokio::time::timeout(SEND, self.socket.send(message)) => match sent {
                Ok(Ok(())) => Ok(()),
                // Too slow, or gone: what was not acknowledged comes again.
                _ => Err(End::Gone),
            },
            () = detached.cancelled() => Err(End::Close(REPLACED)),
            () = stopping.cancelled() => Err(End::Restarting),
        }
    }
}
