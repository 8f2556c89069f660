//! The relay on one engine, in turn with the engine alone.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::figures::{Aim, Figure, median, percentile};
use crate::host::Host;
use crate::postgres::Server;
use crate::puts::{Crowd, Load};
use crate::relay::{self, Place, Process};
use crate::{Done, raw, system};

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

/// What is measured, and for how long.
pub(crate) struct Plan {
    /// The program of the relay.
    pub(crate) program: PathBuf,
    /// Where everything is kept.
    pub(crate) folder: PathBuf,
    /// Who sends and receives.
    pub(crate) crowd: Crowd,
    /// Processes over PostgreSQL.
    pub(crate) processes: usize,
    /// Clients of the raw PostgreSQL.
    pub(crate) clients: usize,
    /// Of each measurement.
    pub(crate) time: Duration,
    /// How often.
    pub(crate) rounds: usize,
}

impl Plan {
    /// A place for a relay in a folder of its own.
    pub(crate) fn place(&self, host: &Host, name: &str, server: Option<String>) -> Done<Place> {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(Place {
            program: self.program.clone(),
            folder,
            server,
            directory: host.url().clone(),
        })
    }
}

/// Processor time, in seconds, of those who work for a put.
#[derive(Clone, Copy)]
struct Times {
    relay: f64,
    server: f64,
    load: f64,
}

impl Times {
    fn now(relay: &[Process], server: Option<&Server>) -> Self {
        Self {
            relay: relay.iter().map(|it| system::seconds_of(it.id())).sum(),
            server: server.map_or(0.0, |it| system::seconds_of_family(it.id())),
            load: system::seconds_of(std::process::id()),
        }
    }
}

/// What the rounds gave.
#[derive(Default)]
struct Rounds {
    raw: Vec<f64>,
    accepted: Vec<f64>,
    arrived: Vec<f64>,
    relay: Vec<f64>,
    server: Vec<f64>,
    load: Vec<f64>,
}

/// Measures and prints.
pub(crate) async fn measure(host: &Host, plan: &Plan, engine: Engine) -> Done<()> {
    let (name, server, processes) = match engine {
        Engine::Sqlite => ("sqlite", None, 1),
        Engine::Postgres => {
            let server = Server::start(&plan.folder).await?;
            ("postgres", Some(server), plan.processes)
        }
    };
    let url = server.as_ref().map(Server::url).transpose()?;
    let place = plan.place(host, name, url.clone())?;
    let relay = relay::start(&place, processes).await?;
    let mut load = Load::prepare(host, &relay, plan.crowd).await?;
    // Whatever is done once is done.
    load.flood(plan.time.min(Duration::from_secs(2))).await?;
    load.settled().await?;
    let mut rounds = Rounds::default();
    for _ in 0..plan.rounds {
        rounds.raw.push(match &url {
            None => raw_sqlite(plan, &place).await?,
            Some(url) => raw::postgres(url, plan.clients, plan.time).await?,
        });
        one(&mut rounds, &mut load, plan, &relay, server.as_ref()).await?;
    }
    let part = match processes {
        1 => name.to_owned(),
        _ => format!("{name}, {processes} processes"),
    };
    let accepted = print(&part, plan, engine, rounds);
    let refused = load.tally.refused() as f64;
    Figure::new(&part, "puts refused and repeated", refused, "").print();
    half(&part, &mut load, plan, accepted / 2.0).await?;
    load.settled().await?;
    let counted = load.tally.arrived() as f64;
    let said = "puts accepted, each delivered once and in order";
    Figure::new(&part, said, counted, "").print();
    Ok(())
}

async fn raw_sqlite(plan: &Plan, place: &Place) -> Done<f64> {
    let (folder, together, time) = (place.folder.clone(), plan.crowd.senders, plan.time);
    tokio::task::spawn_blocking(move || raw::sqlite(&folder, together, time)).await?
}

async fn one(
    rounds: &mut Rounds,
    load: &mut Load,
    plan: &Plan,
    relay: &[Process],
    server: Option<&Server>,
) -> Done<()> {
    let (before, started) = (load.tally.arrived(), Instant::now());
    let times = Times::now(relay, server);
    rounds.accepted.push(load.flood(plan.time).await?);
    load.settled().await?;
    let count = (load.tally.arrived() - before) as f64;
    // Less what was waited for doubles.
    let took = started.elapsed().as_secs_f64() - 0.3;
    rounds.arrived.push(count / took);
    let after = Times::now(relay, server);
    let each = |seconds: f64| seconds * 1e6 / count;
    rounds.relay.push(each(after.relay - times.relay));
    rounds.server.push(each(after.server - times.server));
    rounds.load.push(each(after.load - times.load));
    Ok(())
}

/// Prints what the rounds gave; puts accepted in a second.
fn print(part: &str, plan: &Plan, engine: Engine, rounds: Rounds) -> f64 {
    let raw = median(rounds.raw);
    let accepted = median(rounds.accepted);
    let Crowd { senders, receivers } = plan.crowd;
    let (baseline, aim) = match engine {
        Engine::Sqlite => (
            format!("raw: rows, {senders} in a transaction"),
            Aim::AtLeast(10_000.0),
        ),
        Engine::Postgres => (
            format!("raw: rows, {} clients", plan.clients),
            Aim::RatioAtLeast(0.5),
        ),
    };
    let print = |name: &str, value: f64, unit| Figure::new(part, name, value, unit);
    print(&baseline, raw, "1/s").against(raw).print();
    let name = format!("relay: puts accepted, {senders} senders to {receivers} sockets");
    print(&name, accepted, "1/s")
        .against(raw)
        .aiming(aim)
        .print();
    print(
        "relay: delivered and acknowledged",
        median(rounds.arrived),
        "1/s",
    )
    .against(raw)
    .print();
    print("processor time of a put: relay", median(rounds.relay), "µs").print();
    if engine == Engine::Postgres {
        print(
            "processor time of a put: PostgreSQL",
            median(rounds.server),
            "µs",
        )
        .print();
    }
    print(
        "processor time of a put: this program",
        median(rounds.load),
        "µs",
    )
    .print();
    accepted
}

async fn half(part: &str, load: &mut Load, plan: &Plan, rate: f64) -> Done<()> {
    load.paced(rate, plan.time).await?;
    load.settled().await?;
    let times = load.tally.take_times();
    let name = |which: &str| format!("put to socket at {rate:.0} puts in a second, {which}");
    Figure::new(part, name("p50"), percentile(&times, 50), "ms").print();
    Figure::new(part, name("p99"), percentile(&times, 99), "ms")
        .aiming(Aim::AtMost(50.0))
        .print();
    Ok(())
}
