//! `pebble` with its resolver that takes every name for this machine, and certificates for tests.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::CertificateDer;

/// A certificate under an authority of its own.
pub(super) struct Identity {
    pub(super) root: String,
    pub(super) root_der: CertificateDer<'static>,
    pub(super) chain: String,
    pub(super) key: String,
}

impl Identity {
    pub(super) fn new(host: &str) -> Self {
        let ca_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&ca_key).unwrap();
        let issuer = Issuer::new(params, ca_key);
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        Self {
            root: root.pem(),
            root_der: root.der().clone(),
            chain: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

/// The test server, ended with this.
pub(super) struct Authority {
    folder: PathBuf,
    identity: Identity,
    port: u16,
    management: u16,
    children: Vec<Child>,
}

impl Authority {
    /// Chooses ports and writes `roots.pem`; nothing is started.
    pub(super) fn prepare(folder: &Path) -> Self {
        let identity = Identity::new("localhost");
        std::fs::write(folder.join("roots.pem"), &identity.root).unwrap();
        std::fs::write(folder.join("pebble.pem"), &identity.chain).unwrap();
        std::fs::write(folder.join("pebble.key"), &identity.key).unwrap();
        Self {
            folder: folder.to_owned(),
            identity,
            port: free(),
            management: free(),
            children: Vec::new(),
        }
    }

    pub(super) fn directory(&self) -> String {
        format!("https://localhost:{}/dir", self.port)
    }

    /// Starts it; it looks at `tls_port` for challenges.
    pub(super) async fn start(&mut self, tls_port: u16) {
        let dns = format!("127.0.0.1:{}", free());
        let mut command = Command::new("pebble-challtestsrv");
        command.args([
            "-dns01",
            &dns,
            "-defaultIPv4",
            "127.0.0.1",
            "-defaultIPv6",
            "",
        ]);
        command.args(["-http01", "", "-https01", "", "-tlsalpn01", ""]);
        command.args(["-management", &format!("127.0.0.1:{}", free())]);
        self.spawn(command);
        let (port, management) = (self.port, self.management);
        let folder = self.folder.display();
        let mut config = String::new();
        write!(
            config,
            r#"{{"pebble": {{"listenAddress": "127.0.0.1:{port}",
               "managementListenAddress": "127.0.0.1:{management}",
               "certificate": "{folder}/pebble.pem", "privateKey": "{folder}/pebble.key",
               "httpPort": 1, "tlsPort": {tls_port}}}}}"#
        )
        .unwrap();
        let path = self.folder.join("pebble.json");
        std::fs::write(&path, config).unwrap();
        let mut command = Command::new("pebble");
        command.arg("-config").arg(path).args(["-dnsserver", &dns]);
        // No waiting before a look, and a look at every order.
        command.env("PEBBLE_VA_NOSLEEP", "1");
        command.env("PEBBLE_AUTHZREUSE", "0");
        self.spawn(command);
    }

    fn spawn(&mut self, mut command: Command) {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn();
        let child = child.expect("the package pebble is needed: scripts/packages.mjs installs it");
        self.children.push(child);
    }

    /// What certificates of this run lead to.
    pub(super) async fn root(&self) -> String {
        let root = reqwest::Certificate::from_pem(self.identity.root.as_bytes()).unwrap();
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(10))
            .add_root_certificate(root)
            .build()
            .unwrap();
        let url = format!("https://localhost:{}/roots/0", self.management);
        client.get(url).send().await.unwrap().text().await.unwrap()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A port that nobody has at the moment.
fn free() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
