//! What a peer with bad intentions can do: it holds a grant.

use crate::client::Client;
use sotto_core::db::DbError;
use sotto_wire::cbor;
use sotto_wire::challenge::{ChallengeRequest, ChallengeResponse, Realm};
use sotto_wire::domain::Domain;
use sotto_wire::frame::SealKey;
use sotto_wire::grant::{self, GrantKey, GrantPut};
use sotto_wire::relay_api::paths;

/// A grant that someone gave to a person.
#[derive(Debug, Clone)]
pub struct HeldGrant {
    host: Domain,
    key: GrantKey,
    /// Frames put at it are sealed under this.
    pub seal: SealKey,
}

impl HeldGrant {
    /// The newest grant that `client` holds.
    ///
    /// # Panics
    /// When it holds none.
    pub async fn of(client: &Client) -> Self {
        let database = client.app().database().expect("signed in");
        let read = database.read::<_, DbError>(|tx| {
            let mut statement =
                tx.prepare("SELECT host, key, seal FROM held_grant ORDER BY id DESC LIMIT 1")?;
            let row = statement.query_row([], |row| {
                let host: String = row.get(0)?;
                Ok((host, row.get::<_, [u8; 32]>(1)?, row.get::<_, [u8; 32]>(2)?))
            })?;
            Ok(row)
        });
        let (host, key, seal) = read.await.expect("a grant");
        let host = Domain::parse(&host).expect("a domain");
        Self {
            host,
            key: GrantKey::from_bytes(key),
            seal: SealKey::from_bytes(seal),
        }
    }

    /// Puts anything at it; gives the relay's status.
    ///
    /// # Panics
    /// When the relay does not answer.
    pub async fn put(&self, bytes: &[u8]) -> u16 {
        let address = grant::address(&self.key, &self.host);
        let (http, base) = (reqwest::Client::new(), format!("http://{}", self.host));
        let request = ChallengeRequest {
            r: Realm::GrantPut,
            s: address.to_string(),
        };
        let minted = http
            .post(format!("{base}{}", paths::CHALLENGES))
            .body(cbor::encode(&request));
        let minted = minted
            .header("content-type", "application/cbor")
            .send()
            .await;
        let minted = minted.expect("an answer").bytes().await.expect("a body");
        let minted: ChallengeResponse = cbor::decode(&minted, 4096).expect("a challenge");
        let put = GrantPut::new(&self.key, &address, &minted.c, bytes.to_vec());
        let url = format!("{base}{}", paths::grant_mailbox(&address));
        let sending = http
            .post(url)
            .header("content-type", "application/cbor")
            .body(put.encode());
        match sending.send().await {
            Ok(answer) => answer.status().as_u16(),
            // A relay may hang up on a body that is far too large before it was all sent.
            Err(_) => 413,
        }
    }
}
