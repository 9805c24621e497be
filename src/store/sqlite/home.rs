//! The open database: its folder, what keeps other hosts away from it, and the connection that writes.

use std::fs::{self, File, TryLockError};
use std::path::{self, Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use rusqlite::Connection;

use super::connection;
use super::log::Log;
use super::place::{Place, beside};
use crate::private;

/// What is in a data folder beside files that begin with `mesh.`.
const OURS: [&str; 4] = ["lock", "plugins", "cache", "lost+found"];

/// The open database. Its parts end in this order: SQLite's own locks are gone as soon as this process
/// closes any descriptor of the file.
pub(super) struct Home {
    pub(super) connection: Connection,
    pub(super) place: Arc<Place>,
    log: Log,
    _locks: [File; 2],
}

impl Home {
    /// Opens the database in the folder, making both if they are missing; where it is.
    ///
    /// # Errors
    /// When the folder can't be used, another host uses it, or the database can't be opened.
    pub(super) fn open(folder: &Path) -> anyhow::Result<(Self, PathBuf)> {
        // Where it is now is where it is to stay.
        let folder = path::absolute(folder)?;
        private::make_folder(&folder, is_ours)
            .with_context(|| format!("can't use the data folder {}", folder.display()))?;
        let used = || {
            format!(
                "another codex-mesh uses the data folder {}: stop it, or use another --data-dir",
                folder.display()
            )
        };
        let of_folder = lock(&folder.join("lock"), used)?;
        let file = folder.join("mesh.db");
        // A lock file can be removed, and a database be reached by two paths.
        let used = || {
            format!(
                "another codex-mesh uses the database {}: stop it, or use another --data-dir",
                file.display()
            )
        };
        let of_database = lock(&file, used)?;
        for left in ["-wal", "-shm"].map(|ending| beside(&file, ending)) {
            if left.exists() {
                private::close(&left);
            }
        }
        let connection = connection::open(&file)
            .with_context(|| format!("can't open the database {}", file.display()))?;
        let place = Place::new(&file, &of_database.metadata()?)
            .with_context(|| format!("can't look at the files of {}", file.display()))?;
        let home = Self {
            connection,
            place: Arc::new(place),
            log: Log::default(),
            _locks: [of_folder, of_database],
        };
        home.log.empty(&home.connection, &home.place);
        Ok((home, file))
    }

    /// Keeps the log from growing without an end.
    pub(super) fn keep_log_small(&mut self) {
        self.log.keep_small(&self.connection, &self.place);
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Who copies the database alone then has all of it.
        self.log.empty(&self.connection, &self.place);
    }
}

/// Whether a file of this name in a data folder is the host's.
fn is_ours(name: &str) -> bool {
    OURS.contains(&name) || name.starts_with("mesh.")
}

/// Two hosts in one folder would each believe that they alone run its plans. Makes the file if it is
/// missing. The lock is one of `flock`, which is none of those that SQLite takes.
fn lock(path: &Path, used: impl Fn() -> String) -> anyhow::Result<File> {
    let shown = path.display();
    // Opening a pipe would wait for somebody at its other end.
    let other = fs::metadata(path).is_ok_and(|found| !found.is_file());
    ensure!(!other, "{shown} is not a regular file: remove it");
    let mut options = private::options();
    let options = options.read(true).write(true).create(true).truncate(false);
    let file = options.open(path);
    let file = file.with_context(|| format!("can't write {shown}"))?;
    match file.try_lock() {
        Ok(()) => {
            private::close(path);
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => bail!(used()),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("can't lock {shown}"))
        }
    }
}
