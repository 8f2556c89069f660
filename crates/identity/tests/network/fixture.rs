//! The network of `tests/network`, one for all tests of this binary, and a user with a browser.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use sotto_identity::handle::Handle;
use sotto_identity::oauth::{SessionStore, StoreError};
use sotto_identity::{Endpoints, Network};
use sotto_wire::did::Did;
use url::Url;
use zeroize::Zeroizing;

/// Ends with this process: it watches its standard input, which is a pipe from here.
struct Running {
    _process: Child,
    described: Value,
}

static RUNNING: LazyLock<Running> = LazyLock::new(start);

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn node() -> PathBuf {
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
        .args(["--pds", "2", "--no-accounts", "--die-with-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the network starts");
    let mut line = String::new();
    let output = process.stdout.take().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    let described = serde_json::from_str(&line).expect("the network says where it is");
    Running {
        _process: process,
        described,
    }
}

fn described(pointer: &str) -> &'static str {
    RUNNING
        .described
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap()
}

pub(crate) fn network() -> Network {
    let control = Url::parse(described("/control")).unwrap();
    let endpoints = Endpoints {
        plc: Url::parse(described("/plc")).unwrap(),
        handle_resolver: Some(control.clone()),
        appview: control,
        development: true,
    };
    Network::new(endpoints).unwrap()
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// A request to the control door.
pub(crate) async fn control(path: &str) -> Value {
    control_with(path, &json!({})).await
}

async fn control_with(path: &str, body: &Value) -> Value {
    let url = format!("{}{path}", described("/control"));
    let answer = client()
        .post(url)
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{path}: {status} {text}");
    serde_json::from_str(&text).unwrap()
}

/// What the directory says at a path.
pub(crate) async fn directory(path: &str) -> Value {
    get(&format!("{}/{path}", described("/plc"))).await
}

/// The code in the last mail to an account.
pub(crate) async fn mailed_code(account: &Account) -> String {
    let mails = get(&format!(
        "{}/emails?to={}",
        described("/control"),
        account.email
    ))
    .await;
    let last = mails.as_array().unwrap().last().unwrap();
    last["token"].as_str().unwrap().to_owned()
}

async fn get(url: &str) -> Value {
    serde_json::from_str(&visit(url).await).unwrap()
}

/// A browser's visit to a page; its text.
pub(crate) async fn visit(url: &str) -> String {
    client()
        .get(url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap()
}

/// An XRPC procedure at a PDS; the answer, or null where it has none.
async fn procedure(account: &Account, method: &str, token: Option<&str>, body: &Value) -> Value {
    let url = format!("{}xrpc/{method}", account.pds);
    let mut request = client().post(url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if !body.is_null() {
        request = request
            .header("content-type", "application/json")
            .body(body.to_string());
    }
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{method}: {status} {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

/// Writes verification methods into the account's PLC log, as its user does: with the code that
/// the PDS sends by mail.
pub(crate) async fn set_verification_methods(account: &Account, methods: &Value) {
    let sign_in = json!({"identifier": account.handle.to_string(), "password": account.password});
    let session = procedure(account, "com.atproto.server.createSession", None, &sign_in).await;
    let token = session["accessJwt"].as_str();
    let identity = |method: &str| format!("com.atproto.identity.{method}");
    let request = identity("requestPlcOperationSignature");
    procedure(account, &request, token, &Value::Null).await;
    let mails = format!("{}/emails?to={}", described("/control"), account.email);
    let mails: Value = serde_json::from_str(&visit(&mails).await).unwrap();
    let code = mails.as_array().unwrap().last().unwrap()["token"].clone();
    let wanted = json!({"token": code, "verificationMethods": methods});
    let signed = procedure(account, &identity("signPlcOperation"), token, &wanted).await;
    procedure(account, &identity("submitPlcOperation"), token, &signed).await;
}

/// The verification methods in force, by name, as the directory serves them.
pub(crate) async fn verification_methods(did: &Did) -> Value {
    let url = format!("{}/{did}/data", described("/plc"));
    let data: Value = serde_json::from_str(&visit(&url).await).unwrap();
    data["verificationMethods"].clone()
}

pub(crate) struct Account {
    pub(crate) did: Did,
    pub(crate) handle: Handle,
    pub(crate) pds: Url,
    email: String,
    password: String,
}

pub(crate) async fn create_account(name: &str, pds: usize) -> Account {
    let made = control_with("/accounts", &json!({"name": name, "pds": pds})).await;
    let text = |key: &str| made[key].as_str().unwrap();
    Account {
        did: Did::parse(text("did")).unwrap(),
        handle: Handle::parse(text("handle")).unwrap(),
        pds: Url::parse(text("pds")).unwrap(),
        email: text("email").to_owned(),
        password: text("password").to_owned(),
    }
}

impl Account {
    /// Writes a record into the account's repository, with its password.
    pub(crate) async fn put_record(&self, collection: &str, rkey: &str, record: &Value) {
        let credentials = json!({"identifier": self.did, "password": self.password});
        let session = self.procedure("com.atproto.server.createSession", "", &credentials);
        let token = session.await["accessJwt"].as_str().unwrap().to_owned();
        let put = json!({
            "repo": self.did, "collection": collection, "rkey": rkey, "record": record,
        });
        self.procedure("com.atproto.repo.putRecord", &token, &put)
            .await;
    }

    async fn procedure(&self, method: &str, token: &str, input: &Value) -> Value {
        let request = client()
            .post(format!("{}xrpc/{method}", self.pds))
            .header("content-type", "application/json")
            .body(input.to_string());
        let request = match token {
            "" => request,
            token => request.bearer_auth(token),
        };
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{method}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }
}

/// Plays the user on the PDS's page. Each returns the callback URL, or the exit code.
pub(crate) struct User {
    name: String,
    password: String,
}

impl User {
    pub(crate) fn of(account: &Account) -> Self {
        Self {
            name: account.handle.to_string(),
            password: account.password.clone(),
        }
    }

    pub(crate) fn approve(&self, page: &str) -> impl Future<Output = Result<String, i32>> + use<> {
        self.act(page, None)
    }

    pub(crate) fn deny(&self, page: &str) -> impl Future<Output = Result<String, i32>> + use<> {
        self.act(page, Some("--deny"))
    }

    pub(crate) fn mistype(&self, page: &str) -> impl Future<Output = Result<String, i32>> + use<> {
        self.act(page, Some("--wrong-password"))
    }

    fn act(
        &self,
        page: &str,
        option: Option<&str>,
    ) -> impl Future<Output = Result<String, i32>> + use<> {
        let mut command = tokio::process::Command::new(node());
        command
            .arg(repository().join("tests/network/approve.mjs"))
            .args([page, &self.name, &self.password])
            .args(option)
            .kill_on_drop(true);
        async move {
            let output = command.output().await.unwrap();
            match output.status.code() {
                Some(0) => Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned()),
                code => Err(code.unwrap_or(-1)),
            }
        }
    }
}

/// Keeps sessions, and lets a test change them.
#[derive(Default)]
pub(crate) struct MemoryStore(Mutex<HashMap<String, Vec<u8>>>);

impl MemoryStore {
    pub(crate) fn copy_of(other: &Self) -> Self {
        Self(Mutex::new(other.0.lock().unwrap().clone()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }

    /// The one session in it.
    pub(crate) fn session(&self) -> Value {
        serde_json::from_slice(self.0.lock().unwrap().values().next().unwrap()).unwrap()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut session = self.session();
        change(&mut session);
        let bytes = serde_json::to_vec(&session).unwrap();
        *self.0.lock().unwrap().values_mut().next().unwrap() = bytes;
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn get(&self, key: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(self.0.lock().unwrap().get(key).cloned().map(Zeroizing::new))
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.0
            .lock()
            .unwrap()
            .insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.0.lock().unwrap().remove(key);
        Ok(())
    }
}
