//! Waiting until nothing is on its way any more.

use crate::machine::Machine;
use crate::time::World;
use sotto_core::app::App;
use sotto_core::db::DbError;
use sotto_core::views::MessageState;
use std::sync::Arc;
use std::time::Duration;

const LOOK: Duration = Duration::from_secs(10);
/// Looks in a row that find nothing: an acknowledgement may be about to go out.
const ENOUGH: u32 = 2;
/// Looks before everybody sleeps for a while.
const PATIENCE: u32 = 40;
/// How long, in hours; each time something has to happen that waits for its time.
///
/// Day after day: a device that acknowledges nothing is contacted as if for the first time. The last:
/// what was accepted and never acknowledged is given up, shown so, and tried again.
const SLEEPS_H: [u64; 13] = [1, 1, 7, 24, 24, 24, 24, 24, 24, 24, 24, 24, 30 * 24 + 1];
const HOUR_MS: u64 = 60 * 60 * 1000;
/// The world ends where key packages of its beginning would, or openmls's clock begins (`main`).
const END_MS: u64 = 40 * 24 * HOUR_MS;
/// How often a user tries again what was given up.
const RETRIES: u32 = 3;

/// What a device still has to do: a name, and how many rows say so.
const OPEN: [(&str, &str); 6] = [
    ("to be sealed", "SELECT count(*) FROM outbox"),
    ("to be put", "SELECT count(*) FROM put"),
    (
        "to be acknowledged",
        "SELECT count(*) FROM read_group WHERE ack_due = 1",
    ),
    (
        "not acknowledged",
        "SELECT count(*) FROM frame WHERE given_up = 0",
    ),
    (
        "to be asked for",
        "SELECT count(*) FROM lost_group WHERE due = 1",
    ),
    // In a group that was replaced since, nobody fills a gap any more: it was sealed anew.
    (
        "with a gap before it",
        "SELECT count(*) FROM early_frame e JOIN read_group r ON r.id = e.read_group
         WHERE NOT EXISTS (SELECT 1 FROM read_group n
                           WHERE n.peer_device = r.peer_device AND n.id > r.id)",
    ),
];

/// Lets time pass until every device has done everything; otherwise says what is left.
///
/// # Errors
/// What is stuck.
pub async fn settle(world: &World, machines: &[Arc<Machine>]) -> Result<(), String> {
    let mut retries = 0;
    for sleep in [0].iter().chain(&SLEEPS_H) {
        if world.elapsed_ms() + sleep * HOUR_MS > END_MS {
            break;
        }
        world.sleep(sleep * HOUR_MS);
        let mut in_a_row = 0;
        for look in 1..=PATIENCE {
            tokio::time::sleep(LOOK).await;
            accept(machines).await?;
            // A user looks again after a while, too, not only when nothing moves any more.
            let user_looks = in_a_row + 1 == ENOUGH || look == PATIENCE / 2;
            if user_looks && retries < RETRIES && try_again(machines).await? {
                (retries, in_a_row) = (retries + 1, 0);
                continue;
            }
            in_a_row = match open(machines).await?.is_empty() {
                true => in_a_row + 1,
                false => 0,
            };
            if in_a_row == ENOUGH {
                return Ok(());
            }
        }
    }
    Err(open(machines).await?.join(", "))
}

/// Users let everybody in.
async fn accept(machines: &[Arc<Machine>]) -> Result<(), String> {
    for app in machines.iter().filter_map(|it| it.app()) {
        let waiting = app.requests().await.map_err(|error| error.code)?;
        for request in waiting.requests {
            let accepted = app.accept_request(request.id).await;
            accepted.map_err(|error| error.code)?;
        }
    }
    Ok(())
}

/// Users try again what was given up; says whether there was anything.
async fn try_again(machines: &[Arc<Machine>]) -> Result<bool, String> {
    let mut any = false;
    for app in machines.iter().filter_map(|it| it.app()) {
        for id in failed(&app).await? {
            app.retry(id).await.map_err(|error| error.code)?;
            any = true;
        }
    }
    Ok(any)
}

async fn failed(app: &App) -> Result<Vec<i64>, String> {
    let mut failed = Vec::new();
    for conversation in app.conversations().await.map_err(|error| error.code)? {
        let page = app.messages(conversation.id, None, 500).await;
        let page = page.map_err(|error| error.code)?;
        let given_up = page.iter().filter(|it| it.state == MessageState::Failed);
        failed.extend(given_up.map(|it| it.id));
    }
    Ok(failed)
}

/// Which epoch of which send group every device has reached with every other.
///
/// # Errors
/// When a database cannot be read.
pub async fn epochs(machines: &[Arc<Machine>]) -> Result<Vec<(String, u64)>, String> {
    let mut epochs = Vec::new();
    for app in machines.iter().filter_map(|it| it.app()) {
        let database = app.database().map_err(|error| error.code)?;
        let read = database.read(|tx| {
            let mut statement = tx.prepare(
                "SELECT hex(group_id), epoch FROM read_group r
                 WHERE id = (SELECT max(id) FROM read_group WHERE conversation = r.conversation)",
            )?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<Vec<(String, u64)>, _>>()?)
        });
        let found = read.await.map_err(|error: DbError| error.to_string())?;
        epochs.extend(found);
    }
    Ok(epochs)
}

async fn open(machines: &[Arc<Machine>]) -> Result<Vec<String>, String> {
    let mut open = Vec::new();
    for machine in machines {
        let Some(app) = machine.app() else { continue };
        let database = app.database().map_err(|error| error.code)?;
        for (what, count) in OPEN {
            let rows =
                database.read(move |tx| Ok(tx.query_row(count, [], |row| row.get::<_, u64>(0))?));
            let rows = rows.await.map_err(|error: DbError| error.to_string())?;
            if rows > 0 {
                open.push(format!("{}: {rows} {what}", machine.name));
            }
        }
    }
    Ok(open)
}
