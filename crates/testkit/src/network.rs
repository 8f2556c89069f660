//! The AT Protocol network of `tests/network`: a PLC directory and two PDSes on loopback.

use crate::paths;
use serde::Deserialize;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use url::Url;

/// The network of this test binary; ends with the process.
pub struct Network {
    description: Description,
    /// Its standard input is the network's life line.
    _child: Child,
}

#[derive(Deserialize)]
struct Description {
    plc: Url,
    control: Url,
    pds: Vec<Pds>,
    data: PathBuf,
}

/// A PDS as the network describes it.
#[derive(Debug, Deserialize)]
pub(crate) struct Pds {
    /// How the public reaches it.
    pub(crate) url: Url,
    /// Where it listens.
    pub(crate) upstream: Url,
    pub(crate) port: u16,
}

/// An account on one of the PDSes.
#[derive(Debug, Clone, Deserialize)]
pub struct Account {
    /// For instance `alice-3.pds0.test`.
    pub handle: String,
    /// `did:plc:…`.
    pub did: String,
    /// For the PDS's sign-in page.
    pub password: String,
    /// Its PDS.
    pub pds: String,
    /// Where the PDS sends its codes.
    pub email: String,
}

/// The network, started on the first call.
///
/// # Panics
/// When it cannot be started.
pub fn network() -> &'static Network {
    static NETWORK: OnceLock<Network> = OnceLock::new();
    NETWORK.get_or_init(|| Network::start(&[]))
}

impl Network {
    /// Another network, whose PDSes leave their public ports to a
    /// [`PdsApi`](crate::PdsApi) before each of them. Ends when it is dropped.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn behind() -> Self {
        Self::start(&["--behind"])
    }

    fn start(more: &[&str]) -> Self {
        let mut child = Command::new(paths::node())
            .arg(paths::root().join("tests/network/network.mjs"))
            .args(["--pds", "2", "--no-accounts", "--die-with-stdin"])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("tests/network starts under Node 22");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped");
        BufReader::new(out)
            .read_line(&mut line)
            .expect("the network's description");
        let description = serde_json::from_str(&line).expect("the network did not start");
        Self {
            description,
            _child: child,
        }
    }

    /// The did:plc directory.
    pub fn plc(&self) -> &Url {
        &self.description.plc
    }

    /// The control door: handles, suggestions, pauses.
    pub fn control(&self) -> &Url {
        &self.description.control
    }

    pub(crate) fn pds(&self, index: usize) -> &Pds {
        self.description.pds.get(index).expect("a PDS")
    }

    /// The secrets of a PDS: what it signs access tokens with, and its rotation key.
    pub(crate) fn secrets(&self, pds: usize) -> (String, String) {
        let kept = std::fs::read(self.description.data.join("network.json"));
        let kept: serde_json::Value =
            serde_json::from_slice(&kept.expect("the network's state")).expect("JSON");
        let text = |name: &str| {
            let secret = kept.pointer(&format!("/secrets/{pds}/{name}"));
            let secret = secret.and_then(serde_json::Value::as_str);
            secret.expect("a secret").to_owned()
        };
        (text("jwt"), text("rotationKey"))
    }

    /// The code in the last mail to an account.
    ///
    /// # Panics
    /// When there is none.
    pub async fn mailed_code(&self, account: &Account) -> String {
        let mut url = self.control().join("emails").expect("a URL");
        url.query_pairs_mut().append_pair("to", &account.email);
        let answer = reqwest::get(url).await.expect("the control door answers");
        let text = answer.text().await.expect("a body");
        let mails: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let last = mails.as_array().and_then(|mails| mails.last());
        let code = last.and_then(|mail| mail["token"].as_str());
        code.unwrap_or_else(|| panic!("no code: {text}")).to_owned()
    }

    /// A new account whose name begins with `name`, on PDS 0 or 1.
    ///
    /// # Panics
    /// When the network refuses.
    pub async fn account(&self, name: &str, pds: usize) -> Account {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let body = serde_json::json!({ "name": name, "pds": pds }).to_string();
        let url = self.control().join("accounts").expect("a URL");
        let request = reqwest::Client::new()
            .post(url)
            .header("content-type", "application/json");
        let answer = request
            .body(body)
            .send()
            .await
            .expect("the control door answers");
        let text = answer.text().await.expect("a body");
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no account: {text}"))
    }

    /// Writes a record (JSON) into an account's repository, as another app of its would.
    ///
    /// # Panics
    /// When the PDS refuses.
    pub async fn put_record(&self, account: &Account, collection: &str, record: &str) {
        let credentials = serde_json::json!({
            "identifier": account.did, "password": account.password,
        });
        let method = "com.atproto.server.createSession";
        let session = procedure(account, method, None, &credentials).await;
        let record: serde_json::Value = serde_json::from_str(record).expect("JSON");
        let input = serde_json::json!({
            "repo": account.did, "collection": collection, "rkey": "self", "record": record,
        });
        let token = session.get("accessJwt").and_then(serde_json::Value::as_str);
        procedure(account, "com.atproto.repo.putRecord", token, &input).await;
    }
}

async fn procedure(
    account: &Account,
    method: &str,
    token: Option<&str>,
    input: &serde_json::Value,
) -> serde_json::Value {
    let mut request = reqwest::Client::new()
        .post(format!("{}/xrpc/{method}", account.pds))
        .header("content-type", "application/json")
        .body(input.to_string());
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.expect("the PDS answers");
    assert!(
        answer.status().is_success(),
        "{method}: {}",
        answer.status()
    );
    let text = answer.text().await.expect("a body");
    serde_json::from_str(&text).expect("JSON")
}
