use super::*;

const ISSUED: Timestamp = Timestamp(1_700_000_000);

fn did() -> Did {
    Did::parse("did:web:alice.example").unwrap()
}

fn delegate() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn certificate(lifetime: u64) -> DeviceCertificate {
    DeviceCertificate {
        did: did(),
        device_id: DeviceId::from_bytes([7; 16]),
        issued_at: ISSUED,
        device_key: SigningKey::from_seed(&[2; 32]).public(),
        expires_at: ISSUED.plus(lifetime),
    }
}

fn verify(object: &[u8], now: Timestamp) -> Result<DeviceCertificate, CertificateError> {
    DeviceCertificate::verify(object, &delegate().public(), &did(), now)
}

#[test]
fn is_valid_until_it_expires() {
    let object = certificate(100).sign(&delegate());
    assert_eq!(verify(&object, ISSUED.plus(99)), Ok(certificate(100)));
    assert_eq!(
        verify(&object, ISSUED.plus(100)),
        Err(CertificateError::Expired)
    );
    assert_eq!(
        verify(&object, Timestamp(0)),
        Ok(certificate(100)),
        "an early clock"
    );
    let late = DeviceCertificate::verify_at_any_time(&object, &delegate().public(), &did());
    assert_eq!(late, Ok(certificate(100)));
}

#[test]
fn lifetimes_are_bounded() {
    let longest = certificate(MAX_LIFETIME).sign(&delegate());
    assert!(verify(&longest, ISSUED).is_ok());
    for lifetime in [0, MAX_LIFETIME + 1, u64::MAX] {
        let object = certificate(lifetime).sign(&delegate());
        assert_eq!(
            verify(&object, ISSUED),
            Err(CertificateError::Lifetime),
            "{lifetime}"
        );
    }
}

#[test]
fn is_bound_to_account_key_and_type() {
    let object = certificate(100).sign(&delegate());
    let other = Did::parse("did:web:mallory.example").unwrap();
    assert_eq!(
        DeviceCertificate::verify(&object, &delegate().public(), &other, ISSUED),
        Err(CertificateError::OtherAccount)
    );
    let stranger = SigningKey::from_seed(&[3; 32]);
    assert_eq!(
        DeviceCertificate::verify(&object, &stranger.public(), &did(), ISSUED),
        Err(CertificateError::Signed(Sign1Error::OtherKey))
    );
    let claim = sign1::sign_bytes(
        "chat.sotto/claim/v1",
        Vec::new(),
        &crate::cbor::encode(&certificate(100)),
        &delegate(),
    );
    assert_eq!(
        verify(&claim, ISSUED),
        Err(CertificateError::Signed(Sign1Error::Type))
    );
}

#[test]
fn can_be_read_before_the_key_is_known() {
    let object = certificate(100).sign(&SigningKey::from_seed(&[9; 32]));
    assert_eq!(
        DeviceCertificate::parse_unverified(&object),
        Ok(certificate(100))
    );
    assert!(DeviceCertificate::parse_unverified(&[0xd2]).is_err());
}
