//! Opening the database, and the threads that read from it.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::ensure;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};
use tokio::sync::{Semaphore, oneshot};

use crate::store::StoreError;

/// Reading connections, and so reads at the same time.
const READERS: usize = 4;

/// How long SQLite waits for a lock. Only a checkpoint, or a person with a shell, holds one.
pub(super) const BUSY: Duration = Duration::from_secs(2);

/// What is done to an older database, in order. Never changed, only added to.
const STEPS: &[M<'static>] = &[
    M::up(include_str!("0001_plans.sql")),
    M::up(include_str!("0002_run.sql")),
    M::up(include_str!("0003_plugins.sql")),
    M::up(include_str!("0004_mark.sql")),
    M::up(include_str!("0005_brain.sql")),
    M::up(include_str!("0006_clock.sql")),
];

/// The schema that this host knows.
pub(super) const SCHEMA: i64 = STEPS.len() as i64;

const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

/// Opens the database for writing, up to date, unless `check` refuses it.
pub(super) fn open(
    file: &Path,
    check: impl FnOnce(&Connection) -> anyhow::Result<()>,
) -> anyhow::Result<Connection> {
    let connection = Connection::open(file).map_err(StoreError::from)?;
    let mut connection = checked(connection, check)?;
    let journal = set_up(&connection).map_err(StoreError::from)?;
    ensure!(
        journal == "wal",
        "it can't have a write-ahead log where it is: put the data folder on a local disk"
    );
    MIGRATIONS
        .to_latest(&mut connection)
        .map_err(migration_failed)?;
    Ok(connection)
}

/// One that is refused stays as it was: its log is not folded in.
fn checked(
    connection: Connection,
    check: impl FnOnce(&Connection) -> anyhow::Result<()>,
) -> anyhow::Result<Connection> {
    let left = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    let prepared = connection.busy_timeout(BUSY);
    let prepared = prepared.and_then(|()| connection.set_db_config(left, true));
    prepared.map_err(StoreError::from)?;
    check(&connection)?;
    let kept = connection.set_db_config(left, false);
    kept.map_err(StoreError::from)?;
    Ok(connection)
}

/// Which journal it has.
fn set_up(connection: &Connection) -> rusqlite::Result<String> {
    // Synced at every commit, through the disk's own cache where the system can (macOS).
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", "ON")?;
    // Savepoints keep what a page was before; in a file of their own that doubles the writes.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // In pages. A checkpoint writes each changed page once, so fewer of them write less; the log
    // stays under 16 MiB for it.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    // In bytes: what is left of the log's file once it is used from its beginning again.
    connection.pragma_update(None, "journal_size_limit", 16 << 20)?;
    // In KiB. Four times the default: where plans, history and events are added.
    connection.pragma_update(None, "cache_size", -8_000)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
}

/// An error of SQLite's own is told like any other.
fn migration_failed(error: rusqlite_migration::Error) -> anyhow::Error {
    match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => StoreError::from(err).into(),
        error => error.into(),
    }
}

/// Reads, on threads for blocking work, each with a connection of its own. All of them are opened at
/// the start: later another database could be at the path.
pub(super) struct Reader {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

/// A connection that goes back to the others, however the read with it ends.
struct Lent {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Reader {
    pub(super) fn start(file: &Path) -> anyhow::Result<Self> {
        let connections = (0..READERS).map(|_| Self::connect(file));
        let connections = connections.collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            permits: Arc::new(Semaphore::new(connections.len())),
            idle: Arc::new(Mutex::new(connections)),
        })
    }

    fn connect(file: &Path) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        connection.busy_timeout(BUSY)?;
        // A connection opens the file with its first read.
        connection.pragma_query_value(None, "schema_version", |_| Ok(()))?;
        Ok(connection)
    }

    /// Runs one read.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permits = Arc::clone(&self.permits);
        let permit = permits
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let idle = Arc::clone(&self.idle);
        let (reply, answer) = oneshot::channel();
        tokio::task::spawn_blocking(move || {
            let outcome = Lent::of(idle).read(read);
            drop(permit);
            // Nobody waits any more when the caller is gone: a read has no effect.
            let _ = reply.send(outcome);
        });
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Closes the connections, once what is read now has been read.
    pub(super) async fn close(&self) {
        let all = u32::try_from(READERS).unwrap_or(u32::MAX);
        let read = tokio::time::timeout(BUSY, self.permits.acquire_many(all)).await;
        self.permits.close();
        if read.is_err() {
            tracing::warn!("something is still being read from the database");
        }
        lock(&self.idle).clear();
    }
}

impl Lent {
    /// There is one for every permit.
    fn of(idle: Arc<Mutex<Vec<Connection>>>) -> Self {
        let connection = lock(&idle).pop();
        Self { connection, idle }
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.connection
            .as_ref()
            .map_or(Err(StoreError::Closed), read)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        lock(&self.idle).extend(self.connection.take());
    }
}

fn lock(idle: &Mutex<Vec<Connection>>) -> MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::open;

    /// A kill can't show the difference: what is not synced is still in the system's cache then.
    #[test]
    fn a_commit_is_on_disk_when_it_returns() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&folder.path().join("mesh.db"), |_| Ok(())).unwrap();
        let setting = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        assert_eq!(setting("synchronous"), Ok(2), "FULL");
        assert_eq!(setting("fullfsync"), Ok(1));
        let journal: String = connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .unwrap();
        assert_eq!(journal, "wal");
    }
}
