//! What was answered, and how long it took, by the state of the destination.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::line::Answer;
use super::scene::State;
use super::statistics::{Comparison, compared, holm};
use crate::figures::percentile;

/// Below this, a difference is one: the probability that chance alone makes one of all the
/// comparisons look as different.
const SIGNIFICANT: f64 = 0.01;

/// A difference put in on purpose, to see that it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Plant {
    /// 100 µs more in the second state of each group.
    Time,
    /// One header more, once.
    Bytes,
}

const PLANTED: Duration = Duration::from_micros(100);

/// All answers so far.
#[derive(Default)]
pub(super) struct Findings {
    times: BTreeMap<State, Vec<f64>>,
    answers: BTreeMap<State, BTreeSet<Vec<u8>>>,
}

/// What one state came to beside the first of its group.
struct Row {
    state: State,
    beside: Option<Comparison>,
}

impl Findings {
    /// Takes an answer.
    pub(super) fn take(&mut self, state: State, answer: &Answer) {
        let times = self.times.entry(state).or_default();
        times.push(answer.took.as_secs_f64() * 1000.0);
        self.answers
            .entry(state)
            .or_default()
            .insert(answer.comparable());
    }

    /// What others found.
    pub(super) fn join(&mut self, other: Self) {
        for (state, times) in other.times {
            self.times.entry(state).or_default().extend(times);
        }
        for (state, answers) in other.answers {
            self.answers.entry(state).or_default().extend(answers);
        }
    }

    /// How many answers there are.
    pub(super) fn count(&self) -> usize {
        self.times.values().map(Vec::len).sum()
    }

    /// Puts a difference in.
    pub(super) fn plant(&mut self, plant: Plant, groups: &[&[State]]) {
        for state in groups.iter().filter_map(|group| group.get(1)) {
            match plant {
                Plant::Time => {
                    let times = self.times.entry(*state).or_default().iter_mut();
                    times.for_each(|time| *time += PLANTED.as_secs_f64() * 1000.0);
                }
                Plant::Bytes => {
                    let answers = self.answers.entry(*state).or_default();
                    answers.insert(b"HTTP/1.1 202 Accepted\r\nx-planted: yes\r\n\r\n".to_vec());
                }
            }
        }
    }

    /// Prints the table; what differs.
    pub(super) fn verdict(&mut self, groups: &[(&str, &[State])]) -> Vec<String> {
        let mut differ = Vec::new();
        self.times
            .values_mut()
            .for_each(|times| times.sort_by(f64::total_cmp));
        let rows: Vec<(&str, Vec<Row>)> = groups
            .iter()
            .map(|(name, states)| (*name, self.rows(states)))
            .collect();
        let all = rows
            .iter()
            .flat_map(|(_, rows)| rows)
            .filter_map(|row| row.beside);
        let corrected = holm(&all.flat_map(|it| [it.order, it.shape]).collect::<Vec<_>>());
        let mut corrected = corrected.chunks_exact(2);
        for ((name, states), (_, rows)) in groups.iter().zip(&rows) {
            differ.extend(self.bytes(name, states));
            say(&format!("\n{name}"));
            say(&format!(
                "{:<30}{:>8}{:>9}{:>9}{:>9}{:>10}{:>10}{:>10}",
                "", "answers", "p50 ms", "p90 ms", "p99 ms", "P(later)", "order p", "shape p"
            ));
            for row in rows {
                let p = row.beside.and_then(|_| corrected.next());
                differ.extend(self.line(name, row, p));
            }
        }
        differ
    }

    fn rows(&self, states: &[State]) -> Vec<Row> {
        let of = |state: &State| self.times.get(state).filter(|it| !it.is_empty());
        let first = states.first().and_then(of);
        let rows = states.iter().zip(0..).map(|(&state, place)| {
            let both = first.zip(of(&state)).filter(|_| place > 0);
            let beside = both.map(|(first, other)| compared(other, first));
            Row { state, beside }
        });
        rows.collect()
    }

    fn bytes(&self, name: &str, states: &[State]) -> Option<String> {
        let kinds: BTreeSet<_> = states
            .iter()
            .filter_map(|it| self.answers.get(it))
            .flatten()
            .collect();
        (kinds.len() != 1).then(|| {
            let shown = kinds
                .iter()
                .map(|it| format!("{:?}", String::from_utf8_lossy(it)));
            let shown = shown.collect::<Vec<_>>().join("\n");
            format!("{name}: answers of {} kinds\n{shown}", kinds.len())
        })
    }

    fn line(&self, name: &str, row: &Row, p: Option<&[f64]>) -> Option<String> {
        let empty = Vec::new();
        let times = self.times.get(&row.state).unwrap_or(&empty);
        let [p50, p90, p99] = [50, 90, 99].map(|it| percentile(times, it));
        let mut text = format!(
            "{:<30}{:>8}{p50:>9.3}{p90:>9.3}{p99:>9.3}",
            row.state.name(),
            times.len()
        );
        let (Some(beside), Some(&[order, shape])) = (row.beside, p) else {
            say(&text);
            return None;
        };
        let differs = order.min(shape) < SIGNIFICANT;
        text.push_str(&format!(
            "{:>10.4}{order:>10.4}{shape:>10.4}",
            beside.superiority
        ));
        say(&format!("{text}{}", if differs { "  DIFFERS" } else { "" }));
        differs.then(|| format!("{name}: the times of: {}", row.state.name()))
    }
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn say(line: &str) {
    println!("{line}");
}

#[cfg(test)]
mod tests {
    use super::{Answer, Findings, Plant};
    use crate::closure::scene::{GRANTS, State};
    use std::time::Duration;

    fn filled(slower: u64) -> Findings {
        let mut findings = Findings::default();
        for n in 0..3000_u64 {
            for state in [State::Live, State::WrongTag] {
                let late = if state == State::WrongTag { slower } else { 0 };
                let noise = n.wrapping_mul(2_654_435_761) % 1000;
                let answer = Answer {
                    bytes: b"HTTP/1.1 202 Accepted\r\n\r\n".to_vec(),
                    took: Duration::from_micros(500 + noise + late),
                };
                findings.take(state, &answer);
            }
        }
        findings
    }

    #[test]
    fn equal_answers_pass_and_planted_differences_do_not() {
        let groups: [(&str, &[State]); 1] = [("grants", GRANTS)];
        assert_eq!(filled(0).verdict(&groups), Vec::<String>::new());
        assert_eq!(filled(60).verdict(&groups).len(), 1);
        for plant in [Plant::Time, Plant::Bytes] {
            let mut findings = filled(0);
            findings.plant(plant, &[GRANTS]);
            assert_eq!(findings.verdict(&groups).len(), 1, "{plant:?}");
        }
    }
}
