//! What was measured, as lines of JSON on standard output.

use serde_json::json;

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Aim {
    /// The value at least.
    AtLeast(f64),
    /// The value at most.
    AtMost(f64),
    /// The ratio at least.
    RatioAtLeast(f64),
}

/// One figure of one part of the table.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    part: String,
    name: String,
    value: f64,
    unit: &'static str,
    ratio: Option<f64>,
    aim: Option<Aim>,
}

impl Figure {
    /// A figure without anything to hold it against.
    pub(crate) fn new(part: &str, name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            part: part.to_owned(),
            name: name.into(),
            value,
            unit,
            ratio: None,
            aim: None,
        }
    }

    /// Held against the raw engine's value of the same run.
    #[must_use]
    pub(crate) fn against(mut self, raw: f64) -> Self {
        self.ratio = Some(self.value / raw);
        self
    }

    /// With what it should be.
    #[must_use]
    pub(crate) fn aiming(mut self, aim: Aim) -> Self {
        self.aim = Some(aim);
        self
    }

    /// Says it.
    #[expect(clippy::print_stdout, reason = "figures are what this program is for")]
    pub(crate) fn print(&self) {
        let aim = self.aim.map(|aim| {
            let (text, met) = match aim {
                Aim::AtLeast(least) => (format!("≥ {least}"), self.value >= least),
                Aim::AtMost(most) => (format!("≤ {most}"), self.value <= most),
                Aim::RatioAtLeast(least) => (
                    format!("ratio ≥ {least}"),
                    self.ratio.is_some_and(|ratio| ratio >= least),
                ),
            };
            json!({"is": text, "met": met})
        });
        let line = json!({
            "part": self.part, "name": self.name, "value": self.value, "unit": self.unit,
            "ratio": self.ratio, "aim": aim,
        });
        println!("{line}");
    }
}

/// The middle one; rounds differ by what else the machine does.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The value that so many of a hundred do not exceed; `sorted` is.
pub(crate) fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}
