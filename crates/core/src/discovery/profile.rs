//! Names and pictures: for display only, and never a reason to fail.

use crate::db::Peer;
use sotto_identity::Network;
use sotto_identity::profile::Profile;
use sotto_identity::verify::VerifiedAccount;
use sotto_wire::did::Did;
use url::Url;

/// The profile of a verified account. A server that does not give one leaves it empty.
pub(crate) async fn fetch(network: &Network, verified: &VerifiedAccount) -> Peer {
    let profile = of(network, verified.did(), verified.pds()).await;
    Peer {
        pin: verified.pin(),
        handle: verified.handle().map(ToString::to_string),
        display_name: profile.display_name,
        avatar: profile
            .avatar
            .map(|image| (image.mime.to_owned(), image.bytes)),
        verified_at: 0,
        last_error: None,
        confirmed_at: None,
    }
}

/// The profile of an account at its server.
pub(crate) async fn of(network: &Network, did: &Did, pds: &Url) -> Profile {
    network.profile(did, pds).await.unwrap_or_default()
}
