//! Which database this is and how far it has come, in the database and in a small file beside it. A
//! database that is behind its file has lost something: an older copy was put in its place, or what was
//! committed last was in a log that is gone.
//!
//! The file is written after a commit, and not waited for: it may be behind, and is never ahead.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use rusqlite::{Connection, OptionalExtension};

use super::text::{Number, Shown};
use crate::private;

/// What the file begins with: what it is, and the version of its form.
const HEAD: &str = "codex-mesh-mark 1";

/// Longer than the file is, in bytes.
const LONGEST: u64 = 256;

/// How far a database has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// Which database it is.
    pub(super) id: String,
    /// How many times something was committed to it.
    pub(super) commits: i64,
    /// How many of those are in the database even without its log.
    pub(super) folded: i64,
}

impl Mark {
    /// What the file says, if there is one. A file that says nothing is worth no refusal.
    ///
    /// # Errors
    /// When what is there can't be read.
    pub(super) fn read(path: &Path) -> anyhow::Result<Option<Self>> {
        let shown = path.display();
        match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            // Opening a pipe would wait for somebody at its other end.
            Ok(found) => ensure!(found.is_file(), "{shown} is not a regular file: remove it"),
            Err(error) => return Err(error).context(format!("{shown} can't be looked at")),
        }
        let mut text = Vec::new();
        let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut text));
        read.with_context(|| format!("{shown} can't be read"))?;
        let mark = Self::parse(&String::from_utf8_lossy(&text));
        if mark.is_none() {
            tracing::warn!("{shown} says nothing, and is written anew");
        }
        Ok(mark)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.strip_prefix(HEAD)?.split_whitespace();
        Some(Self {
            id: words.next()?.to_owned(),
            commits: words.next()?.parse().ok()?,
            folded: words.next()?.parse().ok()?,
        })
    }

    /// What the database itself says; nothing if an earlier host made it.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Option<Self>> {
        let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'mark'";
        let has_one = connection.query_row(sql, [], |_| Ok(())).optional()?;
        if has_one.is_none() {
            return Ok(None);
        }
        let read = connection.query_row("SELECT id, commits FROM mark", [], |row| {
            Ok(Self {
                id: row.get(0).map(|Shown(id)| id)?,
                commits: row.get(1).map(|Number(commits)| commits)?,
                folded: 0,
            })
        });
        read.optional()
    }

    /// Always as long, so that it can be written over the one before.
    fn text(&self) -> String {
        let Self {
            id,
            commits,
            folded,
        } = self;
        format!("{HEAD} {id} {commits:020} {folded:020}\n")
    }
}

/// Keeps the mark of the open database, there and in its file.
pub(super) struct Marker {
    mark: Mark,
    path: PathBuf,
    /// None if it could not be written at the start.
    file: Option<File>,
}

impl Marker {
    /// Begins with the mark that the database has.
    pub(super) fn new(mark: Mark, path: PathBuf) -> Self {
        let mut marker = Self {
            mark,
            path,
            file: None,
        };
        marker.save();
        marker
    }

    /// Counts a commit, as part of it.
    pub(super) fn count(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection
            .prepare_cached("UPDATE mark SET commits = ?1")?
            .execute([self.mark.commits.saturating_add(1)])?;
        Ok(())
    }

    /// That commit is on disk.
    pub(super) fn committed(&mut self) {
        self.mark.commits = self.mark.commits.saturating_add(1);
        self.write();
    }

    /// Everything that was committed is in the database even without its log.
    pub(super) fn folded(&mut self) {
        self.mark.folded = self.mark.commits;
        self.write();
    }

    /// Best effort: a mark that is behind notices less.
    fn write(&self) {
        if let Some(file) = &self.file
            && let Err(error) = file.write_all_at(self.mark.text().as_bytes(), 0)
        {
            tracing::warn!("{} can't be written: {error}", self.path.display());
        }
    }

    /// Opens the file and writes it, also if it was removed or said something else.
    pub(super) fn save(&mut self) {
        match self.saved() {
            Ok(file) => self.file = Some(file),
            Err(error) => tracing::warn!(
                "{} can't be written, so that an older copy of the database would not be noticed: \
                 {error}",
                self.path.display()
            ),
        }
    }

    fn saved(&self) -> io::Result<File> {
        let text = self.mark.text();
        // Written over, and not replaced: it belongs to whom it belonged, and a full disk has room for it.
        let file = private::open(&self.path)?;
        file.write_all_at(text.as_bytes(), 0)?;
        file.set_len(u64::try_from(text.len()).unwrap_or(LONGEST))?;
        file.sync_all()?;
        Ok(file)
    }
}
