//! Randomness, injected everywhere so that tests can repeat it.

/// A source of bytes for keys, nonces and identifiers.
pub trait Random: Send + Sync {
    /// Fills `out` with bytes that nobody can predict.
    fn fill(&self, out: &mut [u8]);
}

/// `N` fresh bytes from `random`.
pub fn array<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut out = [0; N];
    random.fill(&mut out);
    out
}

/// The operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    #[expect(
        clippy::expect_used,
        reason = "an operating system without randomness leaves nothing safe to do"
    )]
    fn fill(&self, out: &mut [u8]) {
        getrandom::fill(out).expect("the operating system gives randomness");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_and_differs() {
        let (a, b) = (array::<32>(&OsRandom), array::<32>(&OsRandom));
        assert_ne!(a, [0; 32]);
        assert_ne!(a, b);
    }
}
