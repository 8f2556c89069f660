//! A seed is one run, and always the same.

use sotto_simulation::run::run;
use sotto_wire::time::{Clock as _, SystemClock};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

#[test]
fn a_seed_carries_the_same_bytes_every_time() {
    let start = SystemClock.now_ms() / DAY_MS * DAY_MS - 40 * DAY_MS;
    for seed in [1, 4, 19] {
        let (once, again) = (run(seed, start, false), run(seed, start, false));
        assert!(once.is_good(), "{seed}: {:?}", once.findings.faults);
        assert_eq!(once.log, again.log, "{seed}");
        assert_eq!(once.carried, again.carried, "{seed}");
        assert_ne!(once.carried, run(seed + 1, start, false).carried);
    }
}
