//! The network of `tests/network` with this service before each PDS, one for all tests of this
//! binary.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock};

use serde_json::Value;
use sotto_identity::did_document::Anchor;
use sotto_identity::{Endpoints, Network};
use sotto_pds_delegation::{Config, PdsDelegation, config};
use sotto_wire::did::Did;
use sotto_wire::time::SystemClock;
use url::Url;

/// Ends with this process: it watches its standard input, which is a pipe from here.
struct Running {
    _process: Child,
    described: Value,
    secrets: Value,
}

static RUNNING: LazyLock<Running> = LazyLock::new(|| {
    let running = start();
    for pds in 0..2 {
        serve(config_of(&running, pds, &[]));
    }
    running
});

pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn node() -> PathBuf {
    if let Some(path) = std::env::var_os("SOTTO_NODE22") {
        return path.into();
    }
    let path = std::fs::read_to_string(repository().join(".cache/node22-path"))
        .expect("no Node 22: run `node scripts/setup.mjs --network` or set SOTTO_NODE22");
    path.trim().into()
}

fn start() -> Running {
    let mut process = Command::new(node())
        .arg(repository().join("tests/network/network.mjs"))
        .args([
            "--pds",
            "2",
            "--no-accounts",
            "--behind",
            "--die-with-stdin",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the network starts");
    let mut line = String::new();
    let output = process.stdout.take().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    let described: Value = serde_json::from_str(&line).expect("the network says where it is");
    let kept = PathBuf::from(described["data"].as_str().unwrap()).join("network.json");
    let kept: Value = serde_json::from_slice(&std::fs::read(kept).unwrap()).unwrap();
    Running {
        _process: process,
        secrets: kept["secrets"].clone(),
        described,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn config_of(running: &Running, pds: usize, changes: &[(&str, &str)]) -> Config {
    let described = &running.described["pds"][pds];
    let secrets = &running.secrets[pds];
    let mut variables = vec![
        ("PDS_JWT_SECRET".to_owned(), text(&secrets["jwt"])),
        (
            "PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX".to_owned(),
            text(&secrets["rotationKey"]),
        ),
    ];
    let listen = format!("127.0.0.1:{}", described["port"]);
    let (url, upstream) = (text(&described["url"]), text(&described["upstream"]));
    let plc = text(&running.described["plc"]);
    let own = [
        ("LISTEN", listen.as_str()),
        ("PUBLIC_URL", &url),
        ("UPSTREAM", &upstream),
        ("PLC_URL", &plc),
        ("DEVELOPMENT", "true"),
    ];
    for (name, value) in own.iter().chain(changes) {
        let name = format!("SOTTO_PDS_DELEGATION_{name}");
        variables.retain(|(known, _)| *known != name);
        variables.push((name, (*value).to_owned()));
    }
    config::load(None, variables).expect("a configuration")
}

/// Runs a service as long as this process, on a runtime of its own: those of tests end with them.
fn serve(config: Config) -> std::net::SocketAddr {
    let (started, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async move {
            let service = PdsDelegation::start(config, Arc::new(SystemClock)).await;
            let service = service.expect("the service starts");
            started.send(service.addr()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    address.recv().expect("the service starts")
}

/// Another service for PDS 0, with a way to the PDS of its own.
pub(crate) fn service_over(upstream: &str) -> Url {
    let changes = [("LISTEN", "127.0.0.1:0"), ("UPSTREAM", upstream)];
    let address = serve(config_of(&RUNNING, 0, &changes));
    Url::parse(&format!("http://{address}")).unwrap()
}

/// Where a PDS really listens.
pub(crate) fn upstream(pds: usize) -> String {
    text(&RUNNING.described["pds"][pds]["upstream"])
}

pub(crate) fn pds_url(pds: usize) -> Url {
    Url::parse(&text(&RUNNING.described["pds"][pds]["url"])).unwrap()
}

pub(crate) fn plc() -> Url {
    Url::parse(&text(&RUNNING.described["plc"])).unwrap()
}

pub(crate) fn network() -> Network {
    let control = Url::parse(&text(&RUNNING.described["control"])).unwrap();
    let endpoints = Endpoints {
        plc: plc(),
        handle_resolver: Some(control.clone()),
        appview: control,
        development: true,
    };
    Network::new(endpoints).unwrap()
}

pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// A request to the control door.
pub(crate) async fn control(path: &str, body: Value) -> Value {
    let url = format!("{}{path}", text(&RUNNING.described["control"]));
    let answer = client().post(url).body(body.to_string()).send().await;
    let answer = answer.unwrap();
    assert!(answer.status().is_success(), "{path}");
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

/// What a GET answers.
pub(crate) async fn get(url: impl Into<String>) -> (u16, Value) {
    let answer = client().get(url.into()).send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// The code in the last mail to an address.
pub(crate) async fn mailed_token(to: &str) -> String {
    let control = text(&RUNNING.described["control"]);
    loop {
        let (_, mails) = get(format!("{control}/emails?to={to}")).await;
        let last = mails.as_array().unwrap().last().cloned();
        if let Some(token) = last.and_then(|mail| mail["token"].as_str().map(str::to_owned)) {
            return token;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// What the DID document says under `#e2ee`.
pub(crate) async fn anchor(did: &Did) -> Anchor {
    network().did_document(did).await.unwrap().e2ee
}

/// The account's operations, oldest first.
pub(crate) async fn log_of(did: &Did) -> Vec<Value> {
    let (status, log) = get(format!("{}{did}/log", plc())).await;
    assert_eq!(status, 200);
    log.as_array().unwrap().clone()
}

/// A POST of JSON (of nothing, where it is null), with a token.
pub(crate) async fn post(url: String, token: Option<&str>, body: &Value) -> (u16, Value) {
    let mut request = client().post(url);
    if !body.is_null() {
        request = request
            .header("content-type", "application/json")
            .body(body.to_string());
    }
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}
