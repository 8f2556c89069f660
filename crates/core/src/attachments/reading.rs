//! A file of the user's: looked at when it is chosen, and read once, into encrypted pieces. What goes
//! out is what was read then, whatever becomes of the file.

use super::folder::Folder;
use super::thumbnail;
use super::{AttachmentProblem, file_name, sniff};
use crate::db::attachments::{Piece, Thumbnail};
use sotto_wire::attachment::{
    AttachmentError, AttachmentKey, MAX_FILE, Manifest, NONCE, ObjectName, Pieces, piece_count,
    piece_len,
};
use sotto_wire::random::{self, Random};
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// A file as it was when it was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) mime: &'static str,
    pub(crate) size: u64,
    /// Nanoseconds since 1970.
    pub(crate) changed: i64,
}

/// A file in pieces.
pub(crate) struct Cut {
    pub(crate) key: AttachmentKey,
    pub(crate) nonce: [u8; NONCE],
    /// The manifest is the last.
    pub(crate) pieces: Vec<Piece>,
    pub(crate) thumbnail: Option<Thumbnail>,
}

/// Looks at a file.
///
/// # Errors
/// [`AttachmentProblem`]: not there, no file, empty, too large, or not readable.
pub(crate) fn choose(path: &Path) -> Result<Chosen, AttachmentProblem> {
    // Opening something else than a file can wait for ever.
    let kind = std::fs::metadata(path).map_err(|error| AttachmentProblem::of_reading(&error))?;
    if !kind.is_file() {
        return Err(AttachmentProblem::NotAFile);
    }
    let mut file = File::open(path).map_err(|error| AttachmentProblem::of_reading(&error))?;
    let found = file
        .metadata()
        .map_err(|error| AttachmentProblem::of_reading(&error))?;
    match found.len() {
        0 => return Err(AttachmentProblem::Empty),
        size if size > MAX_FILE => return Err(AttachmentProblem::TooLarge),
        _ => {}
    }
    let mut head = vec![0; sniff::HEAD];
    let read = fill(&mut file, &mut head).map_err(|_| AttachmentProblem::Unreadable)?;
    head.truncate(read);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let absolute = std::path::absolute(path).map_err(|_| AttachmentProblem::Unreadable)?;
    Ok(Chosen {
        path: absolute
            .into_os_string()
            .into_string()
            .map_err(|_| AttachmentProblem::Unreadable)?,
        name: file_name::safe(&name),
        mime: sniff::mime(&head),
        size: found.len(),
        changed: changed(&found),
    })
}

fn changed(found: &Metadata) -> i64 {
    let since = found
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since
        .and_then(|since| i64::try_from(since.as_nanos()).ok())
        .unwrap_or(0)
}

/// Reads as much as fits, or is there.
fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// Reads a file into encrypted pieces, under a key that nothing else is encrypted under: whatever
/// interrupts this, the next attempt has another.
///
/// # Errors
/// [`AttachmentProblem::Changed`] where it is not the file that was chosen; those of reading and of
/// writing.
pub(crate) fn cut(
    chosen: &Chosen,
    folder: &Folder,
    id: i64,
    random: &dyn Random,
) -> Result<Cut, AttachmentProblem> {
    let path = Path::new(&chosen.path);
    let mut file = File::open(path).map_err(|error| AttachmentProblem::of_reading(&error))?;
    unchanged(&file, chosen)?;
    let (key, nonce) = (AttachmentKey::generate(random), random::array(random));
    let sealer = Pieces::new(&key, &nonce);
    let count = piece_count(chosen.size).map_err(of_sealing)?;
    let mut names = Vec::new();
    let mut picture =
        (thumbnail::is_picture(chosen.mime) && chosen.size <= thumbnail::MAX_FILE).then(Vec::new);
    for index in 0..count {
        let mut plain = vec![0; piece_len(chosen.size, index)];
        let read = fill(&mut file, &mut plain).map_err(|_| AttachmentProblem::Unreadable)?;
        if read != plain.len() {
            return Err(AttachmentProblem::Changed);
        }
        let object = sealer
            .seal(index, index + 1 == count, &plain)
            .map_err(of_sealing)?;
        folder.write(id, Some(index), &object)?;
        names.push(ObjectName::of(&object));
        if let Some(picture) = &mut picture {
            picture.extend_from_slice(&plain);
        }
    }
    let more = fill(&mut file, &mut [0]).map_err(|_| AttachmentProblem::Unreadable)?;
    if more != 0 {
        return Err(AttachmentProblem::Changed);
    }
    unchanged(&file, chosen)?;
    let manifest = Manifest::new(chosen.size, names.clone()).map_err(of_sealing)?;
    let manifest = manifest.seal(&key, &nonce).map_err(of_sealing)?;
    folder.write(id, None, &manifest)?;
    let piece = |index, name| Piece {
        index,
        name,
        done: false,
    };
    let mut pieces: Vec<_> = (0..)
        .map(Some)
        .zip(names)
        .map(|(i, n)| piece(i, n))
        .collect();
    pieces.push(piece(None, ObjectName::of(&manifest)));
    Ok(Cut {
        key,
        nonce,
        pieces,
        thumbnail: picture.and_then(|bytes| thumbnail::of(&bytes)),
    })
}

fn unchanged(file: &File, chosen: &Chosen) -> Result<(), AttachmentProblem> {
    let found = file.metadata().map_err(|_| AttachmentProblem::Unreadable)?;
    if found.is_file() && found.len() == chosen.size && changed(&found) == chosen.changed {
        Ok(())
    } else {
        Err(AttachmentProblem::Changed)
    }
}

/// Sizes were checked when the file was chosen.
fn of_sealing(_: AttachmentError) -> AttachmentProblem {
    AttachmentProblem::Changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_wire::attachment::PIECE;
    use sotto_wire::random::OsRandom;

    fn file(bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a file.txt");
        std::fs::write(&path, bytes).unwrap();
        (dir, path)
    }

    #[test]
    fn what_is_no_file_to_send_is_named() {
        let (dir, empty) = file(b"");
        assert_eq!(choose(&empty), Err(AttachmentProblem::Empty));
        assert_eq!(choose(dir.path()), Err(AttachmentProblem::NotAFile));
        let missing = dir.path().join("missing");
        assert_eq!(choose(&missing), Err(AttachmentProblem::Missing));
        assert_eq!(choose(Path::new("")), Err(AttachmentProblem::Missing));
        let large = dir.path().join("large");
        File::create(&large).unwrap().set_len(MAX_FILE + 1).unwrap();
        assert_eq!(choose(&large), Err(AttachmentProblem::TooLarge));
        #[cfg(target_os = "linux")]
        assert_eq!(
            choose(Path::new("/dev/zero")),
            Err(AttachmentProblem::NotAFile)
        );
    }

    #[test]
    fn a_file_is_cut_into_pieces_that_make_it_again() {
        let bytes: Vec<u8> = (0..PIECE + 5).map(|n| (n % 251) as u8).collect();
        let (dir, path) = file(&bytes);
        let chosen = choose(&path).unwrap();
        assert_eq!(
            (chosen.name.as_str(), chosen.size),
            ("a file.txt", bytes.len() as u64)
        );
        let folder = Folder::at(dir.path().join("attachments"));
        let cut = cut(&chosen, &folder, 7, &OsRandom).unwrap();
        assert_eq!(cut.pieces.len(), 3);
        let object = |index| std::fs::read(folder.object(7, index)).unwrap();
        let manifest = Manifest::open(&object(None), &cut.key, &cut.nonce).unwrap();
        let names: Vec<_> = cut.pieces[..2].iter().map(|piece| piece.name).collect();
        assert_eq!(manifest.pieces(), names);
        let opener = Pieces::new(&cut.key, &cut.nonce);
        let mut again = opener.open(0, false, PIECE, &object(Some(0))).unwrap();
        again.extend(opener.open(1, true, 5, &object(Some(1))).unwrap());
        assert!(again == bytes);
        for (piece, bytes) in [
            (0, object(Some(0))),
            (1, object(Some(1))),
            (2, object(None)),
        ] {
            assert_eq!(cut.pieces[piece].name, ObjectName::of(&bytes));
        }
    }

    #[test]
    fn a_file_that_changed_is_not_cut_and_a_second_attempt_has_another_key() {
        let (dir, path) = file(b"one");
        let chosen = choose(&path).unwrap();
        let folder = Folder::at(dir.path().join("attachments"));
        let first = cut(&chosen, &folder, 1, &OsRandom).unwrap();
        let second = cut(&chosen, &folder, 1, &OsRandom).unwrap();
        assert_ne!(first.key, second.key);
        std::fs::write(&path, b"three").unwrap();
        let changed = cut(&chosen, &folder, 1, &OsRandom);
        assert_eq!(changed.err(), Some(AttachmentProblem::Changed));
        std::fs::write(&path, b"two").unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        let written = file.metadata().unwrap().modified().unwrap();
        let later = written + std::time::Duration::from_secs(5);
        file.set_modified(later).unwrap();
        let changed = cut(&chosen, &folder, 1, &OsRandom);
        assert_eq!(changed.err(), Some(AttachmentProblem::Changed));
        std::fs::remove_file(&path).unwrap();
        let missing = cut(&chosen, &folder, 1, &OsRandom);
        assert_eq!(missing.err(), Some(AttachmentProblem::Missing));
    }
}
