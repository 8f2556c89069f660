//! Access tokens in the operator's name: what the PDS itself would give an app password of the
//! account, for one minute. It is the least that may write records and submit PLC operations.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use serde_json::json;
use sha2::Sha256;
use sotto_wire::did::Did;
use sotto_wire::time::Timestamp;
use zeroize::Zeroizing;

/// In seconds.
const LIFETIME: u64 = 60;

/// A token for the account `did` at the PDS `service`, signed with `PDS_JWT_SECRET`.
pub(crate) fn access_token(
    secret: &str,
    service: &Did,
    did: &Did,
    now: Timestamp,
) -> Zeroizing<String> {
    let header = json!({ "typ": "at+jwt", "alg": "HS256" });
    let claims = json!({
        "scope": "com.atproto.appPass",
        "aud": service,
        "sub": did,
        "iat": now,
        "exp": now.plus(LIFETIME),
    });
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&header), part(&claims));
    // HMAC takes keys of every length.
    let tag = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map(|mac| mac.chain_update(&message).finalize().into_bytes())
        .unwrap_or_default();
    Zeroizing::new(format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_an_hs256_jwt_of_a_minute() {
        let did = Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap();
        let pds = Did::parse("did:web:pds.example").unwrap();
        let token = access_token("secret", &pds, &did, Timestamp(1_700_000_000));
        let parts: Vec<&str> = token.split('.').collect();
        let read = |part| -> serde_json::Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        assert_eq!(read(parts[0]), json!({"typ": "at+jwt", "alg": "HS256"}));
        assert_eq!(read(parts[1])["sub"], did.as_str());
        assert_eq!(read(parts[1])["exp"], 1_700_000_060);
        let tag = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
        let message = format!("{}.{}", parts[0], parts[1]);
        let verify = |key: &[u8]| {
            let mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
            mac.chain_update(&message).verify_slice(&tag).is_ok()
        };
        assert!(verify(b"secret") && !verify(b"other"));
    }
}
