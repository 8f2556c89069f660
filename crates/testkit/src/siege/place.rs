//! What is besieged, and how it is struck.

use super::tally::Tally;
use crate::dice::Dice;
use crate::disk::Disk;
use crate::network::network;
use crate::postgres::{PORT, Postgres};
use crate::relay::{Relay, free_port};
use std::fmt;
use std::time::{Duration, Instant};

/// The longest time that something killed stays away, in milliseconds.
const AWAY: u64 = 250;
/// The longest time that a full disk stays full where nobody notices.
const FULL: Duration = Duration::from_secs(5);
/// Sizes of disks that run full, in MiB: room for the engine's own files and some load.
const SMALL: u32 = 24;
const SMALL_SERVER: u32 = 192;

/// What runs, and what happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// A relay over SQLite is killed.
    Relay,
    /// A relay over PostgreSQL is killed.
    RelayOnPostgres,
    /// Of three relays over one PostgreSQL, one after the other is killed.
    OneOfThree,
    /// PostgreSQL's first process is killed, below two relays.
    Postmaster,
    /// PostgreSQL ends in order and comes back, below two relays.
    Restart,
    /// The disk of SQLite runs full.
    DiskFull,
    /// The disk of PostgreSQL runs full.
    DiskFullOnPostgres,
}

impl Case {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Relay,
        Self::RelayOnPostgres,
        Self::OneOfThree,
        Self::Postmaster,
        Self::Restart,
        Self::DiskFull,
        Self::DiskFullOnPostgres,
    ];

    fn relays(self) -> usize {
        match self {
            Self::OneOfThree => 3,
            Self::Postmaster | Self::Restart => 2,
            _ => 1,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Relay => "relay",
            Self::RelayOnPostgres => "relay-on-postgres",
            Self::OneOfThree => "one-of-three",
            Self::Postmaster => "postmaster",
            Self::Restart => "restart",
            Self::DiskFull => "disk-full",
            Self::DiskFullOnPostgres => "disk-full-on-postgres",
        })
    }
}

/// Relays, and what they keep things in.
pub(super) struct Place {
    case: Case,
    // Before what is below them.
    relays: Vec<Relay>,
    server: Option<Postgres>,
    disk: Option<Disk>,
    _objects: tempfile::TempDir,
}

impl Place {
    /// Starts everything; nothing where a disk is needed and this machine gives none.
    pub(super) async fn build(case: Case) -> Option<Self> {
        let disk = match case {
            Case::DiskFull => Some(Disk::small(SMALL)?),
            Case::DiskFullOnPostgres => Some(Disk::small(SMALL_SERVER)?),
            _ => None,
        };
        let server = match (case, &disk) {
            (Case::Relay | Case::DiskFull, _) => None,
            (_, Some(disk)) => {
                let below = disk.path().join("server");
                std::fs::create_dir(&below).expect("a folder");
                let small = ["min_wal_size = 32MB", "max_wal_size = 64MB"];
                Some(Postgres::in_folder(&below, PORT, &small).await)
            }
            (_, None) => Some(Postgres::start().await),
        };
        let objects = tempfile::tempdir().expect("a temporary folder");
        let mut settings = vec![("SOTTO_RELAY_ATTACHMENTS", path(objects.path()))];
        let file = disk.as_ref().map(|it| path(&it.path().join("relay.db")));
        let data = server.as_ref().map(Postgres::url).or(file);
        settings.extend(data.map(|it| ("SOTTO_RELAY_DATA", it)));
        let settings: Vec<_> = settings.iter().map(|(name, it)| (*name, &**it)).collect();
        let mut relays: Vec<Relay> = Vec::new();
        let first = free_port();
        let domain = format!("localhost:{first}");
        for number in 0..case.relays() {
            let port = if number == 0 { first } else { free_port() };
            relays.push(Relay::set_up(network(), port, &domain, &settings).await);
        }
        Some(Self {
            case,
            relays,
            server,
            disk,
            _objects: objects,
        })
    }

    /// Ports of the relays.
    pub(super) fn doors(&self) -> Vec<u16> {
        self.relays.iter().map(Relay::port).collect()
    }

    /// The domain they serve.
    pub(super) fn domain(&self) -> &str {
        self.relays.first().expect("a relay").domain()
    }

    /// Strikes once, and lets it come back.
    pub(super) async fn strike(&mut self, dice: &mut Dice, tally: &Tally) {
        match self.case {
            Case::Relay | Case::RelayOnPostgres | Case::OneOfThree => {
                let victim = dice.below(self.relays.len() as u64);
                let victim = usize::try_from(victim).unwrap_or(0);
                let relay = self.relays.get_mut(victim).expect("a relay");
                relay.kill();
                dice.pause(AWAY).await;
                relay.restart().await;
            }
            Case::Postmaster => {
                let server = self.server.as_ref().expect("a server");
                server.kill().await;
                dice.pause(AWAY).await;
                server.begin().await;
            }
            Case::Restart => {
                let server = self.server.as_ref().expect("a server");
                server.stop().await;
                dice.pause(AWAY).await;
                server.begin().await;
            }
            Case::DiskFull | Case::DiskFullOnPostgres => self.fill(dice, tally).await,
        }
    }

    /// Fills the disk until puts are refused, and a little longer; now and then the relay is killed
    /// meanwhile.
    async fn fill(&mut self, dice: &mut Dice, tally: &Tally) {
        let disk = self.disk.as_ref().expect("a disk");
        let (before, since) = (tally.refused(), Instant::now());
        while tally.refused() == before && since.elapsed() < FULL {
            disk.fill();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        dice.pause(AWAY).await;
        let killed = dice.below(3) == 0;
        let relay = self.relays.first_mut().expect("a relay");
        if killed {
            relay.kill();
        }
        disk.clear();
        if let Some(server) = &self.server {
            server.begin().await;
        }
        if killed {
            relay.restart().await;
        }
    }
}

fn path(path: &std::path::Path) -> String {
    path.display().to_string()
}
