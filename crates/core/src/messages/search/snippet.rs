//! What is shown of a message that was found.

use crate::db::search_index::{CLOSE, OPEN, SEPARATOR};

/// Characters of a snippet.
const LENGTH: usize = 160;
/// How many of them stand before the first match at most.
const LEAD: usize = 40;

/// A part of a message, on one line, with what was looked for marked in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snippet {
    /// The part.
    pub text: String,
    /// What to mark, ascending.
    pub marks: Vec<Mark>,
}

/// A range of a text in UTF-16 code units, which is how JavaScript counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Where it begins.
    pub start: u32,
    /// Where it ends, not included.
    pub end: u32,
}

impl Snippet {
    /// Reads what FTS5 cut out, with its matches between [`OPEN`] and [`CLOSE`].
    pub(super) fn parse(raw: &str) -> Self {
        let mut marked: Vec<(char, bool)> = Vec::new();
        let mut inside = false;
        for c in raw.chars() {
            match c {
                OPEN => inside = true,
                CLOSE => inside = false,
                SEPARATOR => {}
                c if c.is_whitespace() || c.is_control() => {
                    if marked.last().is_some_and(|(last, _)| *last != ' ') {
                        marked.push((' ', inside));
                    }
                }
                c => marked.push((c, inside)),
            }
        }
        let first = marked.iter().position(|(_, inside)| *inside).unwrap_or(0);
        let from = if marked.len() > LENGTH {
            first.saturating_sub(LEAD).min(marked.len() - LENGTH)
        } else {
            0
        };
        let to = marked.len().min(from + LENGTH);
        let (cut_before, cut_after) = (from > 0, to < marked.len());
        let ellipsis = |cut: bool| cut.then_some(('…', false));
        let shown = marked.into_iter().skip(from).take(to - from);
        Self::of(
            ellipsis(cut_before)
                .into_iter()
                .chain(shown)
                .chain(ellipsis(cut_after)),
        )
    }

    fn of(marked: impl Iterator<Item = (char, bool)>) -> Self {
        let mut snippet = Self::default();
        let mut at = 0;
        for (c, inside) in marked {
            let end = at + if c.len_utf16() == 2 { 2 } else { 1 };
            if inside {
                match snippet.marks.last_mut() {
                    Some(mark) if mark.end == at => mark.end = end,
                    _ => snippet.marks.push(Mark { start: at, end }),
                }
            }
            snippet.text.push(c);
            at = end;
        }
        snippet
    }
}
