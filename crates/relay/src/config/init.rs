//! Writing a first configuration: every setting with what it is for, made from the table that reads
//! them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use sotto_wire::domain::Domain;

use super::settings::{Given, SETTINGS, Setting};

/// What the operator says at the beginning.
#[derive(Debug, Clone)]
pub struct Initial {
    /// The discovery domain.
    pub domain: String,
    /// Whether the relay gets its certificate by itself.
    pub acme: bool,
    /// Database file, or URL of PostgreSQL; the default where absent.
    pub data: Option<String>,
}

/// Why no configuration was written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The domain is none.
    #[error("{0} is no domain: expected a lower-case host name like relay.example")]
    Domain(String),
    /// A value would not be taken.
    #[error("{name}: {problem}")]
    Value {
        /// The setting.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// There is a file of that name.
    #[error("{0} exists already and is left as it is")]
    Exists(String),
    /// The system refuses.
    #[error("cannot write {path}: {reason}")]
    Write {
        /// The file.
        path: String,
        /// What the system says.
        reason: std::io::Error,
    },
}

/// Writes a configuration to `path`, which must not exist; readable by its owner and group only, as a
/// URL of a database may hold a password.
///
/// # Errors
/// [`InitError`]; nothing was written.
pub fn init(path: &Path, initial: &Initial) -> Result<(), InitError> {
    let text = template(initial)?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    let shown = path.display().to_string();
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|reason| match reason.kind() {
        std::io::ErrorKind::AlreadyExists => InitError::Exists(shown),
        _ => InitError::Write {
            path: shown,
            reason,
        },
    })
}

fn template(initial: &Initial) -> Result<String, InitError> {
    let domain = Domain::parse(&initial.domain).ok();
    if domain.is_none_or(|domain| domain.is_loopback()) {
        return Err(InitError::Domain(initial.domain.clone()));
    }
    let mut chosen = vec![("domain", initial.domain.clone())];
    chosen.extend(initial.data.clone().map(|data| ("data", data)));
    let on_server = initial.data.as_deref().and_then(super::ServerUrl::parse);
    if on_server.is_some() {
        chosen.push(("attachments", "attachments".to_owned()));
    }
    if initial.acme {
        // Both families of addresses, on the port that browsers and authorities use.
        chosen.push(("listen", "[::]:443".to_owned()));
        chosen.push(("tls", "acme".to_owned()));
    }
    let mut text = String::from(
        "# Configuration of sotto-relay. Lines that begin with # are comments: what stands there is the\n\
         # default. Each setting can also be given as SOTTO_RELAY_NAME in the environment, which wins.\n",
    );
    for setting in SETTINGS {
        let value = chosen.iter().find(|(name, _)| *name == setting.name);
        let _ = write!(text, "\n# {}\n", sentence(setting));
        let _ = match value {
            Some((_, value)) => writeln!(text, "{} = {}", setting.name, checked(setting, value)?),
            None => writeln!(text, "#{} = {}", setting.name, default(setting)),
        };
    }
    Ok(text)
}

/// A chosen value as TOML, if the setting takes it.
fn checked(setting: &Setting, value: &str) -> Result<String, InitError> {
    (setting.set)(&mut Given::default(), value).map_err(|problem| InitError::Value {
        name: setting.name,
        problem,
    })?;
    Ok(quoted(value))
}

fn sentence(setting: &Setting) -> &str {
    match setting.about.rsplit_once(" [") {
        Some((about, default)) if is_value(default.trim_end_matches(']')) => about,
        _ => setting.about,
    }
}

fn default(setting: &Setting) -> String {
    let default = setting.about.rsplit_once(" [");
    let default = default.map(|(_, default)| default.trim_end_matches(']'));
    default
        .filter(|default| is_value(default))
        .map_or_else(|| "\"\"".to_owned(), quoted)
}

/// A default may also be words about where something is.
fn is_value(default: &str) -> bool {
    !default.contains(' ')
}

fn quoted(value: &str) -> String {
    if value.parse::<u64>().is_ok() || value.parse::<bool>().is_ok() {
        return value.to_owned();
    }
    toml::Value::String(value.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn initial() -> Initial {
        Initial {
            domain: "relay.example".to_owned(),
            acme: false,
            data: None,
        }
    }

    #[test]
    fn every_setting_stands_there_and_what_is_written_loads() {
        let dir = tempfile::tempdir().expect("dir");
        for (number, acme, data) in [
            (0, false, None),
            (1, true, Some("x/relay.db")),
            (2, false, Some("postgres://relay:pass\"word@db/relay")),
        ] {
            let path = dir.path().join(format!("{number}.toml"));
            let initial = Initial {
                acme,
                data: data.map(str::to_owned),
                ..initial()
            };
            init(&path, &initial).expect("written");
            let config = super::super::load(Some(path.clone()), Vec::new()).expect("loads");
            assert_eq!(config.domain.expect("domain").as_str(), "relay.example");
            assert_eq!(matches!(config.tls, super::super::Tls::Acme(_)), acme);
            assert_eq!(config.server.is_some(), number == 2);
            let text = std::fs::read_to_string(&path).expect("read");
            for setting in SETTINGS {
                let line = format!("{} = ", setting.name);
                let is_there = |it: &str| it.strip_prefix('#').unwrap_or(it).starts_with(&line);
                assert_eq!(text.lines().filter(|it| is_there(it)).count(), 1, "{line}");
            }
        }
    }

    #[test]
    fn what_stands_in_comments_are_the_defaults() {
        let text = template(&initial()).expect("text");
        let mut uncommented = text
            .lines()
            .filter(|line| !line.ends_with("\"\""))
            .map(|line| {
                line.strip_prefix('#')
                    .filter(|it| !it.starts_with(' '))
                    .unwrap_or(line)
            })
            .collect::<Vec<_>>()
            .join("\n");
        uncommented.push('\n');
        let dir = tempfile::tempdir().expect("dir");
        let load = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).expect("write");
            super::super::load(Some(path), Vec::new()).expect("loads")
        };
        let said = load("all", &uncommented);
        let implied = load("few", "domain = \"relay.example\"");
        assert_eq!(format!("{said:?}"), format!("{implied:?}"));
    }

    #[test]
    fn a_file_that_is_there_is_left_alone() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("relay.toml");
        std::fs::write(&path, "mine").expect("write");
        assert!(matches!(init(&path, &initial()), Err(InitError::Exists(_))));
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "mine");
    }

    #[test]
    fn what_would_not_load_is_not_written() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("relay.toml");
        let upper = Initial {
            domain: "Relay.Example".to_owned(),
            ..initial()
        };
        assert!(matches!(init(&path, &upper), Err(InitError::Domain(_))));
        assert!(!path.exists());
    }
}
