//! A person with the app.

use crate::browser::{Decision, TestBrowser};
use crate::clock::MovableClock;
use crate::network::{Account, Network};
use crate::{PATIENCE, logs, until};
use sotto_core::account::{Cost, KeyringChoice};
use sotto_core::app::{App, Browser as _, Config};
use sotto_core::views::{AppState, ConnectionState, ErrorView, MessageState};
use sotto_identity::Endpoints;
use sotto_wire::random::OsRandom;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use zeroize::Zeroizing;

/// Opens every vault of the tests.
pub(crate) const PASSPHRASE: &str = "a passphrase for tests";

/// One message as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Whether the person wrote it.
    pub mine: bool,
    /// What it says.
    pub text: String,
    /// How far it has come.
    pub state: MessageState,
}

/// An account, a data directory, and the app on it.
pub struct Client {
    /// Who it is.
    pub account: Account,
    /// The time on this machine.
    pub clock: Arc<MovableClock>,
    /// What the user does at the sign-in page, from the next start on.
    pub decision: Decision,
    dir: Arc<TempDir>,
    endpoints: Endpoints,
    app: Option<App>,
}

impl Client {
    /// A new account with an app that was just installed.
    pub async fn new(network: &Network, name: &str, pds: usize) -> Self {
        let account = network.account(name, pds).await;
        Self::of(network, account).await
    }

    /// An existing account on another machine.
    pub async fn of(network: &Network, account: Account) -> Self {
        logs::record();
        let mut client = Self {
            account,
            clock: Arc::default(),
            decision: Decision::Approve,
            dir: Arc::new(tempfile::tempdir().expect("a temporary folder")),
            endpoints: Endpoints {
                plc: network.plc().clone(),
                handle_resolver: Some(network.control().clone()),
                appview: network.control().clone(),
                development: true,
            },
            app: None,
        };
        client.start().await.expect("the app starts");
        client
    }

    /// A new account that is signed in and set up at a relay.
    ///
    /// # Panics
    /// When that does not work.
    pub async fn ready(network: &Network, name: &str, pds: usize, relay: &str) -> Self {
        let client = Self::new(network, name, pds).await;
        client.sign_in().await.expect("signs in");
        client.set_up(relay).await.expect("is set up");
        client.online().await;
        client
    }

    /// The app.
    ///
    /// # Panics
    /// When it is not running.
    pub fn app(&self) -> &App {
        self.app.as_ref().expect("the app runs")
    }

    /// Where everything is kept.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    pub(crate) fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Starts the app on the data directory.
    ///
    /// # Errors
    /// What the app says.
    pub async fn start(&mut self) -> Result<(), ErrorView> {
        self.app = Some(App::start(self.config(self.dir.path())).await?);
        Ok(())
    }

    /// Ends the app.
    pub async fn stop(&mut self) {
        if let Some(app) = self.app.take() {
            app.shutdown().await;
            drop(app);
        }
    }

    /// Ends the app and starts it again.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart(&mut self) {
        self.stop().await;
        // The last handle to the data directory may still be with a task that is ending.
        let restart = async {
            while self.start().await.is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, restart)
            .await
            .expect("the app starts again");
    }

    /// The configuration of an app on a data directory.
    pub fn config(&self, data_dir: &Path) -> Config {
        Config {
            data_dir: data_dir.to_owned(),
            endpoints: self.endpoints.clone(),
            default_relay: String::new(),
            development: true,
            browser: Arc::new(TestBrowser {
                account: self.account.clone(),
                decision: self.decision,
            }),
            keyring: KeyringChoice::File,
            passphrase_cost: Cost {
                memory_kib: 64,
                passes: 1,
            },
            vault_passphrase: Some(Zeroizing::new(PASSPHRASE.to_owned())),
            clock: Arc::clone(&self.clock) as Arc<dyn sotto_wire::time::Clock>,
            random: Arc::new(OsRandom),
        }
    }

    /// Signs in as the account.
    ///
    /// # Errors
    /// What the app says.
    pub async fn sign_in(&self) -> Result<AppState, ErrorView> {
        self.app().sign_in(self.account.handle.clone()).await
    }

    /// Opens a page as this person's browser, and decides.
    ///
    /// # Panics
    /// When there is no browser.
    pub fn browse(&self, page: &str) {
        let browser = TestBrowser {
            account: self.account.clone(),
            decision: self.decision,
        };
        browser.open(page).expect("a browser");
    }

    /// Sets the account up at a relay.
    ///
    /// # Errors
    /// What the app says.
    pub async fn set_up(&self, relay: &str) -> Result<AppState, ErrorView> {
        self.app().set_up(format!("http://{relay}")).await
    }

    /// Waits for the connection.
    pub async fn online(&self) {
        until("online", || async {
            let connection = self.app().connection().await.expect("a connection");
            connection.state == ConnectionState::Online
        })
        .await;
    }

    /// Writes to someone; gives the message's id.
    ///
    /// # Panics
    /// When the app refuses.
    pub async fn write(&self, to: &Client, text: &str) -> i64 {
        let conversation = self.conversation(to).await;
        let sent = self
            .app()
            .send_text(conversation, text.to_owned(), None)
            .await;
        sent.expect("the message is written").id
    }

    /// The id of the conversation with someone, begun where there is none.
    ///
    /// # Panics
    /// When it cannot be begun.
    pub async fn conversation(&self, with: &Client) -> String {
        let known = self.app().conversations().await.expect("a list");
        if let Some(known) = known.into_iter().find(|it| it.peer.did == with.account.did) {
            return known.id;
        }
        let begun = self
            .app()
            .start_conversation(with.account.handle.clone())
            .await;
        begun.expect("the conversation begins").id
    }

    /// Every message with someone, oldest first.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn told(&self, with: &Client) -> Vec<Told> {
        let known = self.app().conversations().await.expect("a list");
        let Some(known) = known.into_iter().find(|it| it.peer.did == with.account.did) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        let mut before = None;
        loop {
            let page = self
                .app()
                .messages(known.id.clone(), before, 200)
                .await
                .expect("a page");
            let Some(first) = page.first() else {
                return all;
            };
            before = Some(first.id);
            let page = page.into_iter().filter(|it| it.notice.is_none());
            let page = page.map(|message| Told {
                mine: message.mine,
                text: message.text.unwrap_or_default(),
                state: message.state,
            });
            all = page.chain(all).collect();
        }
    }

    /// What someone has written to this person, oldest first.
    pub async fn heard(&self, from: &Client) -> Vec<String> {
        let told = self.told(from).await;
        told.into_iter()
            .filter(|it| !it.mine)
            .map(|it| it.text)
            .collect()
    }

    /// How far the own messages to someone have come, oldest first.
    pub async fn states(&self, to: &Client) -> Vec<MessageState> {
        let told = self.told(to).await;
        told.into_iter()
            .filter(|it| it.mine)
            .map(|it| it.state)
            .collect()
    }

    /// Waits until exactly these texts of someone are there.
    pub async fn hears(&self, from: &Client, texts: &[&str]) {
        until(&format!("to hear {texts:?}"), || async {
            self.heard(from).await == texts
        })
        .await;
    }

    /// Waits until all own messages to someone are delivered.
    pub async fn delivered(&self, to: &Client) {
        until("delivered", || async {
            let states = self.states(to).await;
            let delivered = [MessageState::Delivered, MessageState::Read];
            !states.is_empty() && states.iter().all(|it| delivered.contains(it))
        })
        .await;
    }
}
