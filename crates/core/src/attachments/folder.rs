//! The folder where encrypted pieces lie while they are on their way, and as long as a fetched file
//! is kept. What is in it can be read with the keys in the database only.

use super::AttachmentProblem;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The folder of one account.
#[derive(Debug, Clone)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// The folder at this path. It is made when something is put there.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    fn of(&self, id: i64) -> PathBuf {
        self.0.join(id.to_string())
    }

    /// Where an object of an attachment is, or will be; without an index, its manifest.
    pub(crate) fn object(&self, id: i64, index: Option<u32>) -> PathBuf {
        let name = index.map_or_else(|| "manifest".to_owned(), |index| index.to_string());
        self.of(id).join(name)
    }

    /// Where the beginning of an object is, as far as it was fetched.
    pub(crate) fn beginning(&self, id: i64, index: u32) -> PathBuf {
        self.of(id).join(format!("{index}.part"))
    }

    /// Writes an object so that it is whole and on the disk, or not there.
    ///
    /// # Errors
    /// [`AttachmentProblem::DiskFull`], [`AttachmentProblem::Unwritable`].
    pub(crate) fn write(
        &self,
        id: i64,
        index: Option<u32>,
        bytes: &[u8],
    ) -> Result<(), AttachmentProblem> {
        let path = self.object(id, index);
        let unfinished = path.with_extension("new");
        let written = || {
            make_private(&self.of(id))?;
            let mut file = File::create(&unfinished)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)
        };
        written().map_err(|error| AttachmentProblem::of_writing(&error))
    }

    /// Adds to the beginning of an object.
    ///
    /// # Errors
    /// As [`Folder::write`].
    pub(crate) fn append(
        &self,
        id: i64,
        index: u32,
        bytes: &[u8],
    ) -> Result<(), AttachmentProblem> {
        let written = || {
            make_private(&self.of(id))?;
            let path = self.beginning(id, index);
            let mut file = File::options().create(true).append(true).open(path)?;
            file.write_all(bytes)
        };
        written().map_err(|error| AttachmentProblem::of_writing(&error))
    }

    /// Removes the beginning of an object.
    pub(crate) fn drop_beginning(&self, id: i64, index: u32) {
        // It may never have been there.
        let _ = fs::remove_file(self.beginning(id, index));
    }

    /// Removes everything of an attachment; whether it is gone.
    pub(crate) fn clear(&self, id: i64) -> bool {
        match fs::remove_dir_all(self.of(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(reason = %error.kind(), "files of an attachment could not be removed");
                false
            }
            _ => true,
        }
    }

    /// The attachments that have something here.
    pub(crate) fn list(&self) -> Vec<i64> {
        let Ok(entries) = fs::read_dir(&self.0) else {
            return Vec::new();
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter_map(|name| name.parse().ok()).collect()
    }
}

fn make_private(folder: &Path) -> Result<(), io::Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
