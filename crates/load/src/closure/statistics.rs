//! Whether two samples of times are of one kind: Mann-Whitney's test of their order, Kolmogorov's and
//! Smirnov's of their whole distribution, and Holm's correction for asking many times.

/// What comparing two samples gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Comparison {
    /// How likely a value of the first is larger than one of the second; a half where they are alike.
    pub(crate) superiority: f64,
    /// Of Mann-Whitney, two-sided.
    pub(crate) order: f64,
    /// Of Kolmogorov and Smirnov, two-sided.
    pub(crate) shape: f64,
}

/// Compares two samples; neither may be empty.
pub(crate) fn compared(first: &[f64], second: &[f64]) -> Comparison {
    let mut all: Vec<(f64, bool)> = first.iter().map(|&time| (time, true)).collect();
    all.extend(second.iter().map(|&time| (time, false)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (m, n) = (first.len() as f64, second.len() as f64);
    let (mut ranks, mut ties, mut before) = (0.0, 0.0, 0.0);
    let (mut below_first, mut below_second, mut distance) = (0.0, 0.0, 0.0_f64);
    for tied in all.chunk_by(|a, b| a.0 == b.0) {
        let size = tied.len() as f64;
        let firsts = tied.iter().filter(|it| it.1).count() as f64;
        ranks += firsts * (before + (size + 1.0) / 2.0);
        ties += size * size * size - size;
        before += size;
        below_first += firsts / m;
        below_second += (size - firsts) / n;
        distance = distance.max((below_first - below_second).abs());
    }
    let larger = ranks - m * (m + 1.0) / 2.0;
    let total = m + n;
    let variance = m * n / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    let deviation = (larger - m * n / 2.0).abs() / variance.sqrt();
    Comparison {
        superiority: larger / (m * n),
        order: if variance > 0.0 {
            two_sided(deviation)
        } else {
            1.0
        },
        shape: kolmogorov(distance, m * n / total),
    }
}

/// How likely a normal variable is at least so many standard deviations off, to either side.
fn two_sided(deviation: f64) -> f64 {
    // Abramowitz and Stegun 7.1.26; off by less than 2e-7.
    let x = deviation / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let terms = [
        1.061_405_429,
        -1.453_152_027,
        1.421_413_741,
        -0.284_496_736,
        0.254_829_592,
    ];
    let sum = terms.iter().fold(0.0, |sum, term| sum * t + term);
    (sum * t * (-x * x).exp()).clamp(0.0, 1.0)
}

/// How likely the distributions of two samples are at least so far apart.
fn kolmogorov(distance: f64, size: f64) -> f64 {
    let root = size.sqrt();
    let lambda = (root + 0.12 + 0.11 / root) * distance;
    if lambda < 0.2 {
        return 1.0;
    }
    let term = |j: i32| {
        let j = f64::from(j);
        (-2.0 * j * j * lambda * lambda).exp()
    };
    let sum: f64 = (1..=100)
        .map(|j| if j % 2 == 1 { term(j) } else { -term(j) })
        .sum();
    (2.0 * sum).clamp(0.0, 1.0)
}

/// The probabilities, each corrected for all of them being asked for (Holm 1979).
pub(crate) fn holm(probabilities: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    let at = |place: usize| probabilities.get(place).copied().unwrap_or(1.0);
    order.sort_by(|&a, &b| at(a).total_cmp(&at(b)));
    let mut corrected = vec![1.0; probabilities.len()];
    let mut most = 0.0_f64;
    for (done, place) in order.into_iter().enumerate() {
        let left = (probabilities.len() - done) as f64;
        most = most.max((at(place) * left).min(1.0));
        if let Some(slot) = corrected.get_mut(place) {
            *slot = most;
        }
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::{compared, holm, two_sided};

    /// Numbers from 0 to 1, the same in every run.
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> f64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as f64 / f64::from(1_u32 << 31)
        }

        /// As times are: most of them small, a few large.
        fn times(&mut self, n: usize) -> Vec<f64> {
            (0..n).map(|_| 1.0 - self.next().max(1e-9).ln()).collect()
        }
    }

    #[test]
    fn the_tests_give_what_tables_give() {
        assert!((two_sided(1.959_964) - 0.05).abs() < 1e-5);
        assert!((two_sided(3.290_527) - 0.001).abs() < 1e-5);
        // U = 2 of 9, without ties: z = 2.5 / sqrt(5.25).
        let few = compared(&[1.0, 2.0, 4.0], &[3.0, 5.0, 6.0]);
        assert!((few.superiority - 1.0 / 9.0).abs() < 1e-12);
        assert!((few.order - two_sided(3.5 / 5.25_f64.sqrt())).abs() < 1e-12);
        let same = compared(&[1.0; 50], &[1.0; 70]);
        assert_eq!((same.superiority, same.order, same.shape), (0.5, 1.0, 1.0));
    }

    #[test]
    fn samples_of_one_kind_are_seldom_told_apart() {
        let mut numbers = Numbers(1);
        let (mut order, mut shape) = (0, 0);
        for _ in 0..400 {
            let both = compared(&numbers.times(300), &numbers.times(200));
            order += u32::from(both.order < 0.05);
            shape += u32::from(both.shape < 0.05);
        }
        // 20 are expected of each.
        assert!(
            (6..40).contains(&order) && (4..40).contains(&shape),
            "{order} {shape}"
        );
    }

    #[test]
    fn a_small_shift_is_found_and_another_spread_too() {
        let mut numbers = Numbers(2);
        let base = numbers.times(7000);
        let shifted: Vec<_> = numbers.times(7000).iter().map(|time| time + 0.1).collect();
        let shift = compared(&shifted, &base);
        assert!(shift.order < 1e-6 && shift.superiority > 0.53, "{shift:?}");
        let mut middle: Vec<f64> = (0..4000).map(|_| numbers.next()).collect();
        middle
            .iter_mut()
            .for_each(|time| *time = 0.25 + *time / 2.0);
        let wide: Vec<f64> = (0..4000).map(|_| numbers.next()).collect();
        let spread = compared(&middle, &wide);
        assert!(
            spread.shape < 1e-9 && (spread.superiority - 0.5).abs() < 0.05,
            "{spread:?}"
        );
    }

    #[test]
    fn corrected_probabilities_keep_their_order() {
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(close(&holm(&[0.01, 0.04, 0.03]), &[0.03, 0.06, 0.06]));
        assert!(close(&holm(&[0.5, 0.9]), &[1.0, 1.0]));
        assert!(holm(&[]).is_empty());
    }
}
