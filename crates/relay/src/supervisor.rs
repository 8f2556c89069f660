//! Telling systemd how the relay is (`sd_notify(3)`): a datagram to the socket that the environment
//! names. Without such a socket nothing happens.

use std::time::Duration;

/// The socket of the supervisor.
const SOCKET: &str = "NOTIFY_SOCKET";
/// Within so many microseconds it wants to hear something.
const WATCHDOG: &str = "WATCHDOG_USEC";

/// The relay serves.
pub fn ready() {
    notify("READY=1\nSTATUS=serving");
}

/// The relay was told to end.
pub fn stopping() {
    notify("STOPPING=1\nSTATUS=draining");
}

/// Shows that tasks still get their turn, as often as is asked for. Whether the database is there is
/// another question: starting the relay anew would not bring it back.
pub async fn keep_alive() {
    let within: Option<u64> = std::env::var(WATCHDOG).ok().and_then(|it| it.parse().ok());
    let Some(within) = within.filter(|within| *within > 0) else {
        return std::future::pending().await;
    };
    let mut ticks = tokio::time::interval(Duration::from_micros(within) / 3);
    loop {
        ticks.tick().await;
        notify("WATCHDOG=1");
    }
}

#[cfg(unix)]
fn notify(state: &str) {
    let Some(path) = std::env::var_os(SOCKET) else {
        return;
    };
    // It is a courtesy: where it fails, the supervisor says what it misses.
    let _ = send(path.as_encoded_bytes(), state.as_bytes());
}

#[cfg(unix)]
fn send(path: &[u8], state: &[u8]) -> std::io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    let socket = std::os::unix::net::UnixDatagram::unbound()?;
    match path {
        // A name outside of the file system.
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => {
            use std::os::linux::net::SocketAddrExt as _;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            socket.send_to_addr(state, &address)?;
        }
        path => {
            socket.send_to(state, std::ffi::OsStr::from_bytes(path))?;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn notify(_: &str) {}
