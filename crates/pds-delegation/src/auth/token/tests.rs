use k256::ecdsa::signature::Signer as _;
use serde_json::{Value, json};
use sotto_wire::pds_api;

use super::*;

const NOW: Timestamp = Timestamp(1_700_000_000);

fn key() -> k256::ecdsa::SigningKey {
    k256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap()
}

fn p256_key() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap()
}

fn audience() -> Audience {
    Audience::new(&Did::parse("did:web:pds.example").unwrap()).unwrap()
}

fn claims() -> Value {
    json!({
        "iss": "did:web:alice.example", "aud": audience(), "lxm": pds_api::CREATE,
        "iat": NOW.0, "exp": NOW.0 + 60, "jti": "1",
    })
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

fn token(header: &Value, claims: &Value) -> String {
    let message = unsigned(header, claims);
    let signature: k256::ecdsa::Signature = key().sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

fn es256k() -> Value {
    json!({"typ": "JWT", "alg": "ES256K"})
}

fn refusal(claims: &Value) -> Option<ErrorName> {
    match Token::parse(&token(&es256k(), claims)) {
        Ok(token) => {
            let checked = token.check(&audience(), pds_api::CREATE, NOW, Timestamp(NOW.0 - 10));
            checked.err().map(|error| error.name)
        }
        Err(error) => Some(error.name),
    }
}

#[test]
fn a_good_token_is_taken() {
    assert_eq!(refusal(&claims()), None);
    let parsed = Token::parse(&token(&es256k(), &claims())).unwrap();
    assert!(parsed.is_signed_by(&RepoKey::K256(*key().verifying_key())));
    let other = k256::ecdsa::SigningKey::from_slice(&[8; 32]).unwrap();
    assert!(!parsed.is_signed_by(&RepoKey::K256(*other.verifying_key())));
}

#[test]
fn both_curves_sign_each_under_its_own_name() {
    let sign = |alg: &str| {
        let message = unsigned(&json!({"alg": alg}), &claims());
        let signature: p256::ecdsa::Signature = p256_key().sign(message.as_bytes());
        let low = signature.normalize_s().unwrap_or(signature);
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(low.to_bytes()))
    };
    let key = RepoKey::P256(*p256_key().verifying_key());
    assert!(Token::parse(&sign("ES256")).unwrap().is_signed_by(&key));
    assert!(!Token::parse(&sign("ES256K")).unwrap().is_signed_by(&key));
}

#[test]
fn each_claim_has_its_own_refusal() {
    for (claim, value, name) in [
        (
            "aud",
            json!("did:web:pds.example"),
            ErrorName::BadJwtAudience,
        ),
        (
            "aud",
            json!("did:web:other.example#sotto_delegation"),
            ErrorName::BadJwtAudience,
        ),
        (
            "lxm",
            json!(pds_api::DELETE),
            ErrorName::BadJwtLexiconMethod,
        ),
        ("lxm", Value::Null, ErrorName::BadJwtLexiconMethod),
        ("lxm", json!("*"), ErrorName::BadJwtLexiconMethod),
        ("exp", json!(NOW.0), ErrorName::JwtExpired),
        ("exp", json!(NOW.0 + 301), ErrorName::BadJwt),
        ("exp", json!(u64::MAX), ErrorName::BadJwt),
        ("exp", json!(-1), ErrorName::BadJwt),
        ("iat", json!(NOW.0 + 31), ErrorName::BadJwt),
        ("iat", json!(NOW.0 - 11), ErrorName::JwtExpired),
        ("iat", Value::Null, ErrorName::BadJwt),
        ("jti", Value::Null, ErrorName::BadJwt),
        ("jti", json!(""), ErrorName::BadJwt),
        ("jti", json!("x".repeat(129)), ErrorName::BadJwt),
        (
            "iss",
            json!("did:web:alice.example#atproto"),
            ErrorName::BadJwt,
        ),
        ("iss", json!("alice.example"), ErrorName::BadJwt),
    ] {
        let mut claims = claims();
        claims[claim] = value.clone();
        assert_eq!(refusal(&claims), Some(name), "{claim} {value}");
    }
}

#[test]
fn other_tokens_are_refused() {
    let headers = [
        json!({"alg": "none"}),
        json!({"alg": "HS256"}),
        json!({"typ": "JWT"}),
        json!({"typ": "at+jwt", "alg": "ES256K"}),
        json!({"typ": "refresh+jwt", "alg": "ES256K"}),
        json!({"typ": "dpop+jwt", "alg": "ES256K"}),
    ];
    for header in headers {
        let refused = Token::parse(&token(&header, &claims())).unwrap_err();
        assert_eq!(refused.name, ErrorName::BadJwt, "{header}");
    }
    let good = token(&es256k(), &claims());
    let cut = good.rsplit_once('.').unwrap().0;
    let long = "x".repeat(MAX_TOKEN + 1);
    for text in ["", ".", "..", "a.b.c", cut, &format!("{good}.x"), &long] {
        assert_eq!(Token::parse(text).unwrap_err().name, ErrorName::BadJwt);
    }
}

#[test]
fn every_flipped_bit_of_the_signature_is_noticed() {
    let good = token(&es256k(), &claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let key = RepoKey::K256(*key().verifying_key());
    for position in 0..signature.len() {
        let mut flipped = signature.clone();
        flipped[position] ^= 1;
        let text = format!("{message}.{}", URL_SAFE_NO_PAD.encode(flipped));
        assert!(!Token::parse(&text).unwrap().is_signed_by(&key));
    }
}
