//! The relays: real ones, on machines whose power fails.

use crate::chance::Chance;
use crate::machine::Maker;
use crate::net::{Card, Net, Up};
use crate::power::Power;
use crate::time::World;
use sotto_relay::{Config, SimulatedRelay};
use sotto_wire::domain::Domain;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;
use url::Url;

/// A relay.
pub struct RelayMachine {
    /// Where it is reached.
    pub host: String,
    number: u8,
    net: Arc<Net>,
    world: Arc<World>,
    random: Arc<Chance>,
    data: PathBuf,
    power: Mutex<Option<Arc<Power>>>,
}

impl RelayMachine {
    /// A relay that is switched off.
    pub fn make(maker: &Maker, number: usize) -> Arc<Self> {
        let host = host(number);
        Arc::new(Self {
            number: u8::try_from(100 + number).unwrap_or(u8::MAX),
            net: Arc::clone(&maker.net),
            world: Arc::clone(&maker.world),
            random: Arc::new(Chance::new(maker.seed, &host)),
            data: maker.dir.join(format!("{host}.db")),
            power: Mutex::new(None),
            host,
        })
    }

    /// Switches it on.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub async fn start(&self) -> Result<(), String> {
        let power = Power::on(None);
        let card = Card {
            net: Arc::clone(&self.net),
            name: self.host.clone(),
            number: self.number,
            power: Arc::clone(&power),
        };
        let plc = Url::parse("https://plc.example").map_err(text)?;
        let mut config = Config::development(self.data.clone(), plc);
        config.development = false;
        let domain = Domain::parse(&self.host).map_err(text)?;
        config.domain = Some(domain.clone());
        let (clock, random) = (Arc::clone(&self.world), Arc::clone(&self.random));
        let watch = Arc::clone(&power);
        let relay = SimulatedRelay::start(config, domain, clock, random, Arc::new(card), watch);
        let up = Up {
            relay: Arc::new(relay.await.map_err(text)?),
            power: Arc::clone(&power),
            connections: CancellationToken::new(),
        };
        self.net.serve(&self.host, up);
        *self.power.lock().unwrap_or_else(PoisonError::into_inner) = Some(power);
        Ok(())
    }

    /// Its power, while it is on.
    pub fn power(&self) -> Option<Arc<Power>> {
        let power = self.power.lock().unwrap_or_else(PoisonError::into_inner);
        power.clone()
    }

    /// The power fails.
    pub fn crash(&self) {
        let mut power = self.power.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(power) = power.take() {
            power.cut();
            self.net.unserve(&self.host);
        }
    }
}

/// Where a relay is reached.
pub fn host(number: usize) -> String {
    format!("relay-{number}.example")
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
