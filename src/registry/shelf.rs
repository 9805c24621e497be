//! Components by digest, as files in the data folder: what a plan was created with is there for as
//! long as the plan may need it, whatever became of the file that it came from. A component's
//! signature is beside it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};

use super::component::{read_signature, signature_file};
use super::terms::Signers;
use super::{Component, RegistryError};
use crate::disk::{Disk, read};
use crate::private;
use crate::sandbox::sha256;

/// How long reading or writing a component may take: a large one on a slow disk takes a while.
const SILENCE: Duration = Duration::from_secs(30);

/// A folder of components, each named by its digest.
pub(super) struct Shelf {
    folder: PathBuf,
    disk: Disk,
}

impl Shelf {
    /// Opens the folder, making it if it is missing, and removes what a killed host left half done.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        let unusable = || format!("can't use the folder {}", folder.display());
        private::make_folder(folder, is_ours).with_context(unusable)?;
        let mut kept = Vec::new();
        for entry in fs::read_dir(folder).with_context(unusable)? {
            let entry = entry.with_context(unusable)?;
            let path = entry.path();
            let is_aside = path.extension().is_some_and(|extension| extension == "tmp");
            if is_aside && path.is_file() {
                fs::remove_file(&path).with_context(unusable)?;
            } else if is_ours(&entry.file_name().to_string_lossy()) && !path.is_symlink() {
                kept.push(path);
            }
        }
        private::close(kept);
        Ok(Self {
            folder: folder.to_owned(),
            disk: Disk::new(SILENCE),
        })
    }

    /// Keeps a component. It would survive a power cut when this returns.
    pub(super) async fn put(
        &self,
        digest: &str,
        component: Component,
        signers: Signers,
    ) -> Result<(), RegistryError> {
        let (shelf, path) = (self.folder.clone(), self.path(digest));
        let file = path.clone();
        let put = self.disk.attempt(move || {
            // One that is good for less does not take the place of another.
            let is_better = || match read_signature(&path) {
                Ok(Some(kept)) => {
                    let worth = signers.worth(&component);
                    let kept = Component {
                        bytes: Arc::clone(&component.bytes),
                        signature: Some(kept),
                    };
                    worth > 0 && worth >= signers.worth(&kept)
                }
                Ok(None) | Err(_) => true,
            };
            if let Some(signature) = &component.signature
                && is_better()
            {
                place(&shelf, &signature_file(&path), signature)?;
            }
            place(&shelf, &path, &component.bytes)
        });
        put.await.map_err(|error| RegistryError::Shelf(file, error))
    }

    /// The component with this digest.
    pub(super) async fn get(&self, digest: &str, limit: usize) -> anyhow::Result<Component> {
        let (path, digest) = (self.path(digest), digest.to_owned());
        let getting = self.disk.ask(move || {
            let shown = path.display();
            let bytes = read(&path, limit);
            let bytes = bytes.with_context(|| format!("the kept component {shown}"))?;
            if sha256(&bytes) != digest {
                bail!("the kept component {shown} is damaged: its digest is another");
            }
            // It may not be asked for; where it is, one that can't be read is none.
            let signature = read_signature(&path).unwrap_or_else(|error| {
                tracing::warn!("the kept component {shown}: {error:#}");
                None
            });
            Ok(Component {
                bytes: bytes.into(),
                signature,
            })
        });
        getting.await?
    }

    /// What all components on it have together, in bytes.
    pub(super) async fn bytes(&self) -> Result<u64, RegistryError> {
        let folder = self.folder.clone();
        let counted = self.disk.attempt(move || {
            let mut bytes = 0_u64;
            for entry in fs::read_dir(&folder)? {
                bytes = bytes.saturating_add(entry?.metadata()?.len());
            }
            Ok(bytes)
        });
        let counted = counted.await;
        counted.map_err(|error| RegistryError::Shelf(self.folder.clone(), error))
    }

    /// Lets go of a component.
    pub(super) async fn remove(&self, digest: &str) -> io::Result<()> {
        let path = self.path(digest);
        let removed = self.disk.attempt(move || {
            for file in [signature_file(&path), path] {
                match fs::remove_file(file) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            Ok(())
        });
        removed.await
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}.wasm"))
    }
}

/// Whether a file of this name in the folder is the host's: it begins with a digest, or is half done.
fn is_ours(name: &str) -> bool {
    let (stem, ending) = name.split_once('.').unwrap_or_default();
    let is_digest = stem.len() == 64 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_digest && matches!(ending, "wasm" | "wasm.minisig")) || ending == "tmp"
}

/// Makes sure that the file has these bytes.
fn place(shelf: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    // What is in its place may be anything, also what would be read to no end.
    if read(path, bytes.len()).is_ok_and(|there| *there == *bytes) {
        return Ok(());
    }
    write(shelf, path, bytes)
}

/// Written aside and renamed, so that nobody ever reads half a file.
fn write(shelf: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = shelf.join(format!("{}.tmp", uuid::Uuid::new_v4()));
    let written = private::create(&aside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&aside, path)?;
        File::open(shelf)?.sync_all()
    });
    written.inspect_err(|_| {
        // Best effort: what matters is the error that is being returned.
        let _ = fs::remove_file(&aside);
    })
}
