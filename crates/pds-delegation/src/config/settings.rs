//! The table of settings: name, what it is for, how its text becomes a value.

use sotto_wire::did::Did;
use url::Url;

use super::{Limits, LogFormat};

/// Values as they were given; absent ones get their defaults later.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) listen: Option<std::net::SocketAddr>,
    pub(super) upstream: Option<Url>,
    pub(super) public_url: Option<Url>,
    pub(super) service_did: Option<Did>,
    pub(super) plc_url: Option<Url>,
    pub(super) development: bool,
    pub(super) log: Option<LogFormat>,
    pub(super) limits: Limits,
}

/// One setting. Its variable is `SOTTO_PDS_DELEGATION_` and the name in upper case.
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) set: fn(&mut Given, &str) -> Result<(), String>,
}

macro_rules! limit {
    ($name:ident, $range:expr, $about:literal) => {
        Setting {
            name: stringify!($name),
            about: $about,
            set: |given, text| {
                given.limits.$name = number(text, $range)?;
                Ok(())
            },
        }
    };
}

/// Every setting there is.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        name: "listen",
        about: "address and port to listen on [127.0.0.1:8741]",
        set: |given, text| {
            let address = text.parse();
            given.listen =
                Some(address.map_err(|_| expected("an address and port like 127.0.0.1:8741"))?);
            Ok(())
        },
    },
    Setting {
        name: "upstream",
        about: "where the PDS listens [http://127.0.0.1:3000]",
        set: |given, text| {
            let url = origin(text).filter(|url| url.scheme() == "http");
            given.upstream =
                Some(url.ok_or_else(|| expected("an http URL like http://127.0.0.1:3000"))?);
            Ok(())
        },
    },
    Setting {
        name: "public_url",
        about: "how the PDS is reached from outside, https://{PDS_HOSTNAME} (required)",
        set: |given, text| {
            let url = origin(text);
            given.public_url = Some(url.ok_or_else(|| expected("a URL like https://pds.example"))?);
            Ok(())
        },
    },
    Setting {
        name: "service_did",
        about: "the PDS's own DID, PDS_SERVICE_DID [did:web of public_url]",
        set: |given, text| {
            let did = Did::parse(text)
                .ok()
                .filter(|did| did.as_str().starts_with("did:web:"));
            given.service_did = Some(did.ok_or_else(|| expected("a did:web"))?);
            Ok(())
        },
    },
    Setting {
        name: "plc_url",
        about: "did:plc directory, PDS_DID_PLC_URL [https://plc.directory]",
        set: |given, text| {
            let url = origin(text);
            given.plc_url = Some(url.ok_or_else(|| expected("a URL like https://plc.directory"))?);
            Ok(())
        },
    },
    Setting {
        name: "development",
        about: "true allows http and loopback for public_url and PLC directory [false]",
        set: |given, text| {
            given.development = text.parse().map_err(|_| expected("true or false"))?;
            Ok(())
        },
    },
    Setting {
        name: "log",
        about: "json or text [json]",
        set: |given, text| {
            given.log = Some(match text {
                "json" => LogFormat::Json,
                "text" => LogFormat::Text,
                _ => return Err(expected("json or text")),
            });
            Ok(())
        },
    },
    limit!(max_connections, 1..=1_000_000, "open connections [4096]"),
    limit!(
        request_timeout,
        1..=600,
        "seconds for the head of a request and the body of a call [30]"
    ),
    limit!(
        upstream_timeout,
        1..=86_400,
        "seconds until the PDS begins to answer [600]"
    ),
    limit!(
        concurrent_calls,
        1..=10_000,
        "calls to chat.sotto.* at the same time [32]"
    ),
];

fn expected(what: &str) -> String {
    format!("expected {what}")
}

fn number(text: &str, range: std::ops::RangeInclusive<u64>) -> Result<u64, String> {
    let number: Option<u64> = text.parse().ok();
    number
        .filter(|number| range.contains(number))
        .ok_or_else(|| {
            expected(&format!(
                "a whole number from {} to {}",
                range.start(),
                range.end()
            ))
        })
}

/// A web URL of scheme, host and port only.
fn origin(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    plain.then_some(url)
}
