//! What an [`App`](super::App) needs from outside.

use crate::account::{Cost, KeyringChoice};
use crate::views::ErrorView;
use sotto_identity::Endpoints;
use sotto_wire::random::{OsRandom, Random};
use sotto_wire::time::{Clock, SystemClock};
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;
use zeroize::Zeroizing;

/// The user's web browser.
pub trait Browser: Send + Sync {
    /// Opens `url` and returns at once.
    ///
    /// # Errors
    /// `oauth.browser` where no browser could be started.
    fn open(&self, url: &str) -> Result<(), ErrorView>;
}

/// Everything an [`App`](super::App) needs from outside.
#[derive(Clone)]
pub struct Config {
    /// Everything that lasts is below this directory; it is made where it is missing.
    pub data_dir: PathBuf,
    /// Where the shared services of the AT network are.
    pub endpoints: Endpoints,
    /// Suggested as the relay of a new account.
    pub default_relay: String,
    /// Loopback services over http are allowed.
    pub development: bool,
    /// The user's web browser.
    pub browser: Arc<dyn Browser>,
    /// Which keyring a new data directory begins with.
    pub keyring: KeyringChoice,
    /// What guessing the passphrase costs.
    pub passphrase_cost: Cost,
    /// Unlocks the vault file without asking; development only.
    pub vault_passphrase: Option<Zeroizing<String>>,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub random: Arc<dyn Random>,
}

const PLC: &str = "https://plc.directory";
const APPVIEW: &str = "https://public.api.bsky.app";

impl Config {
    /// The configuration that the environment describes: `SOTTO_DATA_DIR`, `SOTTO_DEFAULT_RELAY`,
    /// `SOTTO_KEYRING` (`system` or `file`) and `SOTTO_DEV`; with `SOTTO_DEV=1` also
    /// `SOTTO_DEV_PLC_URL`, `SOTTO_DEV_HANDLE_RESOLVER`, `SOTTO_DEV_APPVIEW` and
    /// `SOTTO_VAULT_PASSPHRASE`.
    ///
    /// # Errors
    /// `internal`, with a detail that names the variable that makes no sense.
    pub fn from_env(browser: Arc<dyn Browser>) -> Result<Self, ErrorView> {
        Self::from_variables(browser, |name| std::env::var(name).ok())
    }

    fn from_variables(
        browser: Arc<dyn Browser>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ErrorView> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let development = set("SOTTO_DEV").is_some_and(|value| value != "0");
        // Pointing the app elsewhere, or giving its passphrase away, is for development alone.
        let in_development = |name: &str| set(name).filter(|_| development);
        let url = |name: &str| {
            in_development(name)
                .map(|text| parse_url(name, &text))
                .transpose()
        };
        let endpoints = Endpoints {
            plc: url("SOTTO_DEV_PLC_URL")?.map_or_else(|| parse_url("plc", PLC), Ok)?,
            handle_resolver: url("SOTTO_DEV_HANDLE_RESOLVER")?,
            appview: url("SOTTO_DEV_APPVIEW")?.map_or_else(|| parse_url("appview", APPVIEW), Ok)?,
            development,
        };
        Ok(Self {
            data_dir: set("SOTTO_DATA_DIR").map_or_else(default_data_dir, |dir| Ok(dir.into()))?,
            endpoints,
            default_relay: set("SOTTO_DEFAULT_RELAY").unwrap_or_default(),
            development,
            browser,
            keyring: match set("SOTTO_KEYRING").as_deref() {
                None | Some("system") => KeyringChoice::System,
                Some("file") => KeyringChoice::File,
                Some(_) => return Err(senseless("SOTTO_KEYRING")),
            },
            passphrase_cost: Cost::INTERACTIVE,
            vault_passphrase: in_development("SOTTO_VAULT_PASSPHRASE").map(Zeroizing::new),
            clock: Arc::new(SystemClock),
            random: Arc::new(OsRandom),
        })
    }
}

fn parse_url(name: &str, text: &str) -> Result<Url, ErrorView> {
    Url::parse(text).map_err(|_| senseless(name))
}

fn senseless(name: &str) -> ErrorView {
    ErrorView::with_detail("internal", format!("{name} makes no sense"))
}

fn default_data_dir() -> Result<PathBuf, ErrorView> {
    directories::ProjectDirs::from("chat", "sotto", "Sotto")
        .map(|dirs| dirs.data_dir().to_owned())
        .ok_or_else(|| ErrorView::with_detail("internal", "no home directory; set SOTTO_DATA_DIR"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct NoBrowser;
    impl Browser for NoBrowser {
        fn open(&self, _: &str) -> Result<(), ErrorView> {
            Ok(())
        }
    }

    fn read(pairs: &[(&str, &str)]) -> Result<Config, ErrorView> {
        Config::from_variables(Arc::new(NoBrowser), |name| {
            let found = pairs
                .iter()
                .chain(&[("SOTTO_DATA_DIR", "/d")])
                .find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn development_variables_count_in_development_only() {
        let pairs = [
            ("SOTTO_DEV_PLC_URL", "http://localhost:1"),
            ("SOTTO_VAULT_PASSPHRASE", "12345678"),
            ("SOTTO_DEV_HANDLE_RESOLVER", "http://localhost:2"),
        ];
        let config = read(&pairs).unwrap();
        assert_eq!(config.endpoints.plc.as_str(), "https://plc.directory/");
        assert!(config.vault_passphrase.is_none() && config.endpoints.handle_resolver.is_none());
        let config = read(&[&pairs[..], &[("SOTTO_DEV", "1")]].concat()).unwrap();
        assert_eq!(config.endpoints.plc.as_str(), "http://localhost:1/");
        assert!(config.vault_passphrase.is_some() && config.endpoints.handle_resolver.is_some());
    }

    #[test]
    fn nonsense_is_named() {
        let error = read(&[("SOTTO_KEYRING", "pocket")]).err().unwrap();
        assert_eq!(
            error.detail.as_deref(),
            Some("SOTTO_KEYRING makes no sense")
        );
        assert!(read(&[("SOTTO_DEV", "1"), ("SOTTO_DEV_APPVIEW", "::")]).is_err());
    }
}
