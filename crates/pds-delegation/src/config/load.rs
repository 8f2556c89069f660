//! Reading file and environment, and what has to hold between values.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use sotto_wire::did::Did;
use sotto_wire::pds_api::Audience;
use url::Url;
use zeroize::Zeroizing;

use super::secrets::{JWT_SECRET, ROTATION_KEY};
use super::settings::{Given, SETTINGS};
use super::{Config, LogFormat, Secrets};

const PREFIX: &str = "SOTTO_PDS_DELEGATION_";
const DEFAULT_UPSTREAM: &str = "http://127.0.0.1:3000";
const DEFAULT_PLC: &str = "https://plc.directory";
/// Names the file; not a setting inside it.
const FILE_VARIABLE: &str = "SOTTO_PDS_DELEGATION_CONFIG";

/// Everything that is wrong with a configuration, one line each, for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{}", .problems.join("\n"))]
pub struct ConfigError {
    /// The lines.
    pub problems: Vec<String>,
}

/// Reads the file at `path` (or the one that `SOTTO_PDS_DELEGATION_CONFIG` names, or none) and the
/// variables, of which those beginning with `SOTTO_PDS_DELEGATION_` count and win, and the two
/// secrets of the PDS.
///
/// # Errors
/// [`ConfigError`] with every problem found, not only the first.
pub fn load(
    path: Option<PathBuf>,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let mut own = Vec::new();
    let (mut jwt, mut rotation_key) = (None, None);
    for (name, value) in variables {
        match name.as_str() {
            JWT_SECRET => jwt = Some(Zeroizing::new(value)),
            ROTATION_KEY => rotation_key = Some(Zeroizing::new(value)),
            _ if name.starts_with(PREFIX) => own.push((name, value)),
            _ => {}
        }
    }
    own.sort();
    let named = own.iter().find(|(name, _)| name == FILE_VARIABLE);
    let path = path.or_else(|| named.map(|(_, path)| PathBuf::from(path)));

    let mut given = Given::default();
    let mut problems = Vec::new();
    if let Some(path) = path {
        read_file(&path, &mut given, &mut problems);
    }
    for (variable, text) in own.iter().filter(|(name, _)| name != FILE_VARIABLE) {
        let name = variable.trim_start_matches(PREFIX).to_ascii_lowercase();
        let upper = variable.chars().all(|c| !c.is_ascii_lowercase());
        let outcome = if upper {
            set(&mut given, &name, text)
        } else {
            Err(UNKNOWN.to_owned())
        };
        problems.extend(outcome.err().map(|it| format!("{variable}: {it}")));
    }
    let secrets = Secrets::new(jwt, rotation_key.as_ref());
    problems.extend(secrets.as_ref().err().map(ToString::to_string));
    let config = secrets
        .ok()
        .and_then(|secrets| finish(given, secrets, &mut problems));
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(ConfigError { problems }),
    }
}

const UNKNOWN: &str = "there is no such setting";

fn set(given: &mut Given, name: &str, text: &str) -> Result<(), String> {
    match SETTINGS.iter().find(|setting| setting.name == name) {
        Some(setting) => (setting.set)(given, text),
        None => Err(UNKNOWN.to_owned()),
    }
}

fn read_file(path: &Path, given: &mut Given, problems: &mut Vec<String>) {
    let shown = path.display();
    let table = std::fs::read_to_string(path)
        .map_err(|error| error.to_string())
        .and_then(|text| {
            text.parse::<toml::Table>()
                .map_err(|error| error.message().to_owned())
        });
    let table = match table {
        Ok(table) => table,
        Err(problem) => {
            problems.push(format!("{shown}: {problem}"));
            return;
        }
    };
    for (name, value) in table {
        let text = match value {
            toml::Value::String(text) => Ok(text),
            toml::Value::Integer(number) => Ok(number.to_string()),
            toml::Value::Boolean(flag) => Ok(flag.to_string()),
            _ => Err("expected a string, a whole number or a boolean".to_owned()),
        };
        let outcome = text.and_then(|text| set(given, &name, &text));
        problems.extend(outcome.err().map(|it| format!("{shown}: {name}: {it}")));
    }
}

fn finish(given: Given, secrets: Secrets, problems: &mut Vec<String>) -> Option<Config> {
    let Some(public_url) = given.public_url else {
        problems.push("public_url: required (SOTTO_PDS_DELEGATION_PUBLIC_URL)".to_owned());
        return None;
    };
    let plc_url = given.plc_url.or_else(|| Url::parse(DEFAULT_PLC).ok())?;
    if !given.development {
        for (name, url) in [("public_url", &public_url), ("plc_url", &plc_url)] {
            if url.scheme() != "https" {
                problems.push(format!("{name}: http needs development = true"));
            }
        }
    }
    let service_did = given.service_did.or_else(|| web_did(&public_url));
    let audience = service_did.as_ref().and_then(|did| Audience::new(did).ok());
    let (Some(service_did), Some(audience)) = (service_did, audience) else {
        problems.push("service_did: required, as public_url has none of its own".to_owned());
        return None;
    };
    Some(Config {
        listen: given
            .listen
            .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8741))),
        upstream: given
            .upstream
            .or_else(|| Url::parse(DEFAULT_UPSTREAM).ok())?,
        public_url,
        service_did,
        audience,
        plc_url,
        development: given.development,
        log: given.log.unwrap_or(LogFormat::Json),
        limits: given.limits,
        secrets,
    })
}

/// The DID that a PDS at this URL has unless it was told another one.
fn web_did(url: &Url) -> Option<Did> {
    let host = url.host_str()?;
    let port = url.port().map(|port| format!("%3A{port}"));
    Did::parse(&format!("did:web:{host}{}", port.unwrap_or_default())).ok()
}

/// The list of settings, for `--help`.
#[must_use]
pub fn describe() -> String {
    let mut text = String::from(
        "Settings, in the file as `name = value`, in the environment as SOTTO_PDS_DELEGATION_NAME:\n",
    );
    for setting in SETTINGS {
        let _ = writeln!(text, "  {:<26}{}", setting.name, setting.about);
    }
    let _ = write!(
        text,
        "Secrets of the PDS, in the environment only, under its own names:\n  {JWT_SECRET}\n  {ROTATION_KEY}\n"
    );
    text
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
