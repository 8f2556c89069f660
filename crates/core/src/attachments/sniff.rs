//! Of what type a file is, by its bytes. A name's ending is never trusted to be harmless, and always
//! to be harmful.

use super::file_name::extension;

/// How much of a file is looked at, in bytes.
pub(crate) const HEAD: usize = 8192;
/// What nothing is known about.
pub(crate) const UNKNOWN: &str = "application/octet-stream";
/// The longest type that is taken from a message, in bytes.
const MAX: usize = 100;

/// Endings of what a system runs, installs, or shows with scripts.
const HARMFUL: &[&str] = &[
    "apk",
    "app",
    "appimage",
    "application",
    "appref-ms",
    "bash",
    "bat",
    "bin",
    "cmd",
    "com",
    "command",
    "cpl",
    "csh",
    "deb",
    "desktop",
    "dll",
    "dmg",
    "docm",
    "dylib",
    "elf",
    "exe",
    "flatpakref",
    "gadget",
    "hta",
    "htm",
    "html",
    "htmlz",
    "img",
    "inf",
    "ins",
    "iso",
    "jar",
    "jnlp",
    "js",
    "jse",
    "ksh",
    "lnk",
    "mht",
    "mhtml",
    "mjs",
    "msc",
    "msi",
    "msix",
    "msp",
    "mst",
    "pif",
    "pkg",
    "pl",
    "potm",
    "ppsm",
    "pptm",
    "ps1",
    "psm1",
    "py",
    "pyw",
    "rb",
    "reg",
    "rpm",
    "run",
    "scf",
    "scr",
    "scpt",
    "sct",
    "settingcontent-ms",
    "sh",
    "shtml",
    "snap",
    "so",
    "svg",
    "svgz",
    "sys",
    "terminal",
    "url",
    "vb",
    "vbe",
    "vbs",
    "webloc",
    "workflow",
    "ws",
    "wsc",
    "wsf",
    "wsh",
    "xht",
    "xhtml",
    "xlam",
    "xll",
    "xlsm",
    "xltm",
    "zsh",
];

/// The same, by type.
const HARMFUL_TYPES: &[&str] = &[
    "application/ecmascript",
    "application/hta",
    "application/java-archive",
    "application/javascript",
    "application/vnd.android.package-archive",
    "application/vnd.appimage",
    "application/vnd.debian.binary-package",
    "application/vnd.microsoft.portable-executable",
    "application/xhtml+xml",
    "image/svg+xml",
    "message/rfc822",
    "multipart/related",
    "text/ecmascript",
    "text/html",
    "text/javascript",
    "text/x-python",
    "text/x-shellscript",
];

/// The type of what begins with these bytes.
pub(crate) fn mime(head: &[u8]) -> &'static str {
    if let Some(found) = infer::get(head) {
        return found.mime_type();
    }
    let Some(text) = text(head) else {
        return UNKNOWN;
    };
    let start = text.trim_start().to_ascii_lowercase();
    if start.contains("<svg") {
        "image/svg+xml"
    } else if start.starts_with("<!doctype html")
        || start.contains("<html")
        || start.contains("<script")
    {
        "text/html"
    } else if start.starts_with("#!") {
        "text/x-shellscript"
    } else {
        "text/plain"
    }
}

/// The bytes as text, if that is what they are; the end may be cut in the middle of a character.
fn text(head: &[u8]) -> Option<&str> {
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\x0c');
    (!valid.is_empty() && !valid.contains(control)).then_some(valid)
}

/// What a message says a type is, if it is a type at all.
pub(crate) fn declared(mime: &str) -> String {
    let bare = mime.split(';').next().unwrap_or_default().trim();
    let token = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    let valid = bare.len() <= MAX
        && bare
            .split_once('/')
            .is_some_and(|(kind, sub)| token(kind) && token(sub));
    if valid {
        bare.to_ascii_lowercase()
    } else {
        UNKNOWN.to_owned()
    }
}

/// Whether opening a file of that name and type may run something.
pub(crate) fn is_dangerous(name: &str, mime: &str) -> bool {
    HARMFUL.contains(&extension(name).as_str())
        || HARMFUL_TYPES.contains(&mime)
        || mime.contains("executable")
        || mime.contains("x-mach-binary")
        || mime.contains("x-elf")
        || mime.contains("x-ms")
        || mime.contains("x-sh")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_from_the_bytes() {
        for (head, expected) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
            (b"GIF89a\x01\0\x01\0", "image/gif"),
            (b"%PDF-1.7\n", "application/pdf"),
            (b"PK\x03\x04\x14\0\0\0\x08\0", "application/zip"),
            (b"hello, world", "text/plain"),
            ("gr\u{fc}\u{df} gott".as_bytes(), "text/plain"),
            (&"\u{fc}".as_bytes()[..1], UNKNOWN),
            (b"<svg xmlns='x' onload='alert(1)'/>", "image/svg+xml"),
            (b"\0\x01\x02\x03", UNKNOWN),
            (b"", UNKNOWN),
        ] {
            assert_eq!(mime(head), expected, "{head:?}");
        }
        let cut = "\u{20ac}\u{20ac}".as_bytes();
        assert_eq!(mime(&cut[..4]), "text/plain");
    }

    #[test]
    fn what_may_run_something_is_named() {
        let script = mime(b"#!/bin/sh\nrm -rf /\n");
        let page = mime(b"<!DOCTYPE html><html><script>");
        let program = mime(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        for mime in [script, page, program, "image/svg+xml"] {
            assert!(is_dangerous("holiday.jpg", mime), "{mime}");
        }
        for name in [
            "a.exe",
            "a.jpg.EXE",
            "a.desktop",
            "a.svg",
            "a.html",
            "a.scr ",
        ] {
            assert!(is_dangerous(name, UNKNOWN), "{name}");
        }
        for (name, mime) in [
            ("a.jpg", "image/jpeg"),
            ("a.pdf", "application/pdf"),
            ("a", "text/plain"),
        ] {
            assert!(!is_dangerous(name, mime), "{name}");
        }
    }

    #[test]
    fn what_a_message_says_is_a_type_or_nothing() {
        assert_eq!(declared("Image/PNG; x=y"), "image/png");
        for odd in [
            "",
            "image",
            "image/",
            "/png",
            "a/b/c",
            "a b/c",
            "<script>/x",
            "\u{202e}/x",
        ] {
            assert_eq!(declared(odd), UNKNOWN, "{odd}");
        }
        assert_eq!(declared(&format!("image/{}", "x".repeat(200))), UNKNOWN);
    }
}
