//! Many senders that put messages at grants, and the devices that receive them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sotto_wire::challenge::Realm;
use sotto_wire::grant::{GrantPut, IssuedGrant};
use sotto_wire::random::{OsRandom, Random as _};
use sotto_wire::relay_api::paths;

use crate::connection::Connection;
use crate::host::Host;
use crate::relay::Process;
use crate::socket::Socket;
use crate::tally::Tally;
use crate::{Done, SIZE, people};

/// Before a put that was refused is tried again.
const AGAIN: Duration = Duration::from_millis(100);
/// How long nothing may arrive although something is missing.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many there are of everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crowd {
    /// Senders, each with a grant and a connection of its own.
    pub(crate) senders: usize,
    /// Devices, each with an event socket.
    pub(crate) receivers: usize,
}

/// A sender between two puts.
struct Sender {
    number: usize,
    connection: Connection,
    grant: IssuedGrant,
    challenge: String,
    path: String,
    message: Vec<u8>,
    next: u64,
}

/// Everyone, attached and ready to put.
pub(crate) struct Load {
    senders: Vec<Sender>,
    /// What was counted so far.
    pub(crate) tally: Arc<Tally>,
    receivers: Vec<tokio::task::JoinHandle<Done<()>>>,
}

impl Load {
    /// Registers and attaches everyone, spread over the processes of the relay.
    pub(crate) async fn prepare(host: &Host, relay: &[Process], crowd: Crowd) -> Done<Self> {
        let first = relay.first().ok_or("no process")?;
        let domain = first.domain();
        let devices = people::register(host, first.address(), domain, crowd.receivers).await?;
        let at = |number: usize| -> SocketAddr {
            let process = relay.get(number % relay.len());
            process.map_or(first.address(), Process::address)
        };
        let tally = Arc::new(Tally::new(crowd.senders));
        let (mut senders, mut receivers) = (Vec::new(), Vec::new());
        for (place, device) in devices.iter().enumerate() {
            let numbers: Vec<_> = (place..crowd.senders).step_by(crowd.receivers).collect();
            let grants = device.grants(at(place), domain, numbers.len()).await?;
            for (number, grant) in numbers.into_iter().zip(grants) {
                // With several processes: at another one than the receiver's.
                let connection = Connection::open(at(number + place), number, domain.as_str());
                senders.push(Sender::new(number, connection.await?, grant).await?);
            }
            let mut socket = Socket::attach(device, place, at(place), domain).await?;
            socket.caught_up().await?;
            let counted = Arc::clone(&tally);
            receivers.push(tokio::spawn(
                socket.receive(move |delivery| counted.arrive(&delivery.m)),
            ));
        }
        Ok(Self {
            senders,
            tally,
            receivers,
        })
    }

    /// Everyone puts, one message after the other, for some time; puts accepted in a second.
    pub(crate) async fn flood(&mut self, time: Duration) -> Done<f64> {
        let (started, before) = (Instant::now(), self.tally.accepted());
        self.each(move |mut sender, tally| async move {
            while started.elapsed() < time {
                sender.put(&tally, None).await?;
            }
            Ok(sender)
        })
        .await?;
        let accepted = self.tally.accepted() - before;
        Ok(accepted as f64 / started.elapsed().as_secs_f64())
    }

    /// Everyone puts at a pace, `rate` in a second together, and every put's time is kept from when it
    /// was due: one that waits for another before it has waited too.
    pub(crate) async fn paced(&mut self, rate: f64, time: Duration) -> Done<()> {
        let began = Instant::now();
        let senders = self.senders.len();
        self.each(move |mut sender, tally| async move {
            let mut due = began + Duration::from_secs_f64(sender.number as f64 / rate);
            while due.duration_since(began) < time {
                tokio::time::sleep_until(due.into()).await;
                sender.put(&tally, Some(due)).await?;
                due += Duration::from_secs_f64(senders as f64 / rate);
            }
            Ok(sender)
        })
        .await
    }

    async fn each<F>(&mut self, work: impl Fn(Sender, Arc<Tally>) -> F) -> Done<()>
    where
        F: Future<Output = Done<Sender>> + Send + 'static,
    {
        let senders = std::mem::take(&mut self.senders).into_iter();
        let tasks: Vec<_> = senders
            .map(|sender| tokio::spawn(work(sender, Arc::clone(&self.tally))))
            .collect();
        for task in tasks {
            self.senders.push(task.await??);
        }
        Ok(())
    }

    /// Waits until as much arrived as was accepted.
    ///
    /// # Errors
    /// Where nothing arrives any more, or anything is not as it was accepted.
    pub(crate) async fn settled(&self) -> Done<()> {
        let mut seen = (self.tally.arrived(), Instant::now());
        while self.tally.arrived() < self.tally.accepted() {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let arrived = self.tally.arrived();
            if arrived > seen.0 {
                seen = (arrived, Instant::now());
            }
            if seen.1.elapsed() > PATIENCE {
                break;
            }
        }
        // What should not come may still be on its way.
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok(self.tally.verdict()?)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.receivers.iter().for_each(|it| it.abort());
    }
}

impl Sender {
    async fn new(number: usize, mut connection: Connection, grant: IssuedGrant) -> Done<Self> {
        let address = grant.address.as_str();
        let challenge = people::challenge(&mut connection, Realm::GrantPut, address).await?;
        let mut message = vec![0; SIZE];
        // As ciphertext: nothing on the way can make it smaller.
        OsRandom.fill(&mut message);
        Ok(Self {
            number,
            path: paths::grant_mailbox(&grant.address),
            connection,
            grant,
            challenge,
            message,
            next: 0,
        })
    }

    /// Puts the next message, until it is accepted.
    async fn put(&mut self, tally: &Tally, due: Option<Instant>) -> Done<()> {
        tally.mark(&mut self.message, self.number, self.next, due);
        loop {
            let IssuedGrant { key, address, .. } = &self.grant;
            let put = GrantPut::new(key, address, &self.challenge, self.message.clone());
            let answer = self.connection.post(&self.path, &[], &put.encode()).await?;
            self.challenge = answer.next_challenge.ok_or("no next challenge")?;
            match answer.status {
                202 => {
                    tally.accept(self.number);
                    self.next += 1;
                    return Ok(());
                }
                503 => {
                    tally.refuse();
                    tokio::time::sleep(AGAIN).await;
                }
                status => return Err(format!("a put was answered {status}").into()),
            }
        }
    }
}
