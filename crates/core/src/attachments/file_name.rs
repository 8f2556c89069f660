//! Names of files that somebody else chose: safe to show and to save under.

/// The longest name in bytes; file systems end at 255, and a number may be added.
const MAX: usize = 200;
/// What follows the last dot, if it is to survive a cut.
const MAX_EXTENSION: usize = 20;
/// Names that are devices, on Windows.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// What of a name can be kept; `file` where that is nothing.
pub(crate) fn safe(name: &str) -> String {
    let kept: String = name
        .chars()
        .filter(|c| !is_invisible(*c))
        .map(plain)
        .collect();
    let kept = kept.trim_matches(is_loose);
    if kept.is_empty() {
        return "file".to_owned();
    }
    if is_device(kept) {
        return cut(&format!("_{kept}"));
    }
    cut(kept)
}

/// What hides a file at the start of its name, and what Windows drops at the end.
fn is_loose(c: char) -> bool {
    c == '.' || c.is_whitespace()
}

/// Controls, and what changes the direction of text or cannot be seen: with those, `exe.txt` can
/// be a program.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn plain(c: char) -> char {
    if matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|') {
        '_'
    } else {
        c
    }
}

fn cut(name: &str) -> String {
    if name.len() <= MAX {
        return name.to_owned();
    }
    let extension = name
        .rfind('.')
        .and_then(|at| name.get(at..))
        .filter(|extension| extension.len() <= MAX_EXTENSION)
        .unwrap_or_default();
    let mut end = MAX - extension.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let start = name.get(..end).unwrap_or_default();
    let start = start.trim_end_matches(is_loose);
    format!("{start}{extension}")
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let stem = stem.to_ascii_lowercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix)
            .is_some_and(|rest| rest.chars().count() == 1 && rest != "0")
    };
    DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

/// What follows the last dot, in lower case.
pub(crate) fn extension(name: &str) -> String {
    name.rsplit_once('.')
        .map(|(_, extension)| extension.trim().to_lowercase())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_to_save_under() {
        for (name, expected) in [
            ("photo.jpg", "photo.jpg"),
            ("Ärger im Büro.pdf", "Ärger im Büro.pdf"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("..\\..\\boot.ini", "_.._boot.ini"),
            ("/etc/passwd", "_etc_passwd"),
            (".bashrc", "bashrc"),
            ("...", "file"),
            ("", "file"),
            (" . ", "file"),
            ("a\0b\nc", "abc"),
            ("harmless\u{202e}txt.exe", "harmlesstxt.exe"),
            ("C:evil", "C_evil"),
            ("con", "_con"),
            ("NUL.txt", "_NUL.txt"),
            ("com1 .log", "_com1 .log"),
            ("lpt9", "_lpt9"),
            ("command.txt", "command.txt"),
            ("trailing. . ", "trailing"),
        ] {
            assert_eq!(safe(name), expected, "{name:?}");
        }
    }

    #[test]
    fn long_names_are_cut_and_keep_their_extension() {
        let name = safe(&format!("{}.jpeg", "ü".repeat(500)));
        assert!(name.len() <= MAX && name.ends_with("ü.jpeg"), "{name}");
        for name in [
            "x".repeat(1000),
            format!("{}..{}", "x".repeat(198), "y".repeat(100)),
            format!("con.{}", "x".repeat(1000)),
        ] {
            let safe_name = safe(&name);
            assert!(
                safe_name.len() <= MAX && !safe_name.ends_with('.'),
                "{safe_name}"
            );
            assert_eq!(safe(&safe_name), safe_name);
        }
    }
}
