//! A component as it arrives: its bytes, and the signature that lies beside it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};

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
            bytes: read(file, limit)?,
            signature: read_signature(file)?,
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
    match fs::symlink_metadata(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        _ => {
            let read = read(&file, SIGNATURE_BYTES);
            let read = read.with_context(|| format!("its signature {}", file.display()));
            read.map(Some)
        }
    }
}

/// Reads a regular file of up to `limit` bytes.
pub(super) fn read(path: &Path, limit: usize) -> anyhow::Result<Arc<[u8]>> {
    // Asked before opening: opening a pipe would wait for its writer.
    if !fs::metadata(path)?.is_file() {
        bail!("it is not a regular file");
    }
    let limit = u64::try_from(limit)?;
    let mut bytes = Vec::new();
    File::open(path)?
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len())? > limit {
        bail!("it has more than {limit} bytes, which is the limit");
    }
    Ok(bytes.into())
}
