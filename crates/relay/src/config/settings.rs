//! The table of settings: name, what it is for, how its text becomes a value.

use std::path::PathBuf;

use sotto_wire::domain::Domain;
use sotto_wire::relay_api::GrantLifecycle;
use url::Url;

use super::tls::{GivenTls, TlsKind};
use super::{Limits, LogFormat, ServerUrl};

/// Values as they were given; absent ones get their defaults later.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) listen: Option<std::net::SocketAddr>,
    pub(super) domain: Option<Domain>,
    pub(super) data: Option<PathBuf>,
    pub(super) server: Option<ServerUrl>,
    pub(super) attachments: Option<PathBuf>,
    pub(super) plc_url: Option<Url>,
    pub(super) handle_resolver: Option<Url>,
    pub(super) development: bool,
    pub(super) log: Option<LogFormat>,
    pub(super) client_ip_header: Option<String>,
    pub(super) grant_lifecycle: GrantLifecycle,
    pub(super) tls: GivenTls,
    pub(super) metrics: Option<std::net::SocketAddr>,
    pub(super) limits: Limits,
}

/// One setting. Its variable is `SOTTO_RELAY_` and the name in upper case.
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
        about: "address and port to listen on [127.0.0.1:8740]",
        set: |given, text| {
            let address = text.parse();
            given.listen =
                Some(address.map_err(|_| expected("an address and port like 127.0.0.1:8740"))?);
            Ok(())
        },
    },
    Setting {
        name: "domain",
        about: "discovery domain of this relay, host or host:port (required)",
        set: |given, text| {
            let domain = Domain::parse(text);
            given.domain =
                Some(domain.map_err(|_| expected("a lower-case host name like relay.example"))?);
            Ok(())
        },
    },
    Setting {
        name: "data",
        about: "path of the database file, or postgres:// URL [sotto-relay.db]",
        set: |given, text| {
            if text.is_empty() {
                return Err(expected("a path, or a URL of PostgreSQL"));
            }
            // The later one of file and environment counts, whichever it is.
            given.server = ServerUrl::parse(text);
            given.data = given.server.is_none().then(|| PathBuf::from(text));
            Ok(())
        },
    },
    Setting {
        name: "attachments",
        about: "folder of attachments [beside the database]",
        set: |given, text| path(text, &mut given.attachments),
    },
    Setting {
        name: "plc_url",
        about: "did:plc directory [https://plc.directory]",
        set: |given, text| {
            given.plc_url = Some(web_url(text)?);
            Ok(())
        },
    },
    Setting {
        name: "handle_resolver",
        about: "handle resolver, for development networks",
        set: |given, text| {
            given.handle_resolver = Some(web_url(text)?);
            Ok(())
        },
    },
    Setting {
        name: "development",
        about: "true allows http and loopback for PDS and PLC directory [false]",
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
    Setting {
        name: "client_ip_header",
        about: "header with the client's address, set by a trusted reverse proxy",
        set: |given, text| {
            axum::http::HeaderName::from_bytes(text.as_bytes())
                .map_err(|_| expected("a header name like x-forwarded-for"))?;
            given.client_ip_header = Some(text.to_owned());
            Ok(())
        },
    },
    Setting {
        name: "grant_lifecycle",
        about: "active, or draining: issues no grants any more [active]",
        set: |given, text| {
            given.grant_lifecycle = match text {
                "active" => GrantLifecycle::Active,
                "draining" => GrantLifecycle::Draining,
                _ => return Err(expected("active or draining")),
            };
            Ok(())
        },
    },
    Setting {
        name: "tls",
        about: "off (a proxy has the certificate), acme, or files [off]",
        set: |given, text| {
            given.tls.kind = TlsKind::parse(text).ok_or_else(|| expected("off, acme or files"))?;
            Ok(())
        },
    },
    Setting {
        name: "tls_certificate",
        about: "with tls = files: PEM file of the certificate and its chain",
        set: |given, text| path(text, &mut given.tls.certificate),
    },
    Setting {
        name: "tls_key",
        about: "with tls = files: PEM file of its private key",
        set: |given, text| path(text, &mut given.tls.key),
    },
    Setting {
        name: "acme_contact",
        about: "with tls = acme: where the authority writes to, like mailto:you@example.org",
        set: |given, text| {
            let url =
                Url::parse(text).map_err(|_| expected("a URL like mailto:you@example.org"))?;
            given.tls.contact = Some(url.into());
            Ok(())
        },
    },
    Setting {
        name: "acme_directory",
        about: "with tls = acme: the authority [https://acme-v02.api.letsencrypt.org/directory]",
        set: |given, text| {
            given.tls.directory = Some(web_url(text)?);
            Ok(())
        },
    },
    Setting {
        name: "acme_folder",
        about: "with tls = acme: folder of account key and certificate [beside the database]",
        set: |given, text| path(text, &mut given.tls.folder),
    },
    Setting {
        name: "acme_roots",
        about: "with tls = acme: PEM file of an authority to trust when asking a private one",
        set: |given, text| path(text, &mut given.tls.roots),
    },
    Setting {
        name: "metrics",
        about: "address and port for Prometheus, like 127.0.0.1:9464; off where absent",
        set: |given, text| {
            let address = text.parse();
            given.metrics =
                Some(address.map_err(|_| expected("an address and port like 127.0.0.1:9464"))?);
            Ok(())
        },
    },
    limit!(
        drain,
        0..=600,
        "seconds between not ready and closing, for a load balancer [0]"
    ),
    limit!(
        message_max_bytes,
        66_000..=131_072,
        "largest message in bytes [98304]"
    ),
    limit!(
        challenge_expiry,
        30..=86_400,
        "seconds a challenge is valid [600]"
    ),
    limit!(
        message_expiry,
        3600..=31_536_000,
        "seconds a message waits [2592000]"
    ),
    limit!(
        max_ack_batch,
        1..=1000,
        "acknowledgements in one request [256]"
    ),
    limit!(grants_per_request, 1..=1000, "grants in one request [20]"),
    limit!(
        grants_per_device,
        1..=1_000_000,
        "live grants of one device [2000]"
    ),
    limit!(
        grant_lifetime,
        3600..=31_536_000,
        "seconds a grant lasts [7776000]"
    ),
    limit!(
        grant_queue,
        1..=1_000_000,
        "messages waiting for one grant [4096]"
    ),
    limit!(
        claims_per_hour,
        1..=1_000_000,
        "claims of one account in an hour [60]"
    ),
    limit!(
        single_use_max,
        1..=1000,
        "single-use key packages of one device [100]"
    ),
    limit!(
        single_use_per_day,
        1..=1_000_000,
        "claims of one account's single-use packages in a day [40]"
    ),
    limit!(
        single_use_per_claimant,
        1..=1_000_000,
        "those of them that may be one claimant's [8]"
    ),
    limit!(pool_depth, 1..=10_000, "pooled messages of one sender [32]"),
    limit!(
        pool_max_bytes,
        100_000..=10_000_000_000,
        "bytes in one account's pool [16777216]"
    ),
    limit!(
        reservation,
        1..=100_000,
        "queued messages of one provisioned sender [256]"
    ),
    limit!(
        blocks_max,
        1..=100_000,
        "senders one account may block [5000]"
    ),
    limit!(
        discard_window,
        1..=31_536_000,
        "seconds a discarded sender is dropped [3600]"
    ),
    limit!(
        dedup_expiry,
        3600..=315_360_000,
        "seconds ids and nonces are remembered [3456000]"
    ),
    limit!(
        journal_max,
        1..=10_000_000,
        "unresolved puts before puts are refused [20000]"
    ),
    limit!(
        in_flight,
        1..=10_000,
        "unacknowledged deliveries per socket [256]"
    ),
    limit!(max_connections, 1..=1_000_000, "open connections [4096]"),
    limit!(
        request_timeout,
        1..=600,
        "seconds an exchange may take [30]"
    ),
    limit!(
        challenges_per_minute,
        1..=10_000_000,
        "challenges of one IP in a minute [600]"
    ),
    limit!(
        lookups_per_minute,
        1..=10_000_000,
        "claims, registrations, first contacts per IP and minute [120]"
    ),
    limit!(
        puts_per_minute,
        1..=10_000_000,
        "puts at grants from one IP address in a minute [6000]"
    ),
    limit!(
        concurrent_verifications,
        1..=10_000,
        "accounts verified at the same time [32]"
    ),
    limit!(
        verification_timeout,
        1..=600,
        "seconds verifying an account may take [10]"
    ),
    limit!(
        declaration_interval,
        600..=2_592_000,
        "seconds between looks at what a registered account declares [43200]"
    ),
    limit!(
        attachment_max_bytes,
        1_048_592..=1_000_000_000_000,
        "bytes of attachments one account may keep [1073741824]"
    ),
    limit!(
        attachment_expiry,
        3600..=31_536_000,
        "seconds an attachment is kept [3888000]"
    ),
    limit!(
        attachment_timeout,
        1..=3600,
        "seconds the body of one object may take [300]"
    ),
    limit!(
        attachment_fetches_per_minute,
        1..=10_000_000,
        "objects of attachments per IP and minute [1200]"
    ),
];

fn expected(what: &str) -> String {
    format!("expected {what}")
}

fn path(text: &str, into: &mut Option<PathBuf>) -> Result<(), String> {
    if text.is_empty() {
        return Err(expected("a path"));
    }
    *into = Some(PathBuf::from(text));
    Ok(())
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

fn web_url(text: &str) -> Result<Url, String> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| expected("a URL like https://plc.directory"))
}
