//! What the environment says, and the refusals: this program has no users to tell apart, so it
//! must be asked for, and must not be reachable from another machine.

use crate::gate::Gate;
use std::{net::SocketAddr, path::PathBuf};
use url::{Host, Url};

/// Where to listen and what to serve.
#[derive(Debug)]
pub(crate) struct Settings {
    /// `SOTTO_DEVSHELL_LISTEN`, default `127.0.0.1:1421`; a loopback address with a fixed port.
    pub(crate) listen: SocketAddr,
    /// `SOTTO_DEVSHELL_UI`: the folder of the built user interface.
    pub(crate) ui: PathBuf,
    /// `SOTTO_DEVSHELL_ORIGIN`: one more origin that may ask, that of a Vite server which passes
    /// `/api` on to here; on loopback as well.
    pub(crate) other_origin: Option<Url>,
}

/// Why it does not start.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It was started without saying that this is development.
    #[error("this is a development tool: it starts only with SOTTO_DEV=1")]
    NotDevelopment,
    /// Anyone in the network could use the account.
    #[error("{0} must be on loopback")]
    NotLoopback(&'static str),
    /// A value that cannot be read.
    #[error("{0} makes no sense")]
    Senseless(&'static str),
}

impl Settings {
    /// Reads the settings from `variable`, the environment.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Refused> {
        const LISTEN: &str = "SOTTO_DEVSHELL_LISTEN";
        if variable("SOTTO_DEV").as_deref() != Some("1") {
            return Err(Refused::NotDevelopment);
        }
        let listen = variable(LISTEN).unwrap_or_else(|| "127.0.0.1:1421".to_owned());
        let listen: SocketAddr = listen.parse().map_err(|_| Refused::Senseless(LISTEN))?;
        if !listen.ip().is_loopback() {
            return Err(Refused::NotLoopback(LISTEN));
        }
        // The port is part of the origin that may ask, so it has to be known beforehand.
        if listen.port() == 0 {
            return Err(Refused::Senseless(LISTEN));
        }
        let ui = variable("SOTTO_DEVSHELL_UI")
            .unwrap_or_else(|| "ui/dist".to_owned())
            .into();
        let other_origin = variable("SOTTO_DEVSHELL_ORIGIN")
            .map(other_origin)
            .transpose()?;
        Ok(Self {
            listen,
            ui,
            other_origin,
        })
    }

    /// Who may ask.
    pub(crate) fn gate(&self) -> Gate {
        let port = self.listen.port();
        let mut authorities = vec![self.listen.to_string(), format!("localhost:{port}")];
        if let Some(url) = &self.other_origin {
            authorities.push(url.authority().to_owned());
        }
        Gate::new(authorities)
    }
}

fn other_origin(text: String) -> Result<Url, Refused> {
    const ORIGIN: &str = "SOTTO_DEVSHELL_ORIGIN";
    let url = Url::parse(&text).map_err(|_| Refused::Senseless(ORIGIN))?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => return Err(Refused::Senseless(ORIGIN)),
    };
    if loopback && url.scheme() == "http" {
        Ok(url)
    } else {
        Err(Refused::NotLoopback(ORIGIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, Refused> {
        Settings::read(|name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn starts_only_in_development() {
        assert_eq!(read(&[]).unwrap_err(), Refused::NotDevelopment);
        assert_eq!(
            read(&[("SOTTO_DEV", "true")]).unwrap_err(),
            Refused::NotDevelopment
        );
        assert_eq!(
            read(&[("SOTTO_DEV", "1")]).unwrap().listen,
            "127.0.0.1:1421".parse().unwrap()
        );
    }

    #[test]
    fn listens_on_loopback_only() {
        let listen = |value| read(&[("SOTTO_DEV", "1"), ("SOTTO_DEVSHELL_LISTEN", value)]);
        assert!(listen("[::1]:4000").is_ok());
        let not_loopback = Refused::NotLoopback("SOTTO_DEVSHELL_LISTEN");
        for value in ["0.0.0.0:4000", "[::]:4000", "192.168.1.2:4000"] {
            assert_eq!(listen(value).unwrap_err(), not_loopback, "{value}");
        }
        let senseless = Refused::Senseless("SOTTO_DEVSHELL_LISTEN");
        for value in ["localhost:4000", "4000", "127.0.0.1:0"] {
            assert_eq!(listen(value).unwrap_err(), senseless, "{value}");
        }
    }

    #[test]
    fn the_other_origin_is_on_loopback_too() {
        let origin = |value| read(&[("SOTTO_DEV", "1"), ("SOTTO_DEVSHELL_ORIGIN", value)]);
        assert!(origin("http://localhost:1420").is_ok());
        assert!(origin("http://[::1]:1420").is_ok());
        for value in [
            "http://example.com",
            "https://localhost:1420",
            "http://localhost.example",
        ] {
            assert!(origin(value).is_err(), "{value}");
        }
    }
}
