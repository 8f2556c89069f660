//! The one range that a request may ask for (RFC 9110 §14.2). More than one, another unit and what
//! cannot be read are passed over, as the RFC allows: the answer is the whole then.

use axum::http::{HeaderMap, header};

/// What to answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// From `first` to `last`, both included.
    Bytes { first: u64, last: u64 },
    /// The range begins behind the end.
    Nothing,
}

/// What these headers ask for, of an object of `size` bytes (at least 1).
pub(super) fn asked(headers: &HeaderMap, etag: &str, size: u64) -> Part {
    let mut ranges = headers.get_all(header::RANGE).iter();
    let (Some(range), None) = (ranges.next(), ranges.next()) else {
        return Part::Whole;
    };
    // Of another object than the client has part of.
    let other = headers.get(header::IF_RANGE);
    if other.is_some_and(|known| known.as_bytes() != etag.as_bytes()) {
        return Part::Whole;
    }
    let spec = range.to_str().ok().and_then(|text| {
        let (unit, spec) = text.split_once('=')?;
        unit.eq_ignore_ascii_case("bytes").then_some(spec.trim())
    });
    spec.and_then(|spec| part(spec, size))
        .unwrap_or(Part::Whole)
}

fn part(spec: &str, size: u64) -> Option<Part> {
    let end = size.checked_sub(1)?;
    let (first, last) = spec.split_once('-')?;
    if first.is_empty() {
        let suffix = number(last)?;
        return Some(match suffix {
            0 => Part::Nothing,
            suffix => Part::Bytes {
                first: size.saturating_sub(suffix),
                last: end,
            },
        });
    }
    let first = number(first)?;
    let last = if last.is_empty() {
        u64::MAX
    } else {
        number(last)?
    };
    if last < first {
        return None;
    }
    Some(if first > end {
        Part::Nothing
    } else {
        Part::Bytes {
            first,
            last: last.min(end),
        }
    })
}

/// Digits; more than fit are more than there is.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: &str) -> Part {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        asked(&headers, "\"x\"", 100)
    }

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        let bytes = |first, last| Part::Bytes { first, last };
        for (range, expected) in [
            ("bytes=0-0", bytes(0, 0)),
            ("bytes=0-99", bytes(0, 99)),
            ("bytes=10-", bytes(10, 99)),
            ("bytes=10-1000", bytes(10, 99)),
            ("Bytes=10-20", bytes(10, 20)),
            ("bytes=-1", bytes(99, 99)),
            ("bytes=-1000", bytes(0, 99)),
            ("bytes=99-", bytes(99, 99)),
            ("bytes=0-99999999999999999999999", bytes(0, 99)),
            ("bytes=100-", Part::Nothing),
            ("bytes=99999999999999999999999-", Part::Nothing),
            ("bytes=-0", Part::Nothing),
            ("bytes=20-10", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("bytes 1-2", Part::Whole),
            ("pages=1-2", Part::Whole),
            ("bytes=", Part::Whole),
        ] {
            assert_eq!(of(range), expected, "{range}");
        }
    }

    #[test]
    fn a_range_of_something_else_is_the_whole() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, "bytes=1-2".parse().unwrap());
        headers.insert(header::IF_RANGE, "\"y\"".parse().unwrap());
        assert_eq!(asked(&headers, "\"x\"", 100), Part::Whole);
        headers.insert(header::IF_RANGE, "\"x\"".parse().unwrap());
        let part = Part::Bytes { first: 1, last: 2 };
        assert_eq!(asked(&headers, "\"x\"", 100), part);
        headers.append(header::RANGE, "bytes=3-4".parse().unwrap());
        assert_eq!(asked(&headers, "\"x\"", 100), Part::Whole);
    }
}
