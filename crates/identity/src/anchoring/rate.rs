//! How many operations the directory takes of one account. Counted here first, because what comes
//! back through the PDS does not say that this was the reason.

use serde_json::Value;
use sotto_wire::did::Did;
use sotto_wire::time::Timestamp;

use crate::network::{self, Network};

const MAX_LOG: usize = 1024 * 1024;
const HOUR: u64 = 60 * 60;
/// Seconds, and the operations that there may be in them.
const RATES: [(u64, usize); 3] = [(HOUR, 10), (24 * HOUR, 30), (7 * 24 * HOUR, 100)];
/// Up to the second: `2026-11-23T09:46:00`.
const SECOND: usize = 19;

impl Network {
    /// Whether the directory would refuse one more operation at `now`. A log that cannot be read
    /// does not say so; then the directory decides.
    pub(super) async fn is_rate_limited(&self, did: &Did, now: Timestamp) -> bool {
        let url = network::with_path(&self.endpoints.plc, &[did.as_str(), "log", "audit"]);
        let answer = self.get(url, MAX_LOG).await;
        let log = answer.ok().filter(|answer| answer.status == 200);
        let log = log.as_ref().and_then(network::json);
        log.as_ref()
            .and_then(Value::as_array)
            .is_some_and(|log| is_exhausted(log, now))
    }
}

pub(super) fn is_exhausted(log: &[Value], now: Timestamp) -> bool {
    RATES.iter().any(|(span, most)| {
        let since = Timestamp(now.0.saturating_sub(*span)).rfc3339();
        let since = since.get(..SECOND);
        let recent = log.iter().filter(|entry| {
            let at = entry.get("createdAt").and_then(Value::as_str);
            // The notation sorts as the time does.
            at.and_then(|at| at.get(..SECOND)) > since
        });
        recent.count() >= *most
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    /// Operations of so many seconds ago.
    fn log(ages: impl IntoIterator<Item = u64>) -> Vec<Value> {
        let entry = |age| {
            let at = Timestamp(NOW.0 - age).rfc3339().replace('Z', ".123Z");
            json!({ "createdAt": at })
        };
        ages.into_iter().map(entry).collect()
    }

    #[test]
    fn ten_in_an_hour_are_the_most() {
        assert!(!is_exhausted(&log(0..9), NOW));
        assert!(is_exhausted(&log(0..10), NOW));
        assert!(is_exhausted(&log((0..10).map(|n| n * 399)), NOW));
        assert!(!is_exhausted(&log((0..10).map(|n| n * 400)), NOW));
    }

    #[test]
    fn days_and_weeks_are_counted_too() {
        assert!(!is_exhausted(&log((0..29).map(|n| n * 2500)), NOW));
        assert!(is_exhausted(&log((0..30).map(|n| n * 2500)), NOW));
        assert!(!is_exhausted(&log((0..99).map(|n| n * 6000)), NOW));
        assert!(is_exhausted(&log((0..100).map(|n| n * 6000)), NOW));
    }

    #[test]
    fn entries_without_a_time_do_not_count() {
        let odd = vec![
            json!({}),
            json!({"createdAt": "x"}),
            json!({"createdAt": 7}),
            json!(1),
        ];
        assert!(!is_exhausted(&vec![odd; 50].concat(), NOW));
    }
}
