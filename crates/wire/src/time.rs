//! Times on the wire (docs/protocol.md §0) and the clock that everything takes its time from.

use std::time::{SystemTime, UNIX_EPOCH};

use ciborium::tag::Required;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Seconds since 1970-01-01T00:00:00Z. On the wire CBOR tag 1 with an unsigned integer; in
/// human-readable formats a plain number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// This time and `seconds` more; stops at the end of the range.
    #[must_use]
    pub fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// How many seconds `earlier` lies before this time; 0 where it does not.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The time as RFC 3339 in UTC (`2026-11-23T09:46:00Z`), for the `createdAt` of records (§1.1).
    #[must_use]
    pub fn rfc3339(self) -> String {
        // Beyond the year 9999 the notation has no form.
        let seconds = self.0.min(253_402_300_799);
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        // Days to civil date, counted in 400-year eras that start on a 1st of March.
        let shifted = days + 719_468;
        let (era, of_era) = (shifted / 146_097, shifted % 146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = era * 400 + year + u64::from(month <= 2);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_u64(self.0)
        } else {
            Required::<u64, 1>(self.0).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            u64::deserialize(deserializer).map(Self)
        } else {
            Required::<u64, 1>::deserialize(deserializer).map(|tagged| Self(tagged.0))
        }
    }
}

/// Where time comes from. Injected everywhere, so that tests can move it.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> u64;

    /// The same in whole seconds, as the wire has it.
    fn now(&self) -> Timestamp {
        Timestamp(self.now_ms() / 1000)
    }
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one real clock that is injected elsewhere"
    )]
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cbor::{self, CborError};

    #[test]
    fn is_tag_1_with_an_unsigned_integer() {
        let bytes = cbor::encode(&Timestamp(1_700_000_000));
        assert_eq!(hex::encode(&bytes), "c11a6553f100");
        assert_eq!(cbor::decode(&bytes, 16), Ok(Timestamp(1_700_000_000)));
        for refused in ["1a6553f100", "c01a6553f100", "c120", "c161 30"] {
            let bytes = hex::decode(refused.replace(' ', "")).unwrap();
            assert_eq!(
                cbor::decode::<Timestamp>(&bytes, 16),
                Err(CborError::Shape),
                "{refused}"
            );
        }
    }

    #[test]
    fn json_is_a_number() {
        assert_eq!(serde_json::to_string(&Timestamp(7)).unwrap(), "7");
        assert_eq!(
            serde_json::from_str::<Timestamp>("7").unwrap(),
            Timestamp(7)
        );
    }

    #[test]
    fn formats_dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (u64::MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp(seconds).rfc3339(), text);
        }
    }

    #[test]
    fn the_system_clock_is_past_2025() {
        assert!(SystemClock.now() > Timestamp(1_735_689_600));
    }
}
