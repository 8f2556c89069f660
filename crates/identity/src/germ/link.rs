//! The address of the button "message on Germ". The account publishes its beginning; whoever shows
//! the button adds where it stands and, as the fragment, who wants to write to whom. Addresses of
//! strangers are opened in the user's browser, so little is allowed in them.

use sotto_wire::did::Did;
use url::{Host, Url};

use crate::http::is_allowed;

/// The longest address that is read, in bytes.
pub(super) const MAX_URL: usize = 2048;
/// Of the platforms that Germ's addresses know (`iOS`, `android`, `web`), the one for all others.
const PLATFORM: &str = "web";

/// The whole address with which `viewer` writes to `did`; nothing where `base` is not https, names
/// anything but a public host by its name, or has a fragment already.
pub(super) fn complete(base: &str, did: &Did, viewer: &Did) -> Option<Url> {
    // What a URL parser would mend (spaces, backslashes, a missing slash) is not what was published.
    let plain = base.len() <= MAX_URL
        && base.starts_with("https://")
        && base
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let mut url = Url::parse(base).ok().filter(|_| plain)?;
    let usable = is_allowed(&url, false)
        && matches!(url.host(), Some(Host::Domain(_)))
        && url.port().is_none()
        && url.fragment().is_none_or(str::is_empty);
    if !usable {
        return None;
    }
    url.path_segments_mut().ok()?.pop_if_empty().push(PLATFORM);
    url.set_fragment(Some(&format!("{did}+{viewer}")));
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(base: &str) -> Option<String> {
        let did = Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap();
        let viewer = Did::parse("did:web:localhost%3A80").unwrap();
        complete(base, &did, &viewer).map(|url| url.to_string())
    }

    #[test]
    fn the_platform_and_both_accounts_are_added() {
        let end = "/web#did:plc:ewvi7nxzyoun6zhxrhs64oiz+did:web:localhost%3A80";
        for base in [
            "https://landing.ger.mx/newUser",
            "https://landing.ger.mx/newUser/",
            "https://landing.ger.mx/newUser#",
        ] {
            let expected = format!("https://landing.ger.mx/newUser{end}");
            assert_eq!(completed(base), Some(expected), "{base}");
        }
        let root = format!("https://me.example.com{end}");
        assert_eq!(completed("https://me.example.com"), Some(root));
        let query = completed("https://me.example.com/a%2Fb?x=%20y").unwrap();
        assert!(query.starts_with("https://me.example.com/a%2Fb/web?x=%20y#did:plc:"));
    }

    #[test]
    fn no_other_address_is_completed() {
        let long = format!("https://a.example/{}", "x".repeat(MAX_URL));
        for base in [
            "",
            "landing.ger.mx/newUser",
            "http://landing.ger.mx",
            "HTTPS://landing.ger.mx",
            "https:landing.ger.mx",
            "https:/landing.ger.mx",
            "https:\\\\landing.ger.mx",
            "https://landing.ger.mx\\@evil.example",
            " https://landing.ger.mx",
            "https://landing.ger.mx/a b",
            "https://landing.ger.mx/\n",
            "https://landing.gér.mx",
            "https://landing.ger.mx/#x",
            "https://landing.ger.mx:8443/",
            "https://user@landing.ger.mx/",
            "https://user:secret@landing.ger.mx/",
            "https://localhost/",
            "https://a.localhost/",
            "https://intranet/",
            "https://8.8.8.8/",
            "https://0x08080808/",
            "https://[2606:4700::1111]/",
            "https://",
            "javascript:alert(1)",
            "javascript://landing.ger.mx/%0aalert(1)",
            "file:///etc/passwd",
            "data:text/html,x",
            "germ://landing.ger.mx",
            &long,
        ] {
            assert_eq!(completed(base), None, "{base}");
        }
    }
}
