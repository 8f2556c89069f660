//! Whether answers to puts tell anything of their destinations (docs/closure.md): many puts to
//! destinations in every state, in an order by chance, compared by their bytes and their times.

mod findings;
mod line;
mod people;
mod scene;
mod statistics;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use self::findings::Findings;
pub(crate) use self::findings::Plant;
use self::line::Line;
use self::scene::{FULL_MAILBOX, GRANTS, MAILBOX, Put, Scene, State, chosen};
use crate::Done;
use crate::engine::Plan;
use crate::host::Host;
use crate::postgres::Server;
use crate::relay::{self, Place};

/// Connections that put one after the other. Most of them wait for a step of the relay (§4.5).
const LINES: usize = 48;
/// Puts that fill a reservation, and one more.
const RESERVATION: usize = 257;
/// Of so many puts, one goes to a reservation that is full.
const FULL_SHARE: usize = 25;

/// What to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    /// Puts, all together.
    pub(crate) puts: usize,
    /// Over PostgreSQL.
    pub(crate) postgres: bool,
    /// A difference to put in.
    pub(crate) plant: Option<Plant>,
}

/// Puts, compares and prints; an error where something differs.
pub(crate) async fn measure(host: &Host, plan: &Plan, wish: Wish) -> Done<()> {
    let server = match wish.postgres {
        true => Some(Server::start(&plan.folder).await?),
        false => None,
    };
    let url = server.as_ref().map(Server::url).transpose()?;
    let place = plan.place(host, "closure", url)?;
    let mut relay = relay::start(&place, 1).await?;
    let process = relay.first_mut().ok_or("no process")?;
    let mut scene = Scene::prepare(host, process).await?;
    process.kill();
    shorten(&place, &scene.let_expire()).await?;
    process.restart().await?;
    let receiving = scene.attach().await?;
    for put in scene.first_puts() {
        one(&scene, State::Stranger, put).await?;
    }
    // The first of the grants that expire is to be so.
    tokio::time::sleep(Duration::from_secs(4)).await;
    said(&format!("load of the machine before: {}", load()));
    let full = wish.puts / FULL_SHARE;
    let states: Vec<State> = GRANTS.iter().chain(MAILBOX).copied().collect();
    let scene = Arc::new(scene);
    let mut findings = rush(&scene, &states, wish.puts - full).await?;
    let mut scene = Arc::into_inner(scene).ok_or("somebody still puts")?;
    fill(&mut scene).await?;
    findings.join(rush(&Arc::new(scene), FULL_MAILBOX, full).await?);
    said(&format!("load of the machine after: {}", load()));
    receiving.abort();
    judged(findings, wish)
}

fn judged(mut findings: Findings, wish: Wish) -> Done<()> {
    let groups: [(&str, &[State]); 3] = [
        ("Puts at grants", GRANTS),
        ("First contacts", MAILBOX),
        ("First contacts, 429", FULL_MAILBOX),
    ];
    if let Some(plant) = wish.plant {
        findings.plant(plant, &groups.map(|group| group.1));
    }
    let differ = findings.verdict(&groups);
    if !differ.is_empty() {
        return Err(format!("\nanswers differ:\n{}", differ.join("\n")).into());
    }
    let count = findings.count();
    said(&format!(
        "\n{count} answers: the same bytes, and times that are not told apart"
    ));
    Ok(())
}

/// So many puts, each to a state by chance.
async fn rush(scene: &Arc<Scene>, states: &[State], puts: usize) -> Done<Findings> {
    let mut lines = JoinSet::new();
    for number in 0..LINES {
        let share = puts / LINES + usize::from(number < puts % LINES);
        let (scene, states) = (Arc::clone(scene), states.to_vec());
        lines.spawn(async move {
            let mut line = Line::open(scene.at, number).await?;
            let mut findings = Findings::default();
            for _ in 0..share {
                let state = *chosen(&states).ok_or("no state")?;
                let put = scene.put(state)?;
                let answer = line.send(&put.bytes).await?;
                scene.learn(state, &put, &answer);
                findings.take(state, &answer);
            }
            Done::Ok(findings)
        });
    }
    let mut all = Findings::default();
    while let Some(line) = lines.join_next().await {
        all.join(line??);
    }
    Ok(all)
}

async fn one(scene: &Scene, state: State, put: Put) -> Done<u16> {
    let answer = Line::open(scene.at, 0).await?.send(&put.bytes).await?;
    scene.learn(state, &put, &answer);
    Ok(answer.status())
}

/// Fills reservations, those that are there and those that seem to be; keeps the senders who were
/// told so.
async fn fill(scene: &mut Scene) -> Done<()> {
    let mut full = Vec::new();
    {
        let shared = &*scene;
        let filling = scene.filling().into_iter().map(|sender| async move {
            let mut line = Line::open(shared.at, sender.1).await?;
            let mut status = 0;
            for _ in 0..RESERVATION {
                status = line
                    .send(&shared.filling_put(sender)?.bytes)
                    .await?
                    .status();
            }
            Done::Ok((sender, status))
        });
        for filled in futures_util::future::join_all(filling).await {
            let (sender, status) = filled?;
            if status == 429 {
                full.push(sender);
            }
        }
    }
    scene.keep_full(&full)
}

/// Writes the ends of grants into the relay's database.
async fn shorten(place: &Place, ends: &[(String, u64)]) -> Done<()> {
    match &place.server {
        None => shorten_in_file(&place.folder.join("relay.db"), ends),
        Some(url) => {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
            let connection = tokio::spawn(connection);
            for (address, end) in ends {
                let end = i64::try_from(*end)?;
                let update = "UPDATE grants SET expires_at = $1 WHERE address = $2";
                client.execute(update, &[&end, address]).await?;
            }
            drop(client);
            connection.await??;
            Ok(())
        }
    }
}

fn shorten_in_file(path: &Path, ends: &[(String, u64)]) -> Done<()> {
    let database = rusqlite::Connection::open(path)?;
    for (address, end) in ends {
        let end = i64::try_from(*end)?;
        let update = "UPDATE grants SET expires_at = ?1 WHERE address = ?2";
        database.execute(update, rusqlite::params![end, address])?;
    }
    Ok(())
}

fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn said(line: &str) {
    println!("{line}");
}
