//! A disk that runs full.

use crate::lifeline::Lifeline;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A small filesystem. Whoever may not mount one has none.
pub struct Disk {
    folder: PathBuf,
    _end: Lifeline,
}

impl Disk {
    /// A filesystem of so many MiB.
    ///
    /// # Panics
    /// When there is no folder for it.
    #[must_use]
    pub fn small(mib: u32) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("sotto-disk-").tempdir();
        let folder = folder.expect("a temporary folder").keep();
        let end = Lifeline::at_the_end("umount -l \"$0\"; rmdir \"$0\"", &[folder.as_os_str()]);
        let mounted = Command::new("mount")
            .args([
                "-t",
                "tmpfs",
                "-o",
                &format!("size={mib}m,mode=755"),
                "tmpfs",
            ])
            .arg(&folder)
            .stderr(Stdio::null())
            .status();
        let disk = Self { folder, _end: end };
        mounted.is_ok_and(|it| it.success()).then_some(disk)
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Leaves no byte free.
    ///
    /// # Panics
    /// When it cannot be written to at all.
    pub fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.filler()).expect("a file");
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    /// Makes room again.
    pub fn clear(&self) {
        let _ = std::fs::remove_file(self.filler());
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }
}
