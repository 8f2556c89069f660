//! Files that came with messages.

use crate::Target;
use sotto_core::entries;
use sotto_wire::attachment::{AttachmentKey, Pieces, piece_count, piece_len};
use std::panic;
use tempfile::TempDir;

pub(super) const ATTACHMENT_PARTS: Target = Target {
    name: "attachment_parts",
    run: attachment_parts,
};
pub(super) const FETCHED: Target = Target {
    name: "fetched",
    run: |bytes| FOLDER.with(|folder| fetched(folder, bytes)),
};
pub(super) const FILE: Target = Target {
    name: "file",
    run: file,
};

thread_local! {
    static FOLDER: TempDir = folder();
}

fn folder() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    std::fs::create_dir(folder.path().join("1")).expect("a folder");
    folder
}

/// What a message says about its files; and a line each for name and type.
fn attachment_parts(bytes: &[u8]) {
    let _ = entries::attachments(bytes);
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let (name, mime) = text.split_once('\n').unwrap_or((text, ""));
    let (safe, declared) = entries::named(name, mime);
    assert!((1..=200).contains(&safe.len()));
    assert!(
        !safe.starts_with('.') && !safe.ends_with('.') && !safe.contains(['/', '\\', ':', '\0'])
    );
    assert_eq!(entries::named(&safe, &declared), (safe, declared));
}

/// The bytes of a file by which its type and its thumbnail are found.
fn file(bytes: &[u8]) {
    // A panic of a picture's decoder is caught by the product, and libFuzzer's hook would abort.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let found = panic::catch_unwind(|| entries::file(bytes));
    panic::set_hook(hook);
    let (mime, thumbnail) = found.expect("a panic that was not caught");
    assert!(mime.contains('/') && thumbnail.is_none_or(|len| len > 0));
}

/// The pieces of a fetched file on the disk: how large a message says that it is (eight bytes), one
/// piece as it may lie there, and a genuine one of that content.
fn fetched(folder: &TempDir, bytes: &[u8]) {
    let Some((size, content)) = bytes.split_first_chunk::<8>() else {
        return;
    };
    let size = u64::from_be_bytes(*size);
    let (key, nonce) = (AttachmentKey::from_bytes([7; 32]), [1; 12]);
    let read = |piece: &[u8]| {
        std::fs::write(folder.path().join("1/0"), piece).expect("a file");
        entries::fetched(folder.path(), size, &key, &nonce)
    };
    assert_eq!(read(content), None, "what nobody with the key has sealed");
    let last = piece_count(size) == Ok(1);
    if let Ok(piece) = Pieces::new(&key, &nonce).seal(0, last, content) {
        let plain = read(&piece);
        if last && piece_len(size, 0) == content.len() {
            assert_eq!(plain.as_deref(), Some(content));
        }
        // A piece is padded with zeros: at most those are taken for content, or content for those.
        assert!(plain.is_none_or(|plain| trimmed(&plain) == trimmed(content)));
    }
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0);
    bytes
        .get(..end.map_or(0, |end| end + 1))
        .unwrap_or_default()
}
