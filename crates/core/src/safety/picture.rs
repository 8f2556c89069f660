//! A safety code in a picture that the user chose or a camera took. What is in the picture may be
//! anybody's doing: size and effort are bounded before it is decoded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::imageops::thumbnail;
use image::{DynamicImage, GrayImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};
use rqrr::PreparedImage;
use sotto_wire::safety_number::{SafetyCode, SafetyCodeError};
use std::io::Cursor;

/// The largest file, in bytes.
pub(crate) const MAX_BYTES: usize = 8 * 1024 * 1024;
/// The largest side, in pixels.
const MAX_SIDE: u32 = 8192;
/// The largest area, in pixels.
const MAX_PIXELS: u64 = 25_000_000;
/// What decoding may allocate, in bytes.
const MAX_ALLOC: u64 = 128 * 1024 * 1024;
/// A code is first looked for in a picture of this size: a photograph has far more pixels than it
/// takes, and their noise hides it.
const ENOUGH: u32 = 1400;

/// Why a picture cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PictureError {
    /// Neither a PNG nor a JPEG, or a broken one.
    #[error("not a readable PNG or JPEG picture")]
    Unreadable,
    /// More bytes or pixels than are looked at.
    #[error("the picture is too large")]
    TooLarge,
}

impl PictureError {
    /// Stable code for the user interface.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "safety.picture_unreadable",
            Self::TooLarge => "safety.picture_too_large",
        }
    }
}

/// What a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// A safety code.
    Code(SafetyCode),
    /// A safety code of another version.
    OtherVersion,
    /// A QR code that is something else.
    NotACode,
    /// No QR code that can be read.
    Nothing,
}

/// Looks for a code in a PNG or JPEG file, given in base64.
pub(crate) fn find(base64: &str) -> Result<Found, PictureError> {
    if base64.len() > MAX_BYTES.div_ceil(3) * 4 {
        return Err(PictureError::TooLarge);
    }
    let bytes = STANDARD
        .decode(base64)
        .map_err(|_| PictureError::Unreadable)?;
    let full = decode(&bytes)?;
    let (width, height) = full.dimensions();
    let longest = width.max(height);
    if longest <= ENOUGH {
        return Ok(read(full));
    }
    let scaled = |side: u32| (side * ENOUGH / longest).max(1);
    match read(thumbnail(&full, scaled(width), scaled(height))) {
        // It may be small in a large picture.
        Found::Nothing => Ok(read(full)),
        found => Ok(found),
    }
}

fn decode(bytes: &[u8]) -> Result<GrayImage, PictureError> {
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|_| PictureError::Unreadable)?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err(PictureError::Unreadable);
    }
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|error| refused(&error))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(PictureError::TooLarge);
    }
    let image = DynamicImage::from_decoder(decoder).map_err(|error| refused(&error))?;
    Ok(image.into_luma8())
}

fn refused(error: &image::ImageError) -> PictureError {
    match error {
        image::ImageError::Limits(_) => PictureError::TooLarge,
        _ => PictureError::Unreadable,
    }
}

/// The first safety code; else the most that can be said of what else is there.
fn read(image: GrayImage) -> Found {
    let mut found = Found::Nothing;
    let (width, height) = (image.width() as usize, image.height() as usize);
    let pixels = image.into_raw();
    let luminance = |x, y| pixels.get(y * width + x).copied().unwrap_or(u8::MAX);
    let mut image = PreparedImage::prepare_from_greyscale(width, height, luminance);
    for grid in image.detect_grids() {
        let mut bytes = Vec::new();
        if grid.decode_to(&mut bytes).is_err() {
            continue;
        }
        match SafetyCode::decode(&bytes) {
            Ok(code) => return Found::Code(code),
            Err(SafetyCodeError::OtherVersion) => found = Found::OtherVersion,
            Err(SafetyCodeError::NotACode) if found == Found::Nothing => found = Found::NotACode,
            Err(SafetyCodeError::NotACode) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests;
