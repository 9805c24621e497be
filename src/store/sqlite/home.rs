//! The open database: its folder, what keeps other hosts away from it, and the connection that writes.

use std::fs::{self, File, TryLockError};
use std::path::{self, Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::found::Found;
use super::log::Log;
use super::mark::{Mark, Marker};
use super::place::{Place, beside};
use super::whole::Whole;
use super::{Outcome, connection};
use crate::private;

/// What is in a data folder beside files that begin with `mesh.`.
const OURS: [&str; 4] = ["lock", "plugins", "cache", "lost+found"];

/// The open database. Its parts end in this order: SQLite's own locks are gone as soon as this process
/// closes any descriptor of the file.
pub(super) struct Home {
    pub(super) connection: Connection,
    pub(super) place: Arc<Place>,
    pub(super) marker: Marker,
    pub(super) whole: Whole,
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
        let unusable = || format!("can't use the data folder {}", folder.display());
        private::make_folder(&folder, is_ours).with_context(unusable)?;
        let of_folder = lock(&folder.join("lock")).with_context(unusable)?;
        let file = folder.join("mesh.db");
        let unusable = || format!("can't use the database {}", file.display());
        let opened = Self::open_database(&file, folder.join("mesh.mark"), of_folder);
        Ok((opened.with_context(unusable)?, file))
    }

    fn open_database(file: &Path, mark_file: PathBuf, of_folder: File) -> anyhow::Result<Self> {
        let mark = Mark::read(&mark_file)?;
        // SQLite puts the log beside the file that a link leads to.
        let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        let found = |file| Found {
            file,
            mark_file: &mark_file,
            mark: mark.as_ref(),
        };
        found(&target).check_there()?;
        // A lock file can be removed, and a database be reached by two paths.
        let of_database = lock(file)?;
        let target = fs::canonicalize(file).context("it can't be looked at")?;
        let found = found(&target);
        found.check_closed()?;
        let connection = connection::open(&target, |connection| found.check_open(connection))?;
        private::close(["-wal", "-shm"].map(|ending| beside(&target, ending)));
        let mark = Mark::of(&connection)?.context("it is damaged: its mark is missing")?;
        let place = Place::new(file, &target, &of_database.metadata()?)
            .context("its files can't be looked at")?;
        let whole = Whole::new(&place).context("its files can't be looked at")?;
        let mut home = Self {
            connection,
            whole,
            place: Arc::new(place),
            marker: Marker::new(mark, mark_file),
            log: Log::default(),
            _locks: [of_folder, of_database],
        };
        home.empty_log();
        Ok(home)
    }

    fn empty_log(&mut self) {
        if self.log.empty(&self.connection, &self.place) {
            self.marker.folded();
        }
    }

    /// Whether all of it is there, outside of a transaction.
    fn check(&mut self) -> Outcome {
        self.place.check()?;
        // Where that can't be begun, another program has the database, and all of it.
        if self.connection.execute_batch("BEGIN IMMEDIATE").is_ok() {
            let checked = self.whole.check(&self.place);
            self.connection.execute_batch("ROLLBACK")?;
            return checked;
        }
        Ok(())
    }

    /// Keeps the log from growing without an end.
    pub(super) fn keep_log_small(&mut self) {
        if self.log.keep_small(&self.connection, &self.place) {
            self.marker.folded();
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        match self.check() {
            Ok(()) => {
                // Who copies the database alone then has all of it.
                self.empty_log();
                self.marker.save();
            }
            Err(error) => {
                tracing::error!("the database is left as it is: {error}");
                let left = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
                // It is closed right after this: there is nothing else to do.
                let _ = self.connection.set_db_config(left, true);
            }
        }
    }
}

/// Whether a file of this name in a data folder is the host's.
fn is_ours(name: &str) -> bool {
    OURS.contains(&name) || name.starts_with("mesh.")
}

/// Two hosts in one folder would each believe that they alone run its plans. Makes the file if it is
/// missing. The lock is one of `flock`, which is none of those that SQLite takes.
fn lock(path: &Path) -> anyhow::Result<File> {
    let shown = path.display();
    // Opening a pipe would wait for somebody at its other end.
    let other = fs::metadata(path).is_ok_and(|found| !found.is_file());
    ensure!(!other, "{shown} is not a regular file: remove it");
    let file = private::open(path).with_context(|| format!("can't write {shown}"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another codex-mesh uses it: stop that one, or use another --data-dir")
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("can't lock {shown}"))
        }
    }
}
