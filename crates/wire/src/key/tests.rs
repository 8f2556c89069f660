use super::*;

fn array<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

/// RFC 8032 §7.1, test 1.
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const SIGNATURE: &str = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
                         5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";

#[test]
fn rfc_8032_vector() {
    let key = SigningKey::from_seed(&array(SEED));
    assert_eq!(key.public().as_bytes(), &array(PUBLIC));
    assert_eq!(key.sign(b""), array(SIGNATURE));
    assert_eq!(key.public().verify(b"", &key.sign(b"")), Ok(()));
    assert_eq!(*key.seed(), array(SEED));
}

#[test]
fn signatures_have_one_form() {
    let public = PublicKey::from_bytes(&array(PUBLIC)).unwrap();
    let good: [u8; 64] = array(SIGNATURE);
    for at in [0, 31, 32, 63] {
        let mut flipped = good;
        flipped[at] ^= 1;
        assert_eq!(public.verify(b"", &flipped), Err(BadSignature), "{at}");
    }
    assert_eq!(public.verify(b"x", &good), Err(BadSignature));
    assert_eq!(public.verify(b"", &good[..63]), Err(BadSignature));
    assert_eq!(
        public.verify(b"", &[&good[..], &[0]].concat()),
        Err(BadSignature)
    );
    // S + L, the same signature to a verifier that does not check the range.
    let order: [u8; 32] = array("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let (mut shifted, mut carry) = (good, 0);
    for (byte, add) in shifted[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (u8::try_from(sum & 0xff).unwrap(), sum >> 8);
    }
    assert_eq!(public.verify(b"", &shifted), Err(BadSignature));
    // R the neutral element and S = H(R ‖ A ‖ M) · a: satisfies the equation, but only the owner of
    // the key can make it, and it is a second signature of the same message.
    let s = "ceeca8b762ee441d37b3842b2d2e32d738c37475057b403a630ae08f05977509";
    let small = [array::<32>(SMALL_ORDER[0]), array(s)].concat();
    assert_eq!(public.verify(b"small-order R", &small), Err(BadSignature));
}

const SMALL_ORDER: [&str; 5] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
];

#[test]
fn unusable_keys_are_refused() {
    for text in SMALL_ORDER {
        assert_eq!(
            PublicKey::from_bytes(&array(text)),
            Err(InvalidKey),
            "{text}"
        );
    }
    // Not a point; y = p + 3, which is a point written with too large a number.
    for text in [
        "0200000000000000000000000000000000000000000000000000000000000000",
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        assert_eq!(
            PublicKey::from_bytes(&array(text)),
            Err(InvalidKey),
            "{text}"
        );
    }
    assert!(
        PublicKey::from_bytes(&{
            let mut three = [0; 32];
            three[0] = 3;
            three
        })
        .is_ok()
    );
}

#[test]
fn did_key_is_that_of_the_did_key_method() {
    let text = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
    let key = SigningKey::from_seed(&[0; 32]).public();
    assert_eq!(key.to_did_key(), text);
    assert_eq!(PublicKey::from_did_key(text), Ok(key));
    assert_eq!(format!("{key:?}"), format!("PublicKey({text})"));
    for refused in [
        "",
        "did:key:",
        "did:key:z",
        "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
        "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWq",
        "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp#x",
        "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",
        "did:key:fed013b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29",
        "did:key:z\u{e9}",
    ] {
        assert_eq!(
            PublicKey::from_did_key(refused),
            Err(InvalidKey),
            "{refused}"
        );
    }
    assert_eq!(
        PublicKey::from_did_key(&format!("did:key:z{}", "1".repeat(9999))),
        Err(InvalidKey)
    );
}

#[test]
fn cose_key_is_a_closed_map() {
    let key = PublicKey::from_bytes(&array(PUBLIC)).unwrap();
    let bytes = key.cose();
    assert_eq!(
        hex::encode(&bytes),
        format!("a3010120062158 20{PUBLIC}").replace(' ', "")
    );
    assert_eq!(PublicKey::from_cose(&bytes), Ok(key));
    let weak = SMALL_ORDER[0];
    for (what, refused) in [
        ("EC2", format!("a30102200621 5820{PUBLIC}")),
        ("X25519", format!("a30101200421 5820{PUBLIC}")),
        ("short x", format!("a30101200621 581f{}", &PUBLIC[2..])),
        ("no x", "a201012006".into()),
        ("with alg", format!("a401010327 2006215820{PUBLIC}")),
        ("weak key", format!("a30101200621 5820{weak}")),
        ("text", "6161".into()),
    ] {
        let refused = hex::decode(refused.replace(' ', "")).unwrap();
        assert_eq!(PublicKey::from_cose(&refused), Err(InvalidKey), "{what}");
    }
}

#[test]
fn thumbprint_is_the_hash_of_the_cose_key() {
    use sha2::Digest as _;
    let key = PublicKey::from_bytes(&array(PUBLIC)).unwrap();
    let thumbprint = key.thumbprint();
    assert_eq!(
        thumbprint.as_bytes(),
        sha2::Sha256::digest(key.cose()).as_slice()
    );
    // printf of the COSE_Key through sha256sum and base64url.
    assert_eq!(thumbprint.text(), THUMBPRINT);
    assert_eq!(Thumbprint::parse(&thumbprint.text()), Ok(thumbprint));
    for refused in ["", "AA", &format!("{THUMBPRINT}="), &THUMBPRINT[1..]] {
        assert_eq!(Thumbprint::parse(refused), Err(InvalidKey), "{refused}");
    }
}
const THUMBPRINT: &str = "hm7vvWcYyIRs193-Q_x0qx2qxFOP-FFOouwtQQpBV0M";

#[test]
fn serde_by_format() {
    let key = SigningKey::from_seed(&[0; 32]).public();
    let json = serde_json::to_string(&(key, key.thumbprint())).unwrap();
    assert_eq!(
        json,
        format!("[\"{}\",\"{}\"]", key.to_did_key(), key.thumbprint())
    );
    let read: (PublicKey, Thumbprint) = serde_json::from_str(&json).unwrap();
    assert_eq!(read, (key, key.thumbprint()));
    let bytes = crate::cbor::encode(&read);
    assert_eq!(crate::cbor::decode(&bytes, 128), Ok(read));
}

#[test]
fn signing_keys_stay_out_of_logs() {
    assert_eq!(
        format!("{:?}", SigningKey::from_seed(&[1; 32])),
        "SigningKey(redacted)"
    );
}

#[test]
fn generated_keys_differ() {
    let random = crate::random::OsRandom;
    let (one, two) = (SigningKey::generate(&random), SigningKey::generate(&random));
    assert_ne!(one.public(), two.public());
}
