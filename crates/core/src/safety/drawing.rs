//! A safety code as a QR code to be drawn.

use qrcode::types::QrError;
use qrcode::{Color, EcLevel, QrCode, Version};
use sotto_wire::safety_number::SafetyCode;
use std::fmt::Write as _;

/// Holds 106 bytes at error correction level M: a safety code and no more, so that every code has
/// the same size.
const VERSION: Version = Version::Normal(6);

/// A square of modules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Drawing {
    /// Modules of one side, without the quiet zone.
    pub(crate) size: usize,
    /// The dark modules, each a unit square: data of an SVG path.
    pub(crate) path: String,
}

/// Draws a code.
pub(crate) fn draw(code: &SafetyCode) -> Result<Drawing, QrError> {
    let code = QrCode::with_version(code.encode(), VERSION, EcLevel::M)?;
    let (size, colors) = (code.width(), code.into_colors());
    let mut path = String::new();
    for (y, row) in colors.chunks(size).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(PartialEq::eq) {
            if run.first() == Some(&Color::Dark) {
                let length = run.len();
                // Writing to a string cannot fail.
                let _ = write!(path, "M{x} {y}h{length}v1h-{length}z");
            }
            x += run.len();
        }
    }
    Ok(Drawing { size, path })
}
