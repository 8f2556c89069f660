//! Reading file and environment, and what has to hold between values.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use url::Url;

use super::settings::{Given, SETTINGS};
use super::{Config, LogFormat};

const PREFIX: &str = "SOTTO_RELAY_";
const DEFAULT_PLC: &str = "https://plc.directory";
/// Names the file; not a setting inside it.
const FILE_VARIABLE: &str = "SOTTO_RELAY_CONFIG";

/// Everything that is wrong with a configuration, one line each, for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{}", .problems.join("\n"))]
pub struct ConfigError {
    /// The lines.
    pub problems: Vec<String>,
}

/// Reads the file at `path` (or the one that `SOTTO_RELAY_CONFIG` names, or none) and the
/// variables, of which those beginning with `SOTTO_RELAY_` count and win.
///
/// # Errors
/// [`ConfigError`] with every problem found, not only the first.
pub fn load(
    path: Option<PathBuf>,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let mut variables: Vec<_> = variables
        .into_iter()
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    variables.sort();
    let named = variables.iter().find(|(name, _)| name == FILE_VARIABLE);
    let path = path.or_else(|| named.map(|(_, path)| PathBuf::from(path)));

    let mut given = Given::default();
    let mut problems = Vec::new();
    if let Some(path) = path {
        read_file(&path, &mut given, &mut problems);
    }
    for (variable, text) in variables.iter().filter(|(name, _)| name != FILE_VARIABLE) {
        let name = variable.trim_start_matches(PREFIX);
        let known = SETTINGS
            .iter()
            .find(|setting| setting.name.to_ascii_uppercase() == name);
        let outcome = match known {
            Some(setting) => (setting.set)(&mut given, text),
            None => Err("there is no such setting".to_owned()),
        };
        problems.extend(
            outcome
                .err()
                .map(|problem| format!("{variable}: {problem}")),
        );
    }
    match finish(given, &mut problems) {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(ConfigError { problems }),
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
            toml::Value::String(text) => Some(text),
            toml::Value::Integer(number) => Some(number.to_string()),
            toml::Value::Boolean(flag) => Some(flag.to_string()),
            _ => None,
        };
        let known = SETTINGS.iter().find(|setting| setting.name == name);
        let outcome = match (known, text) {
            (None, _) => Err("there is no such setting".to_owned()),
            (_, None) => Err("expected a string, a whole number or a boolean".to_owned()),
            (Some(setting), Some(text)) => (setting.set)(given, &text),
        };
        problems.extend(
            outcome
                .err()
                .map(|problem| format!("{shown}: {name}: {problem}")),
        );
    }
}

fn finish(given: Given, problems: &mut Vec<String>) -> Option<Config> {
    let plc_url = given.plc_url.or_else(|| Url::parse(DEFAULT_PLC).ok());
    if !given.development {
        match &given.domain {
            None => problems.push("domain: required (SOTTO_RELAY_DOMAIN)".to_owned()),
            Some(domain) if domain.is_loopback() => {
                problems.push("domain: a loopback host needs development = true".to_owned());
            }
            Some(_) => {}
        }
        let urls = [
            ("plc_url", &plc_url),
            ("handle_resolver", &given.handle_resolver),
        ];
        for (name, url) in urls {
            if url.as_ref().is_some_and(|url| url.scheme() != "https") {
                problems.push(format!("{name}: http needs development = true"));
            }
        }
    }
    let data = given
        .data
        .unwrap_or_else(|| PathBuf::from("sotto-relay.db"));
    let tls = given.tls.finish(&data, given.domain.is_some(), problems);
    if given.server.is_some() && given.attachments.is_none() {
        problems.push(
            "attachments: required with PostgreSQL, a folder that every process of the relay shares"
                .to_owned(),
        );
    }
    Some(Config {
        listen: given
            .listen
            .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8740))),
        domain: given.domain,
        data,
        server: given.server,
        attachments: given.attachments,
        plc_url: plc_url?,
        handle_resolver: given.handle_resolver,
        development: given.development,
        log: given.log.unwrap_or(LogFormat::Json),
        client_ip_header: given.client_ip_header,
        grant_lifecycle: given.grant_lifecycle,
        tls,
        metrics: given.metrics,
        limits: given.limits,
    })
}

/// The list of settings, for `--help`.
#[must_use]
pub fn describe() -> String {
    let mut text = String::from(
        "Settings, in the file as `name = value`, in the environment as SOTTO_RELAY_NAME:\n",
    );
    for setting in SETTINGS {
        let _ = writeln!(text, "  {:<30}{}", setting.name, setting.about);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::load;

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn problems(pairs: &[(&str, &str)]) -> Vec<String> {
        load(None, variables(pairs)).expect_err("refused").problems
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), text).expect("write");
        file
    }

    #[test]
    fn a_domain_is_enough() {
        let config = load(
            None,
            variables(&[("SOTTO_RELAY_DOMAIN", "relay.example"), ("PATH", "x")]),
        )
        .expect("config");
        assert_eq!(config.domain.expect("domain").as_str(), "relay.example");
        assert_eq!(config.limits.message_max_bytes, 98_304);
        assert_eq!(config.plc_url.as_str(), "https://plc.directory/");
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let file = file("domain = \"relay.example\"\nreservation = 5\npool_depth = 6\n");
        let config = load(
            Some(file.path().to_owned()),
            variables(&[("SOTTO_RELAY_RESERVATION", "7")]),
        )
        .expect("config");
        assert_eq!(
            (config.limits.reservation, config.limits.pool_depth),
            (7, 6)
        );
    }

    #[test]
    fn the_environment_can_name_the_file() {
        let file = file("domain = \"relay.example\"\nlog = \"text\"\n");
        let path = file.path().to_str().expect("path");
        let config = load(None, variables(&[("SOTTO_RELAY_CONFIG", path)])).expect("config");
        assert_eq!(config.log, super::LogFormat::Text);
    }

    #[test]
    fn unknown_names_are_refused_in_both_places() {
        let file = file("domain = \"relay.example\"\nresevation = 5\n[limits]\nx = 1\n");
        let refused = load(
            Some(file.path().to_owned()),
            variables(&[("SOTTO_RELAY_DOMIAN", "x.example")]),
        )
        .expect_err("refused");
        assert_eq!(refused.problems.len(), 3);
        assert!(
            refused
                .problems
                .iter()
                .all(|problem| problem.contains("no such setting"))
        );
    }

    #[test]
    fn every_bad_value_has_its_own_line() {
        let found = problems(&[
            ("SOTTO_RELAY_DOMAIN", "Relay.Example"),
            ("SOTTO_RELAY_LISTEN", "8080"),
            ("SOTTO_RELAY_DEVELOPMENT", "yes"),
            ("SOTTO_RELAY_LOG", "xml"),
            ("SOTTO_RELAY_PLC_URL", "plc"),
            ("SOTTO_RELAY_DATA", ""),
            ("SOTTO_RELAY_CLIENT_IP_HEADER", "a b"),
            ("SOTTO_RELAY_RESERVATION", "0"),
            ("SOTTO_RELAY_POOL_DEPTH", "-1"),
        ]);
        for name in [
            "DOMAIN",
            "LISTEN",
            "DEVELOPMENT",
            "LOG",
            "PLC_URL",
            "DATA",
            "HEADER",
            "DEPTH",
        ] {
            assert!(
                found.iter().any(|line| line.contains(name)),
                "{name} in {found:?}"
            );
        }
        assert!(
            found
                .iter()
                .any(|line| line.contains("whole number from 1 to"))
        );
    }

    #[test]
    fn loopback_and_http_need_development() {
        let loopback = ("SOTTO_RELAY_DOMAIN", "127.0.0.1:1234");
        let http = ("SOTTO_RELAY_PLC_URL", "http://127.0.0.1:2582");
        assert_eq!(problems(&[loopback, http]).len(), 2);
        let development = ("SOTTO_RELAY_DEVELOPMENT", "true");
        load(None, variables(&[loopback, http, development])).expect("development");
        load(None, variables(&[development])).expect("a domain is optional in development");
        assert_eq!(problems(&[]).len(), 1);
    }

    #[test]
    fn a_server_needs_a_folder_of_attachments_and_shows_no_password() {
        let domain = ("SOTTO_RELAY_DOMAIN", "relay.example");
        let server = (
            "SOTTO_RELAY_DATA",
            "postgres://relay:secret@db.example/relay",
        );
        assert_eq!(problems(&[domain, server]).len(), 1);
        let folder = ("SOTTO_RELAY_ATTACHMENTS", "/srv/objects");
        let config = load(None, variables(&[domain, server, folder])).expect("config");
        assert!(config.server.is_some());
        assert!(!format!("{config:?}").contains("secret"));
    }

    #[test]
    fn a_missing_or_broken_file_is_named() {
        let missing =
            load(Some("/nonexistent/relay.toml".into()), Vec::new()).expect_err("missing");
        assert!(
            missing
                .problems
                .iter()
                .any(|line| line.contains("/nonexistent/relay.toml"))
        );
        let broken = file("domain = ");
        assert!(load(Some(broken.path().to_owned()), Vec::new()).is_err());
    }

    #[test]
    fn the_help_lists_every_setting() {
        let text = super::describe();
        for setting in super::SETTINGS {
            assert!(text.contains(setting.name));
        }
    }
}
