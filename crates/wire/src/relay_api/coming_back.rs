//! What a relay that ends tells its sockets (§4.7): when to come back, so that they do not all come
//! back at once.

use std::time::Duration;

/// The close code (RFC 6455 §7.4.2, registered as "Service Restart").
pub const RESTARTING: u16 = 1012;
/// The longest time that counts.
pub const LONGEST: Duration = Duration::from_secs(60);

const PREFIX: &str = "retry-after-ms=";

/// The reason of the close frame: come back after `wait`.
#[must_use]
pub fn reason(wait: Duration) -> String {
    format!("{PREFIX}{}", wait.min(LONGEST).as_millis())
}

/// After how long to come back, if the reason says so; at most [`LONGEST`].
#[must_use]
pub fn wait(reason: &str) -> Option<Duration> {
    let digits = reason.strip_prefix(PREFIX)?;
    let plain = !digits.is_empty() && digits.len() <= 9;
    let number = plain && digits.bytes().all(|byte| byte.is_ascii_digit());
    let ms: u64 = number.then(|| digits.parse().ok())??;
    Some(Duration::from_millis(ms).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, reason, wait};
    use std::time::Duration;

    #[test]
    fn what_is_said_is_understood_and_bounded() {
        for ms in [0, 1, 1234, 60_000] {
            let said = Duration::from_millis(ms);
            assert_eq!(wait(&reason(said)), Some(said));
        }
        assert_eq!(wait(&reason(Duration::from_secs(3600))), Some(LONGEST));
        assert_eq!(wait("retry-after-ms=999999999"), Some(LONGEST));
        for other in [
            "",
            "retry-after-ms=",
            "retry-after-ms=+1",
            "retry-after-ms=1 ",
            "going away",
        ] {
            assert_eq!(wait(other), None);
        }
        assert_eq!(wait(&format!("retry-after-ms={}", "9".repeat(100))), None);
    }
}
