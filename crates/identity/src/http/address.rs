//! Which addresses may be asked. DID documents and records of strangers name hosts; none of them
//! may make this machine (or a relay in somebody's data centre) talk to its own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Whether a server named by a document may be asked: https at a host that is not an address of a
/// private network; with `development` also http and https at loopback hosts.
///
/// Names are checked again when they are resolved ([`super::WebClient`]).
#[must_use]
pub fn is_allowed(url: &Url, development: bool) -> bool {
    if !url.username().is_empty() || url.password().is_some() {
        return false;
    }
    let Some(host) = url.host() else { return false };
    if is_loopback(&host) {
        return development && matches!(url.scheme(), "http" | "https");
    }
    url.scheme() == "https" && is_public_host(&host)
}

/// Whether this names the machine itself without asking any resolver.
pub(crate) fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

fn is_public_host(host: &Host<&str>) -> bool {
    match host {
        // A name without a dot is found by search domains: somebody's own network.
        Host::Domain(name) => name.trim_end_matches('.').contains('.'),
        Host::Ipv4(address) => is_public_v4(*address),
        Host::Ipv6(address) => is_public_v6(*address),
    }
}

/// Whether an address belongs to the public internet (IANA special-purpose registries).
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b)) // shared address space, RFC 6598
        || (a == 192 && b == 0 && c == 0) // protocol assignments, RFC 6890
        || (a == 198 && (b == 18 || b == 19))) // benchmarking, RFC 2544
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let embedded = |high: u16, low: u16| {
        let [w, x] = high.to_be_bytes();
        let [y, z] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(w, x, y, z))
    };
    match (a, b) {
        // NAT64 (RFC 6052) and 6to4 lead to the IPv4 address inside.
        (0x64, 0xff9b) if [c, d, e, f] == [0; 4] => embedded(g, h),
        (0x2002, high) => embedded(high, c),
        // Teredo and the other protocol assignments (2001::/23), documentation.
        (0x2001, 0..0x200 | 0xdb8) => false,
        _ => (0x2000..0x4000).contains(&a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(url: &str, development: bool) -> bool {
        is_allowed(&Url::parse(url).unwrap(), development)
    }

    #[test]
    fn public_https_is_allowed() {
        for url in [
            "https://pds.example/x",
            "https://8.8.8.8",
            "https://[2606:4700::1111]:8443",
        ] {
            assert!(allowed(url, false), "{url}");
            assert!(allowed(url, true), "{url}");
        }
    }

    #[test]
    fn loopback_is_for_development_only() {
        let loopback = [
            "http://localhost:1",
            "http://127.0.0.1:2583",
            "http://[::1]",
            "https://a.localhost",
        ];
        for url in loopback {
            assert!(!allowed(url, false), "{url}");
            assert!(allowed(url, true), "{url}");
        }
    }

    #[test]
    fn everything_else_is_never_allowed() {
        let refused = [
            "http://pds.example",
            "ftp://pds.example",
            "https://user@pds.example",
            "https://:secret@pds.example",
            "https://intranet",
            "https://intranet.",
            "https://10.0.0.1",
            "https://192.168.1.1",
            "https://172.16.0.1",
            "https://169.254.169.254/latest/meta-data",
            "https://100.64.0.1",
            "https://0.0.0.0",
            "https://0x0a000001", // the URL parser reads 10.0.0.1 out of this
            "https://255.255.255.255",
            "https://224.0.0.1",
            "https://198.18.0.1",
            "https://[::]",
            "https://[fe80::1]",
            "https://[fd00::1]",
            "https://[ff02::1]",
            "https://[::ffff:10.0.0.1]",
            "https://[64:ff9b::a00:1]",
            "https://[2002:a00:1::]",
            "https://[2001::1]",
            "https://[2001:db8::1]",
            "data:text/plain,x",
        ];
        for url in refused {
            assert!(!allowed(url, false), "{url}");
            assert!(!allowed(url, true), "{url}");
        }
    }

    #[test]
    fn addresses_that_lead_to_public_ones_are_public() {
        for address in [
            "64:ff9b::808:808",
            "2002:808:808::1",
            "2001:4860:4860::8888",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
