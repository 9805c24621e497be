//! Whether the files that are open are still the ones at their paths. What is written to a file that
//! was deleted, moved or replaced is lost with the host, although every write to it succeeds.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Outcome;
use crate::store::StoreError;

/// One open file.
pub(super) struct Open {
    pub(super) path: PathBuf,
    identity: Identity,
}

/// What tells one file from another for as long as it is open: until then its number is not given
/// to another.
#[derive(PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl From<&Metadata> for Identity {
    fn from(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
        }
    }
}

/// Where the database is, with its log and the index of that.
pub(super) struct Place {
    pub(super) database: Open,
    pub(super) log: Open,
    pub(super) index: Open,
}

impl Place {
    /// Where the database is that SQLite has opened, and written to: so its log is there. `path` leads to
    /// `target`, and `database` describes the open file.
    pub(super) fn new(path: &Path, target: &Path, database: &Metadata) -> io::Result<Self> {
        Ok(Self {
            database: Open {
                path: path.to_owned(),
                identity: database.into(),
            },
            log: Open::at(beside(target, "-wal"))?,
            index: Open::at(beside(target, "-shm"))?,
        })
    }

    /// Whether all of it is still there. May block.
    pub(super) fn check(&self) -> Outcome {
        self.database.check()?;
        self.log.check()?;
        self.index.check()
    }

    /// How large the log is, in bytes.
    pub(super) fn log_bytes(&self) -> u64 {
        fs::metadata(&self.log.path).map_or(0, |log| log.len())
    }
}

impl Open {
    /// The file that is at this path now.
    fn at(path: PathBuf) -> io::Result<Self> {
        let identity = Identity::from(&fs::metadata(&path)?);
        Ok(Self { path, identity })
    }

    fn check(&self) -> Outcome {
        let path = self.path.display();
        let what = match fs::metadata(&self.path) {
            Ok(found) if self.identity == (&found).into() => return Ok(()),
            Ok(_) => format!("{path} is not the file that the host has open"),
            Err(error) if error.kind() == ErrorKind::NotFound => format!("{path} is missing"),
            Err(error) => format!("{path} can't be looked at: {error}"),
        };
        Err(StoreError::Gone(what))
    }

    /// How long the file is, if it has as many bytes as it needs.
    pub(super) fn has(&self, needed: u64) -> Result<u64, StoreError> {
        let path = self.path.display();
        let found = fs::metadata(&self.path);
        let found = found.map_err(|error| StoreError::Gone(format!("{path}: {error}")))?;
        if found.len() < needed {
            return Err(StoreError::Gone(format!(
                "something was cut off {path}, which has {} bytes and had {needed}",
                found.len()
            )));
        }
        Ok(found.len())
    }
}

/// The file whose name ends with this beside the database.
pub(super) fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(ending);
    name.into()
}
