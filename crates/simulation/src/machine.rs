//! A client: the real app over a real database, on a machine whose power fails.

use crate::chance::Chance;
use crate::keys::Keys;
use crate::net::{Card, Net};
use crate::power::Power;
use crate::time::{Watch, World};
use sotto_core::account::{Cost, KeyringChoice};
use sotto_core::app::{App, Browser, Config, Outside, account, moved, moved_account};
use sotto_core::db::{Database, DatabaseKey, DbError, OwnAccount, Peer, incoming, own, peers};
use sotto_core::messages;
use sotto_core::views::ErrorView;
use sotto_identity::Endpoints;
use sotto_identity::repo::Tid;
use sotto_identity::verify::{Evidence, Level, Pin};
use sotto_wire::claim::Incoming;
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::time::{Clock, Timestamp};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use url::Url;

/// Opens every database of a simulation.
const KEY: [u8; 32] = [7; 32];

/// That lie at the relay: few, so that they run out.
const KEY_PACKAGES: usize = 3;

/// What every client of a run is made of.
pub struct Maker {
    /// Of the run.
    pub seed: u64,
    /// Of the run.
    pub world: Arc<World>,
    /// Of the run.
    pub net: Arc<Net>,
    /// Of the run.
    pub keys: Arc<Keys>,
    /// Below this everything is kept.
    pub dir: PathBuf,
}

struct Running {
    app: App,
    power: Arc<Power>,
}

/// A client.
pub struct Machine {
    /// `c0`, `c1`, …
    pub name: String,
    /// Its account.
    pub did: Did,
    /// Its clock.
    pub clock: Arc<Watch>,
    number: u8,
    net: Arc<Net>,
    keys: Arc<Keys>,
    random: Arc<Chance>,
    dir: PathBuf,
    running: Mutex<Option<Running>>,
}

impl Machine {
    /// Makes an account, publishes its record, and leaves the machine switched off.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub fn make(
        maker: &Maker,
        number: usize,
        relay: &str,
        wrong_by_ms: i64,
        closed: bool,
    ) -> Result<Arc<Self>, String> {
        let name = format!("c{number}");
        let did = Did::parse(&format!("did:web:{name}.example")).map_err(text)?;
        let domain = Domain::parse(relay).map_err(text)?;
        let dir = maker.dir.join(&name);
        fs::create_dir_all(&dir).map_err(text)?;
        let random = Arc::new(Chance::new(maker.seed, &name));
        let policy = if closed {
            Incoming::None
        } else {
            Incoming::Everyone
        };
        let handle = format!("{name}.example");
        let whose = (&did, handle.as_str(), &domain);
        // Set up while its clock was right.
        let now = maker.world.now();
        let (own, record) = account(whose, None, policy, now, &*random);
        maker.net.pds.publish(&did, &record, now.0 * 1000)?;
        let machine = Self {
            clock: Watch::new(&maker.world, wrong_by_ms),
            number: u8::try_from(number + 1).map_err(text)?,
            net: Arc::clone(&maker.net),
            keys: Arc::clone(&maker.keys),
            running: Mutex::new(None),
            name,
            did,
            random,
            dir,
        };
        fs::write(machine.database(), template()?).map_err(text)?;
        machine.install(own, policy)?;
        Ok(Arc::new(machine))
    }

    fn database(&self) -> PathBuf {
        self.dir.join("sotto.db")
    }

    fn open(&self, power: &Arc<Power>) -> Result<Database, String> {
        let key = DatabaseKey::new(KEY);
        let (clock, random) = (Arc::clone(&self.clock), Arc::clone(&self.random));
        let watch = Arc::clone(power);
        messages::open_watched(&self.database(), &key, clock, random, watch).map_err(text)
    }

    /// What a set-up leaves in the database.
    fn install(&self, own: OwnAccount, policy: Incoming) -> Result<(), String> {
        let database = self.open(&Power::on(None))?;
        let peer = own_pin(&own, policy)?;
        let write = database.write_blocking(move |tx| {
            own::store(tx, &own)?;
            incoming::choose(tx, policy)?;
            incoming::published(tx, policy)?;
            peers::upsert(tx, &peer).map(drop)
        });
        write.map_err(|error: DbError| text(error))
    }

    /// Switches it on.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub async fn start(&self) -> Result<(), String> {
        let power = Power::on(Some(Arc::clone(&self.keys)));
        let database = self.open(&power)?;
        let own = database.read(|tx| own::load(tx)).await;
        let own = own.map_err(|error: DbError| text(error))?;
        let own = own.ok_or("no account on the disk")?;
        let card = Arc::new(Card {
            net: Arc::clone(&self.net),
            name: self.name.clone(),
            number: self.number,
            power: Arc::clone(&power),
        });
        let outside = Outside {
            http: Arc::clone(&card) as _,
            upgrade: card,
            key_packages: KEY_PACKAGES,
        };
        let app = App::assembled(self.config()?, outside, own, database);
        let app = app.map_err(|error| error.code)?;
        *self.running() = Some(Running { app, power });
        Ok(())
    }

    /// The app, while it runs.
    pub fn app(&self) -> Option<App> {
        self.running().as_ref().map(|it| it.app.clone())
    }

    /// Its power, while it is on.
    pub fn power(&self) -> Option<Arc<Power>> {
        self.running().as_ref().map(|it| Arc::clone(&it.power))
    }

    /// Ends the app in order.
    pub async fn stop(&self) {
        let running = self.running().take();
        if let Some(running) = running {
            running.app.shutdown().await;
            running.power.cut();
        }
    }

    /// The power fails; what is not on the disk is gone.
    pub async fn crash(&self) {
        let running = self.running().take();
        if let Some(running) = running {
            running.power.cut();
            running.app.shutdown().await;
        }
    }

    /// Copies the disk.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub fn copy(&self) -> Result<(), String> {
        copy(&self.dir, &self.dir.join("copy"))
    }

    /// Puts the copy in the place of the disk; `false` where there is none. The machine is off.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub fn go_back(&self) -> Result<bool, String> {
        let from = self.dir.join("copy");
        if !from.join("sotto.db").exists() {
            return Ok(false);
        }
        copy(&from, &self.dir).map(|()| true)
    }

    /// Installs the app anew, as another device of the account. The machine is off.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub fn reinstall(&self, now: Timestamp) -> Result<(), String> {
        let before = self.open(&Power::on(None))?;
        let found = before.read_blocking(|tx| Ok((own::load(tx)?, incoming::policy(tx)?.incoming)));
        let (own, policy) = found.map_err(|error: DbError| text(error))?;
        let own = own.ok_or("no account on the disk")?;
        drop(before);
        let whose = (&own.did, own.handle.as_str(), &own.domain);
        let (next, record) = account(whose, Some(&own), policy, now, &*self.random);
        self.net.pds.publish(&self.did, &record, now.0 * 1000)?;
        remove(&self.dir);
        remove(&self.dir.join("copy"));
        fs::write(self.database(), template()?).map_err(text)?;
        self.install(next, policy)
    }

    /// Moves the account to the other one of these relays. The machine is off.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub fn relocate(&self, relays: &[String], now: Timestamp) -> Result<(), String> {
        let database = self.open(&Power::on(None))?;
        let found =
            database.read_blocking(|tx| Ok((own::load(tx)?, incoming::policy(tx)?.incoming)));
        let (own, policy) = found.map_err(|error: DbError| text(error))?;
        let own = own.ok_or("no account on the disk")?;
        let other = relays.iter().find(|it| it.as_str() != own.domain.as_str());
        let to = Domain::parse(other.ok_or("no other relay")?).map_err(text)?;
        let (next, record) = moved_account(&own, &to, policy, now);
        self.net.pds.publish(&self.did, &record, now.0 * 1000)?;
        let seen = own_pin(&next, policy)?.pin;
        let write = database.write_blocking(move |tx| moved(tx, &next, &seen));
        write.map_err(text)
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn config(&self) -> Result<Config, String> {
        let url = |host: &str| Url::parse(&format!("https://{host}")).map_err(text);
        Ok(Config {
            data_dir: self.dir.clone(),
            endpoints: Endpoints {
                plc: url("plc.example")?,
                handle_resolver: Some(url(crate::pds::HOST)?),
                appview: url("appview.example")?,
                development: false,
            },
            default_relay: String::new(),
            development: false,
            browser: Arc::new(NoBrowser),
            keyring: KeyringChoice::File,
            passphrase_cost: Cost::INTERACTIVE,
            vault_passphrase: None,
            clock: Arc::clone(&self.clock) as _,
            random: Arc::clone(&self.random) as _,
        })
    }
}

struct NoBrowser;

impl Browser for NoBrowser {
    fn open(&self, _: &str) -> Result<(), ErrorView> {
        Ok(())
    }
}

/// The mark of a set-up that was completed: the own account as others see it.
fn own_pin(own: &OwnAccount, incoming: Incoming) -> Result<Peer, String> {
    let pin = Pin {
        did: own.did.clone(),
        key: own.delegate_key.public(),
        domain: own.domain.clone(),
        incoming,
        claim_seq: own.claim_seq,
        repo_rev: Tid::parse("2222222222222").map_err(text)?,
        level: Level::Vended,
        evidence: Evidence::default(),
        predecessors: Vec::new(),
    };
    Ok(Peer {
        pin,
        handle: Some(own.handle.clone()),
        display_name: None,
        avatar: None,
        verified_at: 0,
        last_error: None,
        confirmed_at: None,
    })
}

const FILES: [&str; 2] = ["sotto.db", "sotto.db-wal"];

fn remove(dir: &Path) {
    for file in FILES.iter().chain(&["sotto.db-shm"]) {
        let _ = fs::remove_file(dir.join(file));
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::create_dir_all(to).map_err(text)?;
    remove(to);
    for file in FILES.iter().filter(|file| from.join(file).exists()) {
        fs::copy(from.join(file), to.join(file)).map_err(text)?;
    }
    Ok(())
}

/// An empty database, made once: its many tables take longer than a whole conversation.
fn template() -> Result<Vec<u8>, String> {
    static TEMPLATE: Mutex<Option<Vec<u8>>> = Mutex::new(None);
    let mut template = TEMPLATE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(template) = &*template {
        return Ok(template.clone());
    }
    let dir = tempfile::tempdir().map_err(text)?;
    let path = dir.path().join("sotto.db");
    let (clock, random) = (
        Arc::new(sotto_wire::time::SystemClock),
        Arc::new(Chance::new(0, "template")),
    );
    let power = Power::on(None);
    let opened = messages::open_watched(&path, &DatabaseKey::new(KEY), clock, random, power);
    drop(opened.map_err(text)?);
    let bytes = fs::read(&path).map_err(text)?;
    *template = Some(bytes.clone());
    Ok(bytes)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
