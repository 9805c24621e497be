//! Components by digest, as files in the data folder: what a plan was created with is there for as
//! long as the plan may need it, whatever became of the file that it came from.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};

use super::folder;
use crate::sandbox::sha256;

/// A folder of components, each named by its digest.
pub(super) struct Shelf(PathBuf);

impl Shelf {
    /// Opens the folder, making it if it is missing.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("can't make the folder {}", folder.display()))?;
        Ok(Self(folder.to_owned()))
    }

    /// Keeps a component. It is on disk when this returns.
    pub(super) fn put(&self, digest: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(digest);
        if path.exists() {
            return Ok(());
        }
        // Written aside and renamed, so that nobody ever reads half a file.
        let aside = self.0.join(format!("{}.tmp", uuid::Uuid::new_v4()));
        let written = File::create(&aside).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&aside, &path)
        });
        written.inspect_err(|_| {
            // Best effort: what matters is the error that is being returned.
            let _ = fs::remove_file(&aside);
        })
    }

    /// The component with this digest.
    pub(super) fn get(&self, digest: &str, limit: usize) -> anyhow::Result<Arc<[u8]>> {
        let path = self.path(digest);
        let bytes = folder::read(&path, limit)
            .with_context(|| format!("the kept component {}", path.display()))?;
        if sha256(&bytes) != digest {
            bail!(
                "the kept component {} is damaged: its digest is another",
                path.display()
            );
        }
        Ok(bytes)
    }

    /// Lets go of a component.
    pub(super) fn remove(&self, digest: &str) -> io::Result<()> {
        match fs::remove_file(self.path(digest)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.0.join(format!("{digest}.wasm"))
    }
}
