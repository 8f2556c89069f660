//! The address a request came from, for rate limits.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::extract::Request;

use crate::server::Peer;
use crate::state::State;

/// The client's address: the connection's, or what the configured proxy header says last. An IPv6
/// address counts as its /64, which is what one subscriber has.
pub(super) fn address(state: &State, request: &Request) -> IpAddr {
    let told = state.client_ip_header.as_deref().and_then(|name| {
        let value = request.headers().get_all(name).iter().next_back()?;
        value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
    });
    let connected = || {
        request
            .extensions()
            .get::<Peer>()
            .map(|peer| peer.0.ip().to_canonical())
    };
    match told
        .or_else(connected)
        .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}
