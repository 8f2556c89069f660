//! What is printed.

/// Prints a line.
#[expect(clippy::print_stdout, reason = "a program for people to read")]
pub fn say(line: &str) {
    println!("{line}");
}

/// Prints a line about something that is wrong.
#[expect(clippy::print_stderr, reason = "a program for people to read")]
pub fn complain(line: &str) {
    eprintln!("{line}");
}
