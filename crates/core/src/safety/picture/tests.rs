use super::*;
use image::{DynamicImage, Luma};
use qrcode::{Color, EcLevel, QrCode};
use sotto_wire::did::Did;
use sotto_wire::key::SigningKey;
use sotto_wire::safety_number::Side;

fn code() -> SafetyCode {
    let side = |name: &str, seed| {
        let did = Did::parse(&format!("did:web:{name}.example")).unwrap();
        Side::of(&did, &SigningKey::from_seed(&[seed; 32]).public())
    };
    SafetyCode {
        from: side("alice", 1),
        to: side("bob", 2),
    }
}

/// A grey wall of this size with a QR code on it, as a camera might see it.
fn photograph(bytes: &[u8], size: (u32, u32), at: (u32, u32), module: u32) -> GrayImage {
    let qr = QrCode::with_error_correction_level(bytes, EcLevel::M).unwrap();
    let (width, modules) = (qr.width() as i64, qr.into_colors());
    GrayImage::from_fn(size.0, size.1, |x, y| {
        let place = |p: u32, from: u32| (i64::from(p) - i64::from(from)).div_euclid(module.into());
        let (column, row) = (place(x, at.0), place(y, at.1));
        let on_paper = |p: i64| (-4..width + 4).contains(&p);
        let inside = |p: i64| (0..width).contains(&p);
        let grain = (x * 7 + y * 13) % 9;
        let level = match () {
            () if inside(column) && inside(row) => match modules[(row * width + column) as usize] {
                Color::Dark => 30,
                Color::Light => 225,
            },
            () if on_paper(column) && on_paper(row) => 225,
            () => 140 + (x + y) * 40 / (size.0 + size.1),
        };
        Luma([(level + grain) as u8])
    })
}

fn file(image: GrayImage, format: ImageFormat) -> String {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(image)
        .write_to(&mut bytes, format)
        .unwrap();
    STANDARD.encode(bytes.into_inner())
}

/// The picture that another device draws from what it is told to.
fn drawn(code: &SafetyCode) -> GrayImage {
    let drawing = crate::safety::drawing::draw(code).unwrap();
    let mut dark = vec![false; drawing.size * drawing.size];
    for run in drawing.path.split('M').skip(1) {
        let numbers: Vec<usize> = run
            .split(|it: char| !it.is_ascii_digit())
            .filter_map(|it| it.parse().ok())
            .collect();
        for x in 0..numbers[2] {
            dark[numbers[1] * drawing.size + numbers[0] + x] = true;
        }
    }
    let side = drawing.size as u32;
    GrayImage::from_fn((side + 8) * 5, (side + 8) * 5, |x, y| {
        let (x, y) = ((x / 5).wrapping_sub(4), (y / 5).wrapping_sub(4));
        let is_dark = x < side && y < side && dark[(y * side + x) as usize];
        Luma([if is_dark { 0 } else { 255 }])
    })
}

#[test]
fn what_one_device_draws_another_reads() {
    let image = drawn(&code());
    assert_eq!(image.width(), (41 + 8) * 5, "always of the same size");
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        assert_eq!(find(&file(image.clone(), format)), Ok(Found::Code(code())));
    }
}

#[test]
fn a_photograph_is_read_and_so_is_a_small_code_in_a_large_one() {
    let bytes = code().encode();
    let near = photograph(&bytes, (640, 480), (170, 60), 7);
    assert_eq!(
        find(&file(near, ImageFormat::Jpeg)),
        Ok(Found::Code(code()))
    );
    let far = photograph(&bytes, (2800, 1400), (2100, 900), 3);
    let scaled = thumbnail(&far, ENOUGH, ENOUGH / 2);
    assert_eq!(read(scaled), Found::Nothing, "too small when scaled");
    assert_eq!(find(&file(far, ImageFormat::Jpeg)), Ok(Found::Code(code())));
}

#[test]
fn what_is_not_a_code_is_told_apart() {
    let mut newer = code().encode();
    newer[5] = 9;
    let url: &[u8] = b"https://sotto.chat/";
    for (bytes, expected) in [(&newer[..], Found::OtherVersion), (url, Found::NotACode)] {
        let image = photograph(bytes, (640, 480), (170, 60), 7);
        assert_eq!(find(&file(image, ImageFormat::Png)), Ok(expected));
    }
    let wall = GrayImage::from_pixel(300, 200, Luma([140]));
    assert_eq!(find(&file(wall, ImageFormat::Png)), Ok(Found::Nothing));
    let dot = GrayImage::from_pixel(1, 1, Luma([0]));
    assert_eq!(find(&file(dot, ImageFormat::Png)), Ok(Found::Nothing));
}

#[test]
fn what_is_not_a_picture_is_refused() {
    let png = STANDARD
        .decode(file(drawn(&code()), ImageFormat::Png))
        .unwrap();
    let cut = &png[..png.len() / 2];
    let gif = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;";
    for bytes in [&b""[..], b"hello", gif, cut] {
        assert_eq!(
            find(&STANDARD.encode(bytes)),
            Err(PictureError::Unreadable),
            "{} bytes",
            bytes.len()
        );
    }
    assert_eq!(find("not base64!"), Err(PictureError::Unreadable));
}

/// A PNG whose header promises this many pixels and that ends there.
fn promising(width: u32, height: u32) -> String {
    let mut ihdr = b"IHDR".to_vec();
    ihdr.extend(width.to_be_bytes());
    ihdr.extend(height.to_be_bytes());
    ihdr.extend([8, 6, 0, 0, 0]);
    let mut crc = u32::MAX;
    for byte in &ihdr {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let bit = crc & 1;
            crc >>= 1;
            crc ^= bit * 0xedb8_8320;
        }
    }
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    png.extend(ihdr);
    png.extend((!crc).to_be_bytes());
    png.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    STANDARD.encode(png)
}

#[test]
fn too_large_is_known_before_it_is_decoded() {
    for (width, height) in [(60_000, 60_000), (8193, 1), (1, 8193), (8000, 8000)] {
        let large = find(&promising(width, height));
        assert_eq!(large, Err(PictureError::TooLarge), "{width} × {height}");
    }
    assert_eq!(find(&promising(9, 9)), Err(PictureError::Unreadable));
    let heavy = "A".repeat(MAX_BYTES / 3 * 4 + 8);
    assert_eq!(find(&heavy), Err(PictureError::TooLarge));
}
