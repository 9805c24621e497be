//! A component as it arrives: its bytes, and the signature that lies beside it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use crate::disk::{self, Disk};

/// The largest signature, in bytes. One with the comments that minisign makes has about 300.
pub const SIGNATURE_BYTES: usize = 4 << 10;

/// A component that may become a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The component itself.
    pub bytes: Arc<[u8]>,
    /// What is said to be its signature, in minisign's format.
    pub signature: Option<Arc<[u8]>>,
}

impl Component {
    /// Reads a component of up to `limit` bytes, and its signature if there is one.
    pub(super) fn read(file: &Path, limit: usize) -> anyhow::Result<Self> {
        Ok(Self {
            bytes: disk::read(file, limit)?.into(),
            signature: read_signature(file)?,
        })
    }

    /// The same of a file that may never answer.
    pub(super) async fn ask_for(disk: &Disk, file: &Path, limit: usize) -> anyhow::Result<Self> {
        let signature = signature_file(file);
        Ok(Self {
            bytes: disk.read(file, limit).await?,
            signature: found(disk.read(&signature, SIGNATURE_BYTES).await, &signature)?,
        })
    }
}

/// Where the signature of the component in this file is: minisign puts it there.
pub(super) fn signature_file(component: &Path) -> PathBuf {
    let mut file = OsString::from(component);
    file.push(".minisig");
    file.into()
}

/// The signature of the component in this file, if there is one.
///
/// # Errors
/// When it is no regular file, can't be read, or is too large.
pub fn read_signature(component: &Path) -> anyhow::Result<Option<Arc<[u8]>>> {
    let file = signature_file(component);
    found(disk::read(&file, SIGNATURE_BYTES).map(Arc::from), &file)
}

/// The signature that was read from this file. None is there if it is missing, and is no link.
fn found(read: io::Result<Arc<[u8]>>, file: &Path) -> anyhow::Result<Option<Arc<[u8]>>> {
    match read {
        Ok(signature) => Ok(Some(signature)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("its signature {}", file.display())),
    }
}
