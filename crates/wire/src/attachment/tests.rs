use super::*;
use crate::cbor;
use crate::domain::Domain;

fn key() -> AttachmentKey {
    AttachmentKey::from_bytes([7; 32])
}

fn pieces() -> Pieces {
    Pieces::new(&key(), &[1; NONCE])
}

#[test]
fn a_piece_opens_at_its_place_only() {
    let pieces = pieces();
    let full = vec![5; PIECE];
    let sealed = pieces.seal(3, false, &full).unwrap();
    assert_eq!(sealed.len(), MAX_OBJECT);
    assert_eq!(pieces.open(3, false, PIECE, &sealed).unwrap(), full);
    assert_eq!(
        pieces.open(2, false, PIECE, &sealed),
        Err(AttachmentError::Piece)
    );
    // Cut off behind this piece, the file would end here.
    assert_eq!(
        pieces.open(3, true, PIECE, &sealed),
        Err(AttachmentError::Piece)
    );
    let other = Pieces::new(&key(), &[2; NONCE]);
    assert_eq!(
        other.open(3, false, PIECE, &sealed),
        Err(AttachmentError::Piece)
    );
}

#[test]
fn a_last_piece_is_padded_and_its_length_checked() {
    let pieces = pieces();
    for (len, bucket) in [(1, 4096), (4096, 4096), (4097, 8192), (PIECE - 1, PIECE)] {
        let sealed = pieces.seal(0, true, &vec![9; len]).unwrap();
        assert_eq!(sealed.len(), bucket + TAG);
        assert_eq!(Pieces::object_len(len), sealed.len());
        assert_eq!(pieces.open(0, true, len, &sealed).unwrap(), vec![9; len]);
    }
    let sealed = pieces.seal(0, true, &[9; 100]).unwrap();
    // Another length in the same bucket would leave some of the file in the padding.
    assert_eq!(
        pieces.open(0, true, 99, &sealed),
        Err(AttachmentError::Length)
    );
    assert_eq!(
        pieces.open(0, true, 5000, &sealed),
        Err(AttachmentError::Length)
    );
    assert_eq!(
        pieces.open(0, true, 100, &sealed[1..]),
        Err(AttachmentError::Length)
    );
    assert_eq!(
        pieces.open(0, true, 0, &sealed),
        Err(AttachmentError::Length)
    );
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    let pieces = pieces();
    let sealed = pieces.seal(0, true, b"hello").unwrap();
    for at in [0, 5, 4095, 4096, sealed.len() - 1] {
        let mut bent = sealed.clone();
        bent[at] ^= 1;
        assert_eq!(pieces.open(0, true, 5, &bent), Err(AttachmentError::Piece));
    }
}

#[test]
fn pieces_of_odd_lengths_are_not_sealed() {
    let pieces = pieces();
    for (last, len) in [(true, 0), (true, PIECE + 1), (false, PIECE - 1), (false, 0)] {
        let refused = pieces.seal(0, last, &vec![0; len]);
        assert_eq!(refused, Err(AttachmentError::Length));
    }
}

#[test]
fn sizes_make_pieces() {
    let mib = PIECE as u64;
    for (size, count) in [
        (1, 1),
        (mib, 1),
        (mib + 1, 2),
        (25 * mib, 25),
        (MAX_FILE, 2048),
    ] {
        assert_eq!(piece_count(size), Ok(count));
        let total: u64 = (0..count).map(|index| piece_len(size, index) as u64).sum();
        assert_eq!(total, size);
        assert_eq!(piece_len(size, count), 0);
    }
    assert_eq!(piece_count(0), Err(AttachmentError::Size));
    assert_eq!(piece_count(MAX_FILE + 1), Err(AttachmentError::Size));
}

fn names(n: usize) -> Vec<ObjectName> {
    (0..n).map(|n| ObjectName::of(&n.to_be_bytes())).collect()
}

#[test]
fn manifests_up_to_the_largest_file_are_one_object() {
    for n in [1, 100, 2048] {
        let manifest = Manifest::new(n as u64 * PIECE as u64, names(n)).unwrap();
        let sealed = manifest.seal(&key(), &[1; NONCE]).unwrap();
        assert!(sealed.len() <= MAX_OBJECT);
        assert_eq!(Manifest::open(&sealed, &key(), &[1; NONCE]), Ok(manifest));
    }
}

/// A manifest as somebody else may make it.
fn forged(plain: &[u8]) -> Result<Manifest, AttachmentError> {
    let stream = Pieces::labelled(&key(), &[1; NONCE], "chat.sotto/attachment-manifest/v1");
    let sealed = stream.seal(0, true, plain).unwrap();
    Manifest::open(&sealed, &key(), &[1; NONCE])
}

fn framed(encoded: &[u8]) -> Vec<u8> {
    let len = u32::try_from(encoded.len()).unwrap();
    [&len.to_be_bytes()[..], encoded].concat()
}

#[test]
fn manifests_that_lie_are_refused() {
    #[derive(serde::Serialize)]
    struct Wire {
        size: u64,
        r#type: &'static str,
        pieces: Vec<ObjectName>,
    }
    let wire = |size, kind, n| {
        forged(&framed(&cbor::encode(&Wire {
            size,
            r#type: kind,
            pieces: names(n),
        })))
    };
    const TYPE: &str = "chat.sotto/attachment/v1";
    assert!(wire(10, TYPE, 1).is_ok());
    assert_eq!(wire(10, TYPE, 2), Err(AttachmentError::Size));
    assert_eq!(wire(10, TYPE, 0), Err(AttachmentError::Size));
    assert_eq!(wire(0, TYPE, 0), Err(AttachmentError::Size));
    assert_eq!(wire(u64::MAX, TYPE, 3), Err(AttachmentError::Size));
    assert_eq!(wire(10, TYPE, 20_000), Err(AttachmentError::Size));
    assert_eq!(
        wire(10, "chat.sotto/attachment/v2", 1),
        Err(AttachmentError::Manifest)
    );
    assert_eq!(forged(&framed(b"\xa0")), Err(AttachmentError::Manifest));
    assert_eq!(forged(&[0xff; 4]), Err(AttachmentError::Length));
    assert_eq!(forged(&[0, 0]), Err(AttachmentError::Manifest));
    assert_eq!(
        forged(&[framed(b"\xa0"), vec![1]].concat()),
        Err(AttachmentError::Length)
    );
    assert_eq!(
        Manifest::open(&[0; MAX_OBJECT + 1], &key(), &[1; NONCE]),
        Err(AttachmentError::Length)
    );
    assert_eq!(
        Manifest::open(b"", &key(), &[1; NONCE]),
        Err(AttachmentError::Piece)
    );
    // A piece is no manifest, whatever it says.
    let piece = pieces().seal(0, true, &framed(b"\xa0")).unwrap();
    assert_eq!(
        Manifest::open(&piece, &key(), &[1; NONCE]),
        Err(AttachmentError::Piece)
    );
}

#[test]
fn urls_have_one_spelling() {
    let name = ObjectName::of(b"x");
    for domain in [
        "relay.example",
        "relay.example:8443",
        "localhost:1",
        "[::1]:80",
    ] {
        let url = AttachmentUrl {
            domain: Domain::parse(domain).unwrap(),
            name,
        };
        assert_eq!(AttachmentUrl::parse(&url.to_string()), Ok(url));
    }
    for text in [
        "",
        "relay.example",
        "https://relay.example",
        "https://relay.example/pmr/v1/attachments/",
        "https://relay.example/pmr/v1/attachments/x",
        &format!("http://relay.example/pmr/v1/attachments/{name}"),
        &format!("https://localhost:1/pmr/v1/attachments/{name}"),
        &format!("https://10.0.0.1/pmr/v1/attachments/{name}"),
        &format!("https://169.254.169.254/pmr/v1/attachments/{name}"),
        &format!("https://user@relay.example/pmr/v1/attachments/{name}"),
        &format!("https://relay.example:443/pmr/v1/attachments/{name}"),
        &format!("https://relay.example/pmr/v1/attachments/{name}?x"),
        &format!("https://relay.example/pmr/v1/attachments/{name}#x"),
        &format!("https://relay.example/pmr/v1/attachments/{name}/"),
        &format!("https://relay.example/pmr/v1/attachments/../attachments/{name}"),
        &format!("https://relay.example//pmr/v1/attachments/{name}"),
        &format!("HTTPS://relay.example/pmr/v1/attachments/{name}"),
        &format!("file:///pmr/v1/attachments/{name}"),
    ] {
        assert_eq!(AttachmentUrl::parse(text), Err(InvalidUrl), "{text}");
    }
}

#[test]
fn keys_do_not_show() {
    assert_eq!(format!("{:?}", key()), "AttachmentKey(redacted)");
    assert_eq!(format!("{:?}", pieces()), "Pieces(redacted)");
}
