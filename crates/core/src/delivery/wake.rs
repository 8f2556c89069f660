//! A machine that slept has dead connections that look alive; one whose clock was set has used a
//! wrong one until then.

use sotto_wire::time::Clock;
use std::time::Duration;
use tokio::time::Instant;

const LOOK_EVERY: Duration = Duration::from_secs(5);
/// More than a busy machine is late, less than anyone sleeps.
const JUMP_MS: u64 = 15_000;

/// Ends when the clock on the wall has moved on without the runtime's, or back: after a sleep, or
/// when it was set.
pub(in crate::delivery) async fn clock_jumped(clock: &dyn Clock) {
    loop {
        let (wall, own) = (clock.now_ms(), Instant::now());
        tokio::time::sleep(LOOK_EVERY).await;
        let elapsed = u64::try_from(own.elapsed().as_millis()).unwrap_or(u64::MAX);
        let expected = wall.saturating_add(elapsed);
        if clock.now_ms().abs_diff(expected) > JUMP_MS {
            tracing::info!("the clock has jumped");
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Wall(AtomicU64);
    impl Clock for Wall {
        fn now_ms(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_is_noticed_and_time_passing_is_not() {
        let wall = Wall(AtomicU64::new(1_000_000));
        let minute = Duration::from_secs(60);
        let unmoved = tokio::time::timeout(minute, clock_jumped(&wall)).await;
        assert!(unmoved.is_err());
        let jump = async {
            tokio::time::sleep(Duration::from_secs(7)).await;
            wall.0.fetch_add(40_000, Ordering::Relaxed);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = clock_jumped(&wall) => {}
            () = jump => {}
            () = tokio::time::sleep(minute) => panic!("not noticed"),
        }
        let back = async {
            tokio::time::sleep(Duration::from_secs(7)).await;
            wall.0.fetch_sub(40_000, Ordering::Relaxed);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = clock_jumped(&wall) => {}
            () = back => {}
            () = tokio::time::sleep(minute) => panic!("not noticed"),
        }
    }
}
