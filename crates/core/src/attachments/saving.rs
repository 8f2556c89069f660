//! A fetched file, decrypted: where the user wants it, or in memory to be looked at.

use super::folder::Folder;
use super::{AttachmentProblem, file_name};
use sotto_wire::attachment::{AttachmentKey, NONCE, Pieces, piece_count, piece_len};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Names tried beside one that is taken.
const NUMBERS: u32 = 1000;

/// What is to be decrypted.
pub(crate) struct Fetched<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) id: i64,
    pub(crate) size: u64,
    pub(crate) key: &'a AttachmentKey,
    pub(crate) nonce: &'a [u8; NONCE],
}

impl Fetched<'_> {
    /// Decrypts piece by piece into `out`.
    ///
    /// # Errors
    /// [`AttachmentProblem::NotHere`] where a piece is missing, [`AttachmentProblem::Damaged`]
    /// where one does not decrypt, and those of writing.
    pub(crate) fn write_to(&self, out: &mut dyn Write) -> Result<(), AttachmentProblem> {
        let opener = Pieces::new(self.key, self.nonce);
        let count = piece_count(self.size).map_err(|_| AttachmentProblem::Invalid)?;
        for index in 0..count {
            let object = fs::read(self.folder.object(self.id, Some(index)))
                .map_err(|_| AttachmentProblem::NotHere)?;
            let len = piece_len(self.size, index);
            let plain = opener
                .open(index, index + 1 == count, len, &object)
                .map_err(|_| AttachmentProblem::Damaged)?;
            out.write_all(&plain)
                .map_err(|error| AttachmentProblem::of_writing(&error))?;
        }
        Ok(())
    }

    /// Saves the file at `path`, or in it under `name` where it is a folder. A file at `path` is
    /// replaced, because the user named it; one in a folder is not. Returns where it is.
    ///
    /// # Errors
    /// As [`Fetched::write_to`].
    pub(crate) fn save(&self, path: &Path, name: &str) -> Result<PathBuf, AttachmentProblem> {
        let target = if path.is_dir() {
            free(path, &file_name::safe(name)).ok_or(AttachmentProblem::Unwritable)?
        } else {
            path.to_owned()
        };
        let unfinished = beside(&target)?;
        let saved = self.write_through(&unfinished, &target);
        if saved.is_err() {
            // It may never have come to be.
            let _ = fs::remove_file(&unfinished);
        }
        saved.map(|()| target)
    }

    fn write_through(&self, unfinished: &Path, target: &Path) -> Result<(), AttachmentProblem> {
        let of_writing = |error: io::Error| AttachmentProblem::of_writing(&error);
        let mut file = File::create_new(unfinished).map_err(of_writing)?;
        self.write_to(&mut file)?;
        file.sync_all().map_err(of_writing)?;
        fs::rename(unfinished, target).map_err(of_writing)
    }
}

/// A name in the same folder that nobody else has.
fn beside(target: &Path) -> Result<PathBuf, AttachmentProblem> {
    let folder = match target.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if target.file_name().is_none() || !folder.is_dir() {
        return Err(AttachmentProblem::Unwritable);
    }
    free(folder, ".sotto-unfinished").ok_or(AttachmentProblem::Unwritable)
}

/// A path in the folder that is not taken: the name, or the name with a number.
fn free(folder: &Path, name: &str) -> Option<PathBuf> {
    let (stem, extension) = match name.rfind('.').filter(|at| *at > 0) {
        Some(at) => name.split_at(at),
        None => (name, ""),
    };
    std::iter::once(name.to_owned())
        .chain((1..NUMBERS).map(|number| format!("{stem} ({number}){extension}")))
        .map(|name| folder.join(name))
        // Also a link that leads nowhere is taken.
        .find(|path| fs::symlink_metadata(path).is_err())
}

#[cfg(test)]
mod tests {
    use super::super::reading;
    use super::*;
    use sotto_wire::random::OsRandom;

    struct Case {
        dir: tempfile::TempDir,
        folder: Folder,
        cut: reading::Cut,
    }

    impl Case {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("source");
            fs::write(&path, b"the file").unwrap();
            let folder = Folder::at(dir.path().join("attachments"));
            let chosen = reading::choose(&path).unwrap();
            let cut = reading::cut(&chosen, &folder, 1, &OsRandom).unwrap();
            fs::create_dir(dir.path().join("target")).unwrap();
            Self { dir, folder, cut }
        }

        fn save(&self, path: &Path, name: &str) -> Result<PathBuf, AttachmentProblem> {
            let fetched = Fetched {
                folder: &self.folder,
                id: 1,
                size: 8,
                key: &self.cut.key,
                nonce: &self.cut.nonce,
            };
            fetched.save(path, name)
        }

        fn target(&self) -> PathBuf {
            self.dir.path().join("target")
        }
    }

    #[test]
    fn a_folder_gets_another_file_and_a_named_file_is_replaced() {
        let case = Case::new();
        let names: Vec<_> = (0..3)
            .map(|_| case.save(&case.target(), "../a.txt").unwrap())
            .map(|path| path.file_name().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["_a.txt", "_a (1).txt", "_a (2).txt"]);
        let named = case.target().join("named");
        fs::write(&named, b"before").unwrap();
        assert_eq!(case.save(&named, "a.txt"), Ok(named.clone()));
        assert_eq!(fs::read(&named).unwrap(), b"the file");
        // Nothing unfinished is left.
        assert_eq!(fs::read_dir(case.target()).unwrap().count(), 4);
    }

    #[test]
    fn what_cannot_be_saved_leaves_nothing() {
        let case = Case::new();
        let nowhere = case.dir.path().join("no/such/folder/file");
        assert_eq!(case.save(&nowhere, "a"), Err(AttachmentProblem::Unwritable));
        let piece = case.folder.object(1, Some(0));
        let mut bytes = fs::read(&piece).unwrap();
        bytes[3] ^= 1;
        fs::write(&piece, bytes).unwrap();
        let named = case.target().join("named");
        fs::write(&named, b"before").unwrap();
        assert_eq!(case.save(&named, "a"), Err(AttachmentProblem::Damaged));
        assert_eq!(fs::read(&named).unwrap(), b"before");
        fs::remove_file(&piece).unwrap();
        assert_eq!(case.save(&named, "a"), Err(AttachmentProblem::NotHere));
        assert_eq!(fs::read_dir(case.target()).unwrap().count(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_named() {
        let case = Case::new();
        let fetched = Fetched {
            folder: &case.folder,
            id: 1,
            size: 8,
            key: &case.cut.key,
            nonce: &case.cut.nonce,
        };
        let mut full = File::options().write(true).open("/dev/full").unwrap();
        assert_eq!(
            fetched.write_to(&mut full),
            Err(AttachmentProblem::DiskFull)
        );
    }
}
