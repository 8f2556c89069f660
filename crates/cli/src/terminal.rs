//! What is written and asked where a person, or a script, can see it.

use std::fmt::Display;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

/// One line on standard output.
pub(crate) fn say(line: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// One line on standard error.
pub(crate) fn complain(line: impl Display) {
    // With nobody to complain to there is nothing else to do.
    let _ = writeln!(io::stderr(), "sotto: {line}");
}

/// A secret, typed unseen; where there is no terminal, the first line of standard input.
pub(crate) fn ask_secret(question: &str) -> io::Result<String> {
    if io::stdin().is_terminal() {
        return rpassword::prompt_password(question);
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A text from a peer, made safe for a terminal: it could hold escape sequences.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && !matches!(c, '\n' | '\t') {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_taken_apart() {
        assert_eq!(
            printable("a\x1b[2Jb\r\tc\nd"),
            "a\u{fffd}[2Jb\u{fffd}\tc\nd"
        );
    }
}
