//! The rules of AT Protocol for identifiers, keys and signatures (atproto.com/specs: DID, Handle,
//! TID, Cryptography), with the examples that are public knowledge.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use k256::ecdsa::signature::Signer as _;
use sotto_identity::handle::Handle;
use sotto_identity::repo::{RepoKey, Tid};
use sotto_wire::did::Did;

#[test]
fn dids() {
    for did in [
        "did:plc:z72i7hdynmk6r22z27h6tvur",
        "did:plc:l3rouwludahu3ui3bt66mfvj",
        "did:web:blueskyweb.xyz",
        "did:web:localhost%3A1234",
    ] {
        assert!(Did::parse(did).is_ok(), "{did}");
    }
    for did in [
        // Not the syntax of a DID at all.
        "did",
        "did:",
        "did:plc",
        "did:method:",
        "DID:method:val",
        "Did:plc:z72i7hdynmk6r22z27h6tvur",
        "did:METHOD:val",
        "did:m123:val",
        "did:plc:z72i7hdynmk6r22z27h6tvu%",
        "did:web:blueskyweb.xyz/path",
        "did:web:blueskyweb.xyz?query",
        "did:web:blueskyweb.xyz#fragment",
        "did:web:blueskyweb.xyz:",
        " did:web:blueskyweb.xyz",
        "did:web:blueskyweb.xyz ",
        "random-string",
        // DIDs, but of no method that an account can have.
        "did:method:val:two",
        "did:m:v",
        "did:method::::val",
        "did:method:-:_:.",
        "did:onion:2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid",
        "did:example:123456789abcdefghi",
        "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",
        // Of those methods, but no account's.
        "did:plc:Z72I7HDYNMK6R22Z27H6TVUR",
        "did:plc:z72i7hdynmk6r22z27h6tvu1",
        "did:web:blueskyweb.xyz:users:alice",
        "did:web:blueskyweb.xyz%3A443",
    ] {
        assert!(Did::parse(did).is_err(), "{did}");
    }
}

#[test]
fn handles() {
    let longest = format!("{}.test", "a.".repeat(124).trim_end_matches('.'));
    for handle in [
        "jay.bsky.social",
        "8.cn",
        "name.t--t",
        "XX.LCS.MIT.EDU",
        "a.co",
        "xn--notarealidn.com",
        "xn--fiqa61au8b7zsevnm8ak20mc4a87e.xn--fiqs8s",
        "xn--ls8h.test",
        "example.t",
        "4chan.org",
        "john2.test",
        "laptop.w-x.test",
        &longest,
    ] {
        let read = Handle::parse(handle).unwrap_or_else(|_| panic!("{handle}"));
        assert_eq!(read.as_str(), handle.to_ascii_lowercase());
    }
    let too_long = format!("{longest}a.test");
    let long_label = format!("{}.test", "a".repeat(64));
    for handle in [
        "",
        "org",
        "jo@hn.test",
        "@jay.bsky.social",
        "💩.test",
        "john..test",
        ".john.test",
        "john.test.",
        "xn--bcher-.tld",
        "-john.test",
        "john-.test",
        "john.-test",
        "john.0",
        "john.1test",
        "cn.8",
        "127.0.0.1",
        "www.masełkowski.pl.com",
        "name_x.test",
        "john.test/x",
        "john.te st",
        "john.test\n",
        &too_long,
        &long_label,
        // Names that lead to nobody on the public internet.
        "laptop.local",
        "blah.arpa",
        "a.internal",
        "a.invalid",
        "a.localhost",
        "a.example",
        "a.alt",
        "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion",
    ] {
        assert!(Handle::parse(handle).is_err(), "{handle}");
    }
}

#[test]
fn tids() {
    for tid in [
        "3jzfcijpj2z2a",
        "7777777777777",
        "3zzzzzzzzzzzz",
        "2222222222222",
        "jzzzzzzzzzzzz",
    ] {
        assert!(Tid::parse(tid).is_ok(), "{tid}");
    }
    for tid in [
        "",
        "222",
        "3jzfcijpj2z21",
        "0000000000000",
        "3jzfcijpj2z2aa",
        "3jzfcijpj2z2",
        "3JZFCIJPJ2Z2A",
        "3jzf-cij-pj2z-2a",
        "3jzfcijpj2z2é",
        "zzzzzzzzzzzzz",
        "kjzfcijpj2z2a",
    ] {
        assert!(Tid::parse(tid).is_err(), "{tid}");
    }
    assert!(Tid::parse("2222222222222").unwrap() < Tid::parse("3jzfcijpj2z2a").unwrap());
}

/// Secret keys and the `did:key` of each (W3C, The did:key Method, test vectors).
const K256: [(&str, &str); 5] = [
    (
        "9085d2bef69286a6cbb51623c8fa258629945cd55ca705cc4e66700396894e0c",
        "zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",
    ),
    (
        "f0f4df55a2b3ff13051ea814a8f24ad00f2e469af73c363ac7e9fb999a9072ed",
        "zQ3shtxV1FrJfhqE1dvxYRcCknWNjHc3c5X1y3ZSoPDi2aur2",
    ),
    (
        "6b0b91287ae3348f8c2f2552d766f30e3604867e34adc37ccbb74a8e6b893e02",
        "zQ3shZc2QzApp2oymGvQbzP8eKheVshBHbU4ZYjeXqwSKEn6N",
    ),
    (
        "c0a6a7c560d37d7ba81ecee9543721ff48fea3e0fb827d42c1868226540fac15",
        "zQ3shadCps5JLAHcZiuX5YUtWHHL8ysBJqFLWvjZDKAWUBGzy",
    ),
    (
        "175a232d440be1e0788f25488a73d9416c04b6f924bea6354bf05dd2f1a75133",
        "zQ3shptjE6JwdkeKN4fcpnYQY3m9Cet3NiHdAfpvSUZBFoKBj",
    ),
];
const P256: (&str, &str) = (
    "9p4VRzdmhsnq869vQjVCTrRry7u4TtfRxhvBFJTGU2Cp",
    "zDnaeTiq1PdzvZXUaMdezchcMJQpBdH2VN4pgrrEhMCCbmwSb",
);

#[test]
fn did_keys() {
    for (secret, multibase) in K256 {
        let secret = k256::ecdsa::SigningKey::from_slice(&hex::decode(secret).unwrap()).unwrap();
        let key = RepoKey::from_multibase(multibase).unwrap();
        assert_eq!(key, RepoKey::K256(*secret.verifying_key()));
        let signature: k256::ecdsa::Signature = secret.sign(b"a message");
        assert!(key.verify(b"a message", &signature.to_bytes()));
        assert!(
            !key.verify(b"a message", signature.to_der().as_bytes()),
            "DER"
        );
    }
    let secret = multibase::Base::Base58Btc.decode(P256.0).unwrap();
    let secret = p256::ecdsa::SigningKey::from_slice(&secret).unwrap();
    let key = RepoKey::from_multibase(P256.1).unwrap();
    assert_eq!(key, RepoKey::P256(*secret.verifying_key()));
    let signature: p256::ecdsa::Signature = secret.sign(b"a message");
    let signature = signature.normalize_s().unwrap_or(signature);
    assert!(key.verify(b"a message", &signature.to_bytes()));
    assert!(
        !key.verify(b"a message", signature.to_der().as_bytes()),
        "DER"
    );
}

/// Signatures by other implementations over the CBOR of `{"hello": "world"}`: key, low s, high s.
const SIGNATURES: [(&str, &str, &str); 2] = [
    (
        "zDnaembgSGUhZULN2Caob4HLJPaxBh92N7rtH21TErzqf8HQo",
        "2vZNsG3UKvvO/CDlrdvyZRISOFylinBh0Jupc6KcWoJWExHptCfduPleDbG3rko3YZnn9Lw0IjpixVmexJDegg",
        "2vZNsG3UKvvO/CDlrdvyZRISOFylinBh0Jupc6KcWoKp7O4VS9giSAah8k5IUbXIW00SuOrjfEqQ9HEkN9JGzw",
    ),
    (
        "zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc",
        "5WpdIuEUUfVUYaozsi8G0B3cWO09cgZbIIwg1t2YKdUn/FEznOndsz/qgiYb89zwxYCbB71f7yQK5Lr7NasfoA",
        "5WpdIuEUUfVUYaozsi8G0B3cWO09cgZbIIwg1t2YKdXYA67MYxYiTMAVfdnkDCMN9S5B3vHosRe07aORmoshoQ",
    ),
];

#[test]
fn signatures_are_low() {
    let message = b"\xa1\x65hello\x65world";
    for (key, low, high) in SIGNATURES {
        let key = RepoKey::from_multibase(key).unwrap();
        let [low, high] = [low, high].map(|it| STANDARD_NO_PAD.decode(it).unwrap());
        assert!(key.verify(message, &low));
        assert!(!key.verify(message, &high));
        assert_eq!(low[..32], high[..32], "the same r: only s tells them apart");
    }
    let [(p256, low, _), (k256, ..)] = SIGNATURES;
    let low = STANDARD_NO_PAD.decode(low).unwrap();
    assert!(RepoKey::from_multibase(p256).unwrap().verify(message, &low));
    assert!(!RepoKey::from_multibase(k256).unwrap().verify(message, &low));
}
