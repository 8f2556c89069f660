//! From when until when a certificate is valid (RFC 5280 §4.1.2.5): the one field of it that the TLS
//! library does not tell.

/// `not_before` and `not_after`, in seconds since 1970. Nothing where the bytes are no certificate.
pub(super) fn validity(certificate: &[u8]) -> Option<(i64, i64)> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let (_, certificate, _) = element(certificate).filter(|it| it.0 == SEQUENCE)?;
    let (_, mut rest, _) = element(certificate).filter(|it| it.0 == SEQUENCE)?;
    if let Some((VERSION, _, after)) = element(rest) {
        rest = after;
    }
    // Serial number, algorithm, issuer.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (_, validity, _) = element(rest).filter(|it| it.0 == SEQUENCE)?;
    let (kind, not_before, rest) = element(validity)?;
    let before = time(kind, not_before)?;
    let (kind, not_after, _) = element(rest)?;
    Some((before, time(kind, not_after)?))
}

/// Tag and content of the first element of DER, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x0f))?;
            let length = length
                .iter()
                .fold(0, |sum, byte| sum * 256 + usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}

/// UTCTime (with two digits of the year) or GeneralizedTime, both to the second and with `Z`.
fn time(kind: u8, text: &[u8]) -> Option<i64> {
    const UTC: u8 = 0x17;
    const GENERALIZED: u8 = 0x18;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match kind {
        UTC => {
            let (year, rest) = text.split_at_checked(2)?;
            let year = number(year)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED => {
            let (year, rest) = text.split_at_checked(4)?;
            (number(year)?, rest)
        }
        _ => return None,
    };
    let mut parts = [0; 5];
    let mut rest = rest;
    for part in &mut parts {
        let (digits, after) = rest.split_at_checked(2)?;
        *part = number(digits)?;
        rest = after;
    }
    let [month, day, hour, minute, second] = parts;
    rest.is_empty()
        .then(|| ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

fn number(digits: &str) -> Option<i64> {
    digits
        .bytes()
        .all(|it| it.is_ascii_digit())
        .then(|| digits.parse().ok())?
}

/// Days since 1970, in the Gregorian calendar: counted from March, so that a leap day ends its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month < 3 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 719_469
}

#[cfg(test)]
mod tests {
    use super::{days, time, validity};

    #[test]
    fn dates_are_counted() {
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2000, 3, 1), 11_017);
        assert_eq!(time(0x17, b"260228235959Z"), Some(1_772_323_199));
        assert_eq!(time(0x18, b"20240229000000Z"), Some(1_709_164_800));
        assert_eq!(time(0x17, b"500101000000Z"), Some(-631_152_000));
        for bad in [
            b"2602282359".as_slice(),
            b"26022823595\xffZ",
            b"260228-35959Z",
            b"",
            b"Z",
        ] {
            assert_eq!(time(0x17, bad), None);
        }
    }

    #[test]
    fn the_validity_of_a_certificate_is_read_and_nothing_panics() {
        let key = rcgen::KeyPair::generate().expect("key");
        let mut params =
            rcgen::CertificateParams::new(vec!["a.example".to_owned()]).expect("params");
        params.not_before = rcgen::date_time_ymd(2026, 2, 1);
        params.not_after = rcgen::date_time_ymd(2051, 12, 31);
        let certificate = params.self_signed(&key).expect("certificate");
        let der = certificate.der();
        assert_eq!(validity(der), Some((1_769_904_000, 2_587_593_600)));
        for end in 0..der.len() {
            assert_eq!(validity(der.get(..end).expect("cut")), None);
        }
        for at in 0..der.len().min(400) {
            let mut changed = der.to_vec();
            if let Some(byte) = changed.get_mut(at) {
                *byte ^= 0xff;
            }
            let _ = validity(&changed);
        }
    }
}
