//! The real program, once or several times over one database.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sotto_wire::domain::Domain;
use url::Url;

use crate::Done;

/// Enough for everyone, as everyone here has the same few addresses.
const WITHOUT_BOUND: &str = "10000000";
const NO_LIMITS: [&str; 3] = [
    "CHALLENGES_PER_MINUTE",
    "LOOKUPS_PER_MINUTE",
    "PUTS_PER_MINUTE",
];

/// Where a relay keeps things, and what it asks about accounts.
#[derive(Clone)]
pub(crate) struct Place {
    /// The program.
    pub(crate) program: PathBuf,
    /// A folder for its log, and for its database where that is a file.
    pub(crate) folder: PathBuf,
    /// The URL of a database server, where it is none.
    pub(crate) server: Option<String>,
    /// The directory of accounts.
    pub(crate) directory: Url,
}

/// One process of a relay. Ends when it is dropped.
pub(crate) struct Process {
    place: Place,
    domain: Domain,
    number: usize,
    address: SocketAddr,
    child: Option<Child>,
}

/// Starts so many processes of one relay.
pub(crate) async fn start(place: &Place, processes: usize) -> Done<Vec<Process>> {
    let ports = (0..processes).map(|_| free_port());
    let ports: Vec<u16> = ports.collect::<Result<_, _>>()?;
    let first = ports.first().ok_or("no process")?;
    let domain = Domain::parse(&format!("localhost:{first}"))?;
    let mut started = Vec::new();
    for (number, port) in ports.into_iter().enumerate() {
        let mut process = Process {
            place: place.clone(),
            domain: domain.clone(),
            number,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            child: None,
        };
        process.restart().await?;
        started.push(process);
    }
    Ok(started)
}

impl Process {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The relay's discovery domain.
    pub(crate) fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Its number as the system has it.
    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Kills it, where it runs, and starts it again; returns once it is ready.
    pub(crate) async fn restart(&mut self) -> Done<()> {
        self.kill();
        let data = match &self.place.server {
            Some(url) => url.clone(),
            None => text(&self.place.folder.join("relay.db"))?,
        };
        let log = self.place.folder.join(format!("relay-{}.log", self.number));
        let log = File::create(log)?;
        let mut command = Command::new(&self.place.program);
        command
            .env("SOTTO_RELAY_LISTEN", self.address.to_string())
            .env("SOTTO_RELAY_DOMAIN", self.domain.as_str())
            .env("SOTTO_RELAY_DATA", data)
            .env(
                "SOTTO_RELAY_ATTACHMENTS",
                self.place.folder.join("attachments"),
            )
            .env("SOTTO_RELAY_PLC_URL", self.place.directory.as_str())
            .env("SOTTO_RELAY_DEVELOPMENT", "true")
            .env("SOTTO_RELAY_MAX_CONNECTIONS", "1000000");
        for limit in NO_LIMITS {
            command.env(format!("SOTTO_RELAY_{limit}"), WITHOUT_BOUND);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        self.child = Some(child);
        self.ready().await
    }

    async fn ready(&mut self) -> Done<()> {
        for _ in 0..1000 {
            if crate::connection::is_ready(self.address).await {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err("the relay does not start".into())
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn text(path: &Path) -> Done<String> {
    Ok(path
        .to_str()
        .ok_or("a folder's name is no text")?
        .to_owned())
}

fn free_port() -> std::io::Result<u16> {
    TcpListener::bind("127.0.0.1:0")?
        .local_addr()
        .map(|it| it.port())
}
