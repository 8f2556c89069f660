//! One connection of the event socket, from the first frame to its end.

use super::batch;
use super::introductions::Introductions;
use super::pool::{self, PoolError};
use crate::db::own_move;
use crate::delivery::Context;
use crate::delivery::context::Trouble;
use crate::delivery::wake::clock_jumped;
use crate::messages::EngineError;
use crate::relay::socket::Socket;
use crate::relay::{RelayError, Relays};
use crate::views::{ConnectionState, ErrorView, shown};
use futures_util::{SinkExt as _, StreamExt as _};
use sotto_wire::domain::Domain;
use sotto_wire::first_contact::MAX_ENVELOPE;
use sotto_wire::relay_api::coming_back::{RESTARTING, wait};
use sotto_wire::relay_api::{Ack, Delivery, Event, EventError};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_tungstenite::tungstenite::Message;

/// Deliveries of one transaction.
const BATCH: usize = 200;
/// A pause this long ends a batch: nobody waits for a message that has not arrived.
const PAUSE: Duration = Duration::from_millis(4);
const PING: Duration = Duration::from_secs(20);
/// A relay that was silent for this long is gone.
const SILENCE: Duration = Duration::from_secs(45);
const MAX_EVENT: usize = MAX_ENVELOPE + 4096;
/// A database that fails will not be better at once.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// Whose event socket it is.
#[derive(Clone)]
pub(in crate::delivery) enum Place {
    /// The own relay's.
    Own,
    /// That of one that was left (docs/protocol.md §4.9).
    Former { domain: Domain, relays: Relays },
}

impl Place {
    pub(in crate::delivery) fn relays<'a>(&'a self, context: &'a Context) -> &'a Relays {
        match self {
            Self::Own => &context.relays,
            Self::Former { relays, .. } => relays,
        }
    }

    pub(in crate::delivery) fn domain<'a>(&'a self, context: &'a Context) -> &'a Domain {
        match self {
            Self::Own => &context.own.domain,
            Self::Former { domain, .. } => domain,
        }
    }
}

/// Why a session ended.
pub(in crate::delivery) enum End {
    /// There is a reason to connect again at once.
    Woken,
    /// The relay ends, and wants this device to come back after so long.
    Restarting(Duration),
    /// The relay, or the way to it.
    Relay(RelayError),
}

pub(in crate::delivery) struct Session {
    context: Arc<Context>,
    place: Place,
    socket: Socket,
    introductions: Introductions,
    heard: Instant,
    /// Whether the relay says that it takes no first contacts.
    paused: bool,
}

impl Session {
    pub(in crate::delivery) fn new(context: Arc<Context>, place: Place, socket: Socket) -> Self {
        let introductions = Introductions::new(Arc::clone(&context));
        Self {
            context,
            place,
            socket,
            introductions,
            heard: Instant::now(),
            paused: false,
        }
    }

    /// Receives until the connection ends.
    pub(in crate::delivery) async fn run(mut self) -> End {
        let context = Arc::clone(&self.context);
        let jumped = clock_jumped(&*context.clock);
        tokio::pin!(jumped);
        let mut pings = tokio::time::interval(PING);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let outcome = tokio::select! {
                biased;
                () = &mut jumped => return End::Woken,
                _ = pings.tick() => self.ping().await,
                met = self.introductions.next() => self.process(met.into_batch()).await,
                // Last: a relay that never stops sending does not keep the others from their turn.
                first = self.socket.next() => self.receive(first).await,
            };
            if let Err(end) = outcome {
                return end;
            }
            // Nothing else makes the relay deliver again what there was no room for.
            if self.introductions.has_room_again() {
                return End::Woken;
            }
        }
    }

    async fn ping(&mut self) -> Result<(), End> {
        if self.heard.elapsed() > SILENCE {
            return Err(End::Relay(RelayError::Unreachable));
        }
        self.send(Message::Ping(Vec::new().into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match tokio::time::timeout(SILENCE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(End::Relay(RelayError::Unreachable)),
        }
    }

    /// What has come, together with what comes right after it.
    async fn receive(&mut self, first: Option<Incoming>) -> Result<(), End> {
        let mut deliveries = Vec::new();
        let (mut waiting, mut caught_up) = (false, false);
        let mut next = first;
        loop {
            self.heard = Instant::now();
            match event(next)? {
                Some(Event::Delivery(delivery)) => deliveries.push(delivery),
                Some(Event::Pool) => waiting = true,
                Some(Event::CaughtUp) => caught_up = true,
                Some(Event::Capabilities(it)) => self.note_paused(it.paused.is_some()),
                Some(Event::Ack(_)) | None => {}
            }
            if deliveries.len() >= BATCH {
                break;
            }
            match tokio::time::timeout(PAUSE, self.socket.next()).await {
                Ok(more) => next = more,
                Err(_) => break,
            }
        }
        self.process(deliveries).await?;
        if waiting {
            self.adjudicate().await?;
        }
        if caught_up {
            self.caught_up().await?;
        }
        Ok(())
    }

    async fn caught_up(&mut self) -> Result<(), End> {
        let context = &self.context;
        match &self.place {
            Place::Own => {
                context.set_connection(ConnectionState::Online, None);
                context.hurry();
            }
            Place::Former { domain, .. } => {
                let domain = domain.clone();
                let noted = context
                    .database
                    .write(move |tx| own_move::reached(tx, &domain));
                if let Err(error) = noted.await {
                    return Err(database_failed(context, &error.into()).await);
                }
            }
        }
        Ok(())
    }

    /// Where the relay begins or ceases to take first contacts, the housekeeper finds out why.
    fn note_paused(&mut self, paused: bool) {
        if self.paused != paused {
            self.paused = paused;
            self.context.look_after.notify_one();
        }
    }

    /// Processes deliveries; those of strangers wait until they are introduced.
    async fn process(&mut self, deliveries: Vec<Delivery>) -> Result<(), End> {
        if deliveries.is_empty() {
            return Ok(());
        }
        let sorted = self.introductions.sort(deliveries).await;
        let mut acks = sorted.hopeless;
        match batch::keep(&self.context, sorted.held).await {
            Ok(kept) => acks.extend(kept),
            Err(error) => return Err(database_failed(&self.context, &error).await),
        }
        match batch::store(&self.context, sorted.ready).await {
            Ok(stored) => acks.extend(stored),
            Err(error) => return Err(database_failed(&self.context, &error).await),
        }
        self.context.set_trouble(Trouble::Receiving, None);
        self.acknowledge(acks).await
    }

    async fn acknowledge(&mut self, acks: Vec<Ack>) -> Result<(), End> {
        let socket = &mut self.socket;
        let sending = async {
            for ack in acks {
                let event = Message::Binary(Event::Ack(ack).encode().into());
                socket.feed(event).await?;
            }
            socket.flush().await
        };
        // Half of a connection may be gone: what is fed into the other half then waits for ever.
        match tokio::time::timeout(SILENCE, sending).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(End::Relay(RelayError::Unreachable)),
        }
    }

    async fn adjudicate(&mut self) -> Result<(), End> {
        match pool::empty(&self.context, &self.place).await {
            Ok(()) => Ok(()),
            Err(PoolError::Relay(error)) => Err(End::Relay(error)),
            Err(PoolError::Engine(error)) => Err(database_failed(&self.context, &error).await),
        }
    }
}

/// Not acknowledged, so it comes again.
async fn database_failed(context: &Context, error: &EngineError) -> End {
    tracing::error!(%error, "what arrived could not be stored");
    let view = ErrorView::with_detail(shown(error.code()), error);
    context.set_trouble(Trouble::Receiving, Some(view));
    tokio::time::sleep(AFTER_FAILURE).await;
    End::Woken
}

type Incoming = Result<Message, tokio_tungstenite::tungstenite::Error>;

/// The event in a frame; `None` for what is no event, or one of a later version.
fn event(incoming: Option<Incoming>) -> Result<Option<Event>, End> {
    let gone = End::Relay(RelayError::Unreachable);
    match incoming {
        Some(Ok(Message::Binary(bytes))) => match Event::decode(&bytes, MAX_EVENT) {
            Ok(event) => Ok(Some(event)),
            Err(EventError::Unknown) => Ok(None),
            Err(EventError::Malformed(_)) => {
                Err(End::Relay(RelayError::NotARelay("an event is malformed")))
            }
        },
        Some(Ok(Message::Text(_))) => Err(End::Relay(RelayError::NotARelay("text in its events"))),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
        Some(Ok(Message::Close(Some(frame)))) if u16::from(frame.code) == RESTARTING => {
            Err(wait(&frame.reason).map_or(gone, End::Restarting))
        }
        Some(Ok(Message::Close(_)) | Err(_)) | None => Err(gone),
    }
}
