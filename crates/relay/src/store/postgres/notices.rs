//! What the processes of one relay tell each other: after a commit, never inside of it, and on
//! connections of their own. A notice that is lost costs time and no message: sockets also look by
//! themselves, now and then ([`crate::neighbours`]).

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use postgres::fallible_iterator::FallibleIterator as _;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::super::sql::{Sql, params};
use super::super::{DeviceRow, StoreError, Stored};
use super::address::Address;
use super::connection::Connection;

/// Devices in one notification, whose text is bounded to 8000 bytes.
const DEVICES: usize = 300;
/// Notices taken along in one go.
const TOGETHER: usize = 1000;
/// Between two looks whether the relay ended, and two attempts to reach the server.
const PAUSE: Duration = Duration::from_secs(1);

/// Something other processes have to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Notice {
    /// There is something in this device's queue.
    Queue(DeviceRow),
    /// The pool of this device's account stopped being empty.
    Pool(DeviceRow),
    /// Whether grants are issued to this device may have changed.
    Lifecycle(DeviceRow),
    /// This device is attached elsewhere now, or no longer registered.
    Detached(DeviceRow),
}

/// What a process hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A notice of another process.
    Notice(Notice),
    /// Listening began, or began again: anything may have been missed.
    Anything,
}

/// Both directions.
pub(crate) struct Notices {
    origin: u64,
    outgoing: Mutex<Option<Sender<Notice>>>,
    incoming: Mutex<Option<UnboundedReceiver<Heard>>>,
}

impl Notices {
    /// Starts telling and listening. The channel is that of the schema `connection` is in.
    pub(super) fn start(address: &Address, connection: &Connection, origin: u64) -> Stored<Self> {
        let sql: &dyn Sql = connection;
        let schema: i64 = sql.one(
            "SELECT current_schema()::regnamespace::oid::bigint",
            params![],
            |row| row.get(0),
        )?;
        let channel_name = format!("sotto_relay_{schema}");
        let (outgoing, to_tell) = channel();
        let (heard, incoming) = unbounded_channel();
        let (teller, name) = (address.clone(), channel_name.clone());
        let spawn = || std::thread::Builder::new().name("relay-notices".to_owned());
        spawn().spawn(move || tell(&teller, &name, origin, &to_tell))?;
        let listener = address.clone();
        spawn().spawn(move || listen(&listener, &channel_name, origin, &heard))?;
        Ok(Self {
            origin,
            outgoing: Mutex::new(Some(outgoing)),
            incoming: Mutex::new(Some(incoming)),
        })
    }

    /// What tells this process from others.
    pub(crate) fn origin(&self) -> u64 {
        self.origin
    }

    /// Tells the others, soon.
    pub(crate) fn tell(&self, notices: impl Iterator<Item = Notice>) {
        let outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outgoing) = &*outgoing {
            for notice in notices {
                // The thread ends with this sender only.
                let _ = outgoing.send(notice);
            }
        }
    }

    /// What others tell, for one who listens.
    pub(crate) fn heard(&self) -> Option<UnboundedReceiver<Heard>> {
        self.incoming
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Ends telling; listening ends with its receiver.
    pub(super) fn close(&self) {
        let mut outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        outgoing.take();
    }
}

fn tell(address: &Address, channel: &str, origin: u64, notices: &Receiver<Notice>) {
    let mut connection: Option<Connection> = None;
    while let Ok(first) = notices.recv() {
        let mut batch = vec![first];
        batch.extend(notices.try_iter().take(TOGETHER));
        batch.sort_unstable();
        batch.dedup();
        if connection.as_ref().is_none_or(Connection::is_closed) {
            connection = address.connect().and_then(Connection::new).ok();
        }
        // Without a server there is nothing to tell; the others look by themselves.
        let Some(connection) = &connection else {
            continue;
        };
        for part in batch.chunks(DEVICES) {
            let told = (connection as &dyn Sql).exists(
                "SELECT pg_notify(?1, ?2) IS NULL",
                params![channel, &written(origin, part)],
            );
            if let Err(error) = told {
                tracing::warn!(reason = %error, "other processes were not told");
            }
        }
    }
}

fn listen(address: &Address, channel: &str, origin: u64, heard: &UnboundedSender<Heard>) {
    while !heard.is_closed() {
        if let Err(error) = listen_once(address, channel, origin, heard) {
            tracing::warn!(reason = %error, "other processes are not heard");
            super::pause(PAUSE);
        }
    }
}

/// Listens until the connection is lost or nobody wants to know.
fn listen_once(
    address: &Address,
    channel: &str,
    origin: u64,
    heard: &UnboundedSender<Heard>,
) -> Stored<()> {
    let lost = |error: postgres::Error| super::connection::failure(&error);
    let mut client = address.connect()?;
    client
        .batch_execute(&format!("LISTEN {channel}"))
        .map_err(lost)?;
    let _ = heard.send(Heard::Anything);
    while !heard.is_closed() {
        if client.is_closed() {
            return Err(StoreError::Unreachable("connection closed".to_owned()));
        }
        let mut notifications = client.notifications();
        let mut arriving = notifications.timeout_iter(PAUSE);
        while let Some(notification) = arriving.next().map_err(lost)? {
            for notice in read(origin, notification.payload()) {
                let _ = heard.send(Heard::Notice(notice));
            }
        }
    }
    Ok(())
}

/// `ORIGIN q1 p2 d3 …`
fn written(origin: u64, notices: &[Notice]) -> String {
    use std::fmt::Write as _;
    let mut text = format!("{origin:x}");
    for notice in notices {
        let (kind, device) = match notice {
            Notice::Queue(device) => ('q', device),
            Notice::Pool(device) => ('p', device),
            Notice::Lifecycle(device) => ('g', device),
            Notice::Detached(device) => ('d', device),
        };
        let _ = write!(text, " {kind}{device}");
    }
    text
}

/// The notices of another process; what is of a later version is passed over.
fn read(origin: u64, text: &str) -> Vec<Notice> {
    let mut words = text.split(' ');
    if words.next() == Some(format!("{origin:x}").as_str()) {
        return Vec::new();
    }
    words
        .filter_map(|word| {
            let (kind, device) = word.split_at_checked(1)?;
            let device = device.parse().ok()?;
            match kind {
                "q" => Some(Notice::Queue(device)),
                "p" => Some(Notice::Pool(device)),
                "g" => Some(Notice::Lifecycle(device)),
                "d" => Some(Notice::Detached(device)),
                _ => None,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{DEVICES, Notice, read, written};

    #[test]
    fn notices_are_read_as_they_were_written_by_others_only() {
        let told = [
            Notice::Queue(7),
            Notice::Pool(8),
            Notice::Lifecycle(9),
            Notice::Detached(i64::MAX),
        ];
        let text = written(0xabc, &told);
        assert_eq!(read(0xdef, &text), told);
        assert_eq!(read(0xabc, &text), [], "what this process told itself");
        assert_eq!(read(1, "0 x1 q q-"), [], "of a later version");
    }

    #[test]
    fn a_full_notification_fits() {
        let told = [Notice::Queue(i64::MAX); DEVICES];
        assert!(written(u64::MAX, &told).len() < 8000);
    }
}
