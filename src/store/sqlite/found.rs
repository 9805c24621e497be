//! What is found where the database should be, before anything is done to it: only the host's own
//! database is opened, and only if nothing of it is missing.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use rusqlite::{Connection, OpenFlags};

use super::connection::SCHEMA;
use super::mark::Mark;
use super::place::beside;
use crate::store::StoreError;

/// What every SQLite database begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// What the host's databases say they are ("CMSH").
const APPLICATION: i64 = 0x434d_5348;

/// The last schema of the hosts that did not say so.
const UNNAMED: i64 = 3;

/// The tables that every host made.
const TABLES: &str = "'plans', 'history', 'outbox'";

/// What is said of a database that is not the host's.
const FOREIGN: &str =
    "it is a database of another program: move it away, or use another --data-dir";

/// Where the database is, and what is known of it.
pub(super) struct Found<'a> {
    /// The database, which is no link.
    pub(super) file: &'a Path,
    /// The file beside it that says how far it has come.
    pub(super) mark_file: &'a Path,
    /// What that says.
    pub(super) mark: Option<&'a Mark>,
}

impl Found<'_> {
    /// Before it is made where it is missing.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub(super) fn check_there(&self) -> anyhow::Result<()> {
        match length(self.file)? {
            0 => self.check_empty(),
            _ => Ok(()),
        }
    }

    /// Before it is opened. Nothing is made or changed by that.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub(super) fn check_closed(&self) -> anyhow::Result<()> {
        if length(self.file)? == 0 {
            return Ok(());
        }
        let mut head = Vec::new();
        let opened = File::open(self.file).context("it can't be read")?;
        if opened.metadata()?.nlink() > 1 {
            tracing::warn!(
                "{} has more than one name (hard links), and only beside this one is its log: whoever \
                 opens it by another misses that, and may damage it",
                self.file.display()
            );
        }
        opened.take(16).read_to_end(&mut head)?;
        ensure!(
            head == MAGIC,
            "it is not a database, or is damaged at its beginning: put back a copy of it, or move it away \
             to begin anew"
        );
        let connection = open_alone(self.file).map_err(StoreError::from)?;
        if self.has_log() {
            return self.check_under_log(&connection);
        }
        let is_new = self.check_identity(&connection)?;
        let file = self.file.display();
        ensure!(
            !is_new || !self.has_plugins(),
            "nothing is in it, although plans were kept here: its log (-wal) is missing. Put that back. To \
             begin anew, remove {file}"
        );
        let found = Mark::of(&connection).map_err(StoreError::from)?;
        self.check_mark(found, |mark| mark.commits)
    }

    /// Whether it may be what is under its log. What is being folded in when a host is killed is only
    /// whole with the log: of what can't be read here nothing is known.
    fn check_under_log(&self, connection: &Connection) -> anyhow::Result<()> {
        let Ok(application) = number(connection, "PRAGMA application_id") else {
            return Ok(());
        };
        ensure!(application == 0 || application == APPLICATION, FOREIGN);
        match Mark::of(connection) {
            Ok(Some(found)) => self.check_mark(Some(found), |mark| mark.folded),
            // That it says what it is was folded in with the first mark.
            Ok(None) if application == 0 => self.check_mark(None, |mark| mark.folded),
            _ => Ok(()),
        }
    }

    /// Whether something is in its log.
    fn has_log(&self) -> bool {
        fs::metadata(beside(self.file, "-wal")).is_ok_and(|log| log.len() > 0)
    }

    /// Whether components are kept for plans: every host begins with that.
    fn has_plugins(&self) -> bool {
        let plugins = self.mark_file.with_file_name("plugins");
        fs::read_dir(plugins).is_ok_and(|mut plugins| plugins.next().is_some())
    }

    /// There is nothing. SQLite would begin anew, and remove the log that is all that is left.
    fn check_empty(&self) -> anyhow::Result<()> {
        let (mark, file) = (self.mark_file.display(), self.file.display());
        let was_used = self.mark.is_some_and(|mark| mark.commits > 0);
        // A host before this one left no mark. Of a file that is missing it is not known whether somebody
        // removed it to begin anew.
        let was_emptied = self.file.exists() && self.has_plugins();
        ensure!(
            !was_used && !was_emptied && !self.has_log(),
            "it is missing or empty, and there was something in it: put back a copy of it. To begin anew, \
             remove {mark} and what begins with {file}"
        );
        Ok(())
    }

    /// Once it is open, and before anything is changed.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub(super) fn check_open(&self, connection: &Connection) -> anyhow::Result<()> {
        self.check_identity(connection)?;
        let found = Mark::of(connection).map_err(StoreError::from)?;
        self.check_mark(found, |mark| mark.commits)
    }

    /// Whether what was found is the one that the file tells of, and has as many commits as it needs.
    fn check_mark(
        &self,
        found: Option<Mark>,
        needed: impl FnOnce(&Mark) -> i64,
    ) -> anyhow::Result<()> {
        let Some(mark) = self.mark else {
            return Ok(());
        };
        let accept = format!(
            "If this one is meant, as after putting back a backup, remove {} (and the file that ends with \
             -wal, if it is not of this copy) and start again",
            self.mark_file.display()
        );
        let is_other = found.as_ref().is_some_and(|found| found.id != mark.id);
        ensure!(
            !is_other,
            "it is another database than the one that was used here last: put that one back. {accept}"
        );
        ensure!(
            found.map_or(0, |found| found.commits) >= needed(mark),
            "it lacks what was committed last: its log (-wal) is missing, or an older copy was put in its \
             place. Put back the database and its log as the host left them. {accept}"
        );
        Ok(())
    }

    /// Checks that it is the host's, and of a schema that this host knows; whether it is as new.
    fn check_identity(&self, connection: &Connection) -> anyhow::Result<bool> {
        let number = |sql: &str| number(connection, sql);
        let application = number("PRAGMA application_id")?;
        let schema = number("PRAGMA user_version")?;
        let ours = format!("SELECT count(*) FROM sqlite_schema WHERE name IN ({TABLES})");
        let ours = number(&ours)?;
        let all = number("SELECT count(*) FROM sqlite_schema")?;
        // A host that was killed as it made it.
        let is_new = (application, schema, all) == (0, 0, 0);
        let is_named = application == APPLICATION;
        let is_unnamed = application == 0 && (1..=UNNAMED).contains(&schema) && ours == 3;
        ensure!(is_new || is_named || is_unnamed, FOREIGN);
        ensure!(
            schema <= SCHEMA,
            "it was written by a newer codex-mesh (schema {schema}; this one knows {SCHEMA}): start \
             that one, or put back a copy from before"
        );
        ensure!(
            is_new || (ours == 3 && (is_unnamed || schema > UNNAMED)),
            "it is damaged: some of its tables are missing. Put back a copy of it"
        );
        Ok(is_new)
    }
}

/// How long the file is; 0 if it is missing.
fn length(file: &Path) -> anyhow::Result<u64> {
    match fs::metadata(file) {
        Ok(found) if !found.is_file() => {
            bail!("it is not a regular file: move it away")
        }
        Ok(found) => Ok(found.len()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error).context("it can't be looked at"),
    }
}

fn number(connection: &Connection, sql: &str) -> Result<i64, StoreError> {
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// Opens the database as if it had no log, and as if nobody would change it. SQLite then makes no file.
fn open_alone(file: &Path) -> rusqlite::Result<Connection> {
    let mut uri = b"file:".to_vec();
    for byte in file.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => uri.push(*byte),
            _ if byte.is_ascii_alphanumeric() => uri.push(*byte),
            _ => uri.extend(format!("%{byte:02x}").into_bytes()),
        }
    }
    uri.extend(b"?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(OsString::from_vec(uri), flags)
}
