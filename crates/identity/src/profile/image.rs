//! Pictures that may be shown.

use std::fmt;

/// A picture of a kind that the app shows, at most 1 MB.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    /// `image/png`, `image/jpeg` or `image/webp`.
    pub mime: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Image {
    /// Tells the kind by the first bytes: what the server calls it may be anything, and a kind that
    /// can carry scripts (SVG) must not reach the web view under another name.
    #[must_use]
    pub fn sniff(bytes: Vec<u8>) -> Option<Self> {
        let mime = match bytes.as_slice() {
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => "image/png",
            [0xff, 0xd8, 0xff, ..] => "image/jpeg",
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => "image/webp",
            _ => return None,
        };
        Some(Self { mime, bytes })
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Image({}, {} bytes)",
            self.mime,
            self.bytes.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_kinds_by_their_first_bytes() {
        let mime = |bytes: &[u8]| Image::sniff(bytes.to_vec()).map(|image| image.mime);
        assert_eq!(mime(b"\x89PNG\r\n\x1a\n"), Some("image/png"));
        assert_eq!(mime(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
        assert_eq!(mime(b"RIFF\x01\x02\x03\x04WEBPVP8 "), Some("image/webp"));
        for other in [
            &b""[..],
            b"<svg>",
            b"GIF89a",
            b"\x89PNG",
            b"RIFF1234WAVE",
            b"\xff\xd8",
        ] {
            assert_eq!(mime(other), None);
        }
    }
}
