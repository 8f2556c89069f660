//! Small pictures of pictures, made on this machine from its own copy. A picture may be anybody's
//! doing: size and effort are bounded before it is decoded.

use crate::db::attachments::Thumbnail;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

/// The largest file that is looked at, in bytes.
pub(crate) const MAX_FILE: u64 = 32 * 1024 * 1024;
/// The longer side, in pixels.
const SIDE: u32 = 320;
/// The largest thumbnail, in bytes.
const MAX_BYTES: usize = 32 * 1024;
/// The largest side of a picture, in pixels.
const MAX_SIDE: u32 = 16_384;
/// The largest area, in pixels.
const MAX_PIXELS: u64 = 64_000_000;
/// What decoding may allocate, in bytes.
const MAX_ALLOC: u64 = 320 * 1024 * 1024;
/// Each is tried until the thumbnail is small enough.
const QUALITIES: [u8; 4] = [80, 60, 40, 20];

/// Whether a picture of that type can be made small.
pub(crate) fn is_picture(mime: &str) -> bool {
    matches!(
        mime,
        "image/png" | "image/jpeg" | "image/gif" | "image/webp"
    )
}

/// The thumbnail of a PNG, JPEG, GIF or WebP picture, turned as its EXIF says; of a moving one, its
/// first frame. `None` for everything else, what is broken, and what is too large.
pub(crate) fn of(bytes: &[u8]) -> Option<Thumbnail> {
    // A picture that makes its decoder panic is a broken one.
    std::panic::catch_unwind(|| made(bytes)).unwrap_or_default()
}

fn made(bytes: &[u8]) -> Option<Thumbnail> {
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .ok()?;
    let known = [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Gif,
        ImageFormat::WebP,
    ];
    known.contains(&reader.format()?).then_some(())?;
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return None;
    }
    let orientation = decoder.orientation().ok();
    let mut image = DynamicImage::from_decoder(decoder).ok()?;
    if image.width() > SIDE || image.height() > SIDE {
        image = image.thumbnail(SIDE, SIDE);
    }
    let (mut width, mut height) = (width, height);
    if let Some(orientation) = orientation {
        let lying = image.width() >= image.height();
        image.apply_orientation(orientation);
        if lying != (image.width() >= image.height()) {
            (width, height) = (height, width);
        }
    }
    let jpeg = QUALITIES
        .iter()
        .find_map(|quality| encoded(&image, *quality))?;
    Some(Thumbnail {
        jpeg,
        width,
        height,
    })
}

fn encoded(image: &DynamicImage, quality: u8) -> Option<Vec<u8>> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, quality)
        .encode_image(&on_white(image))
        .ok()?;
    (jpeg.len() <= MAX_BYTES).then_some(jpeg)
}

/// JPEG knows no transparency.
fn on_white(image: &DynamicImage) -> DynamicImage {
    let mut pixels = image.to_rgba8();
    for image::Rgba([r, g, b, alpha]) in pixels.pixels_mut() {
        let over = |colour: u8| {
            let mixed = u32::from(colour) * u32::from(*alpha) + 255 * (255 - u32::from(*alpha));
            u8::try_from(mixed / 255).unwrap_or(u8::MAX)
        };
        (*r, *g, *b) = (over(*r), over(*g), over(*b));
    }
    DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(pixels).into_rgb8())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgba, RgbaImage};

    fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let noise = |x: u32, y: u32| (x.wrapping_mul(7919) ^ y.wrapping_mul(104_729)) as u8;
        let image = RgbaImage::from_fn(width, height, |x, y| {
            Rgba([noise(x, y), noise(y, x), noise(x, x), 200])
        });
        let image = DynamicImage::ImageRgba8(image);
        let image = match format {
            ImageFormat::Jpeg => DynamicImage::ImageRgb8(image.into_rgb8()),
            _ => image,
        };
        let mut bytes = Vec::new();
        image
            .write_to(&mut Cursor::new(&mut bytes), format)
            .unwrap();
        bytes
    }

    #[test]
    fn pictures_become_small() {
        for format in [
            ImageFormat::Png,
            ImageFormat::Jpeg,
            ImageFormat::Gif,
            ImageFormat::WebP,
        ] {
            let made = of(&picture(400, 200, format)).unwrap();
            assert_eq!((made.width, made.height), (400, 200));
            assert!(made.jpeg.len() <= MAX_BYTES);
            let small = image::load_from_memory(&made.jpeg).unwrap();
            assert_eq!((small.width(), small.height()), (320, 160));
        }
        let tiny = of(&picture(3, 2, ImageFormat::Png)).unwrap();
        let small = image::load_from_memory(&tiny.jpeg).unwrap();
        assert_eq!((small.width(), small.height()), (3, 2));
    }

    #[test]
    fn a_picture_is_turned_as_its_exif_says() {
        let jpeg = picture(640, 320, ImageFormat::Jpeg);
        // An EXIF segment with orientation 6: to be turned by 90 degrees.
        let mut exif =
            b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
        let len = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        let mut turned = jpeg[..2].to_vec();
        turned.extend([0xff, 0xe1]);
        turned.extend(len);
        turned.append(&mut exif);
        turned.extend(&jpeg[2..]);
        let made = of(&turned).unwrap();
        assert_eq!((made.width, made.height), (320, 640));
        let small = image::load_from_memory(&made.jpeg).unwrap();
        assert_eq!((small.width(), small.height()), (160, 320));
    }

    #[test]
    fn what_is_no_picture_or_a_trap_has_none() {
        assert!(of(b"").is_none());
        assert!(of(b"<svg/>").is_none());
        let png = picture(100, 100, ImageFormat::Png);
        assert!(of(&png[..60]).is_none());
        // A header that announces 60000 times 60000 pixels.
        let mut bomb = png.clone();
        bomb[16..20].copy_from_slice(&60_000u32.to_be_bytes());
        bomb[20..24].copy_from_slice(&60_000u32.to_be_bytes());
        assert!(of(&bomb).is_none());
    }
}
