//! Sockets on which nothing happens, and all of them at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::Semaphore;

use crate::figures::{Aim, Figure};
use crate::host::Host;
use crate::people::{self, Device};
use crate::relay::Process;
use crate::socket::Socket;
use crate::{Done, system};

const PART: &str = "sockets";
/// Sockets that attach at the same time while nobody is in a hurry.
const AT_ONCE: usize = 64;
/// After which the relay has done what follows from attaching.
const REST: Duration = Duration::from_secs(3);
/// How long a storm may take before it counts as never over.
const PATIENCE: Duration = Duration::from_secs(300);
/// Before a client that could not attach tries again; it doubles, up to [`MOST`].
const AGAIN: Duration = Duration::from_millis(100);
const MOST: Duration = Duration::from_secs(5);

/// Attaches so many devices and prints what each costs; then ends the relay and lets `storm` of them
/// come back at once.
pub(crate) async fn measure(
    host: &Host,
    relay: &mut Process,
    sockets: usize,
    storm: usize,
) -> Done<()> {
    let (at, domain) = (relay.address(), relay.domain().clone());
    let devices = people::register(host, at, &domain, sockets.max(storm)).await?;
    // What registering took is not what the sockets take.
    relay.restart().await?;
    let before = system::memory_of(relay.id());
    let attached: Vec<Socket> = stream::iter(devices.iter().take(sockets).enumerate())
        .map(|(number, device)| attach(device, number, relay))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    tokio::time::sleep(REST).await;
    let each = (system::memory_of(relay.id()) - before) / attached.len() as f64;
    Figure::new(PART, "idle sockets", attached.len() as f64, "").print();
    Figure::new(PART, "memory of an idle socket", each / 1024.0, "KiB").print();
    Figure::new(PART, "idle sockets in 1 GB", 1e9 / each, "")
        .aiming(Aim::AtLeast(100_000.0))
        .print();
    drop(attached);
    let took = reconnect(&devices, relay, storm).await?;
    let name = format!("{storm} sockets back after a restart");
    Figure::new(PART, name, took.as_secs_f64(), "s")
        .aiming(Aim::AtMost(30.0))
        .print();
    Ok(())
}

async fn attach(device: &Device, number: usize, relay: &Process) -> Done<Socket> {
    let mut socket = Socket::attach(device, number, relay.address(), relay.domain()).await?;
    socket.caught_up().await?;
    Ok(socket)
}

/// How long it takes from when the relay is back until everyone is.
async fn reconnect(devices: &[Device], relay: &mut Process, storm: usize) -> Done<Duration> {
    let back = Arc::new(Semaphore::new(0));
    let mut tasks = Vec::new();
    for (number, device) in devices.iter().take(storm).enumerate() {
        let socket = attach(device, number, relay).await?;
        let (device, back) = (device.clone(), Arc::clone(&back));
        let (at, domain) = (relay.address(), relay.domain().clone());
        tasks.push(tokio::spawn(async move {
            socket.idle().await;
            let mut pause = AGAIN;
            loop {
                if let Ok(mut socket) = Socket::attach(&device, number, at, &domain).await
                    && socket.caught_up().await.is_ok()
                {
                    back.add_permits(1);
                    return socket.idle().await;
                }
                tokio::time::sleep(pause).await;
                pause = MOST.min(pause * 2);
            }
        }));
    }
    relay.restart().await?;
    let started = Instant::now();
    let all = back.acquire_many(u32::try_from(storm)?);
    let waited = tokio::time::timeout(PATIENCE, all).await;
    let took = started.elapsed();
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    waited.map_err(|_| "not all sockets came back")??.forget();
    Ok(took)
}
