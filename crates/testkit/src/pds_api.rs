//! The PDS API beside a PDS, as a process.

use crate::network::Network;
use crate::paths;
use std::process::{Child, Command, Stdio};

/// `sotto-pds-delegation` at the public port of a PDS of [`Network::behind`]. Ends when it is
/// dropped.
pub struct PdsApi {
    child: Child,
}

impl PdsApi {
    /// Before the PDS of this number.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(network: &Network, pds: usize) -> Self {
        let (jwt, rotation_key) = network.secrets(pds);
        let pds = network.pds(pds);
        let child = Command::new(paths::program("sotto-pds-delegation"))
            .env("PDS_JWT_SECRET", jwt)
            .env("PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX", rotation_key)
            .env(
                "SOTTO_PDS_DELEGATION_LISTEN",
                format!("127.0.0.1:{}", pds.port),
            )
            .env("SOTTO_PDS_DELEGATION_PUBLIC_URL", pds.url.as_str())
            .env("SOTTO_PDS_DELEGATION_UPSTREAM", pds.upstream.as_str())
            .env("SOTTO_PDS_DELEGATION_PLC_URL", network.plc().as_str())
            .env("SOTTO_PDS_DELEGATION_DEVELOPMENT", "true")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let api = Self {
            child: child.expect("sotto-pds-delegation starts"),
        };
        let health = pds.url.join("healthz").expect("a URL");
        let client = reqwest::Client::builder().no_proxy().build();
        let client = client.expect("an HTTP client");
        crate::until("the PDS API", || async {
            let answer = client.get(health.clone()).send().await;
            answer.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        api
    }
}

impl Drop for PdsApi {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
