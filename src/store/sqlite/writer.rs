//! The thread that writes: whatever waits when it comes round shares one commit. A commit counts only
//! if the database is in its place before and after it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

use super::home::Home;
use super::{Outcome, failpoint};
use crate::store::StoreError;

/// Writes that may wait; past it callers wait to get in.
const QUEUE: usize = 1_024;

/// Writes that share a commit at the most: the first of them waits for the last.
const GROUP: usize = 128;

/// One caller's part of a commit.
trait Part: Send {
    /// Does it, in the transaction.
    fn perform(&mut self, connection: &Connection) -> Outcome;

    /// Tells the caller, after the commit. An error replaces what was done.
    fn reply(self: Box<Self>, committed: Result<(), &StoreError>);
}

/// A part that gives a value.
struct Work<T, F, G> {
    work: Option<F>,
    /// Told the value once it is on disk, before the caller is, and also if the caller is gone.
    then: G,
    done: Option<Result<T, StoreError>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F, G> Part for Work<T, F, G>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, StoreError> + Send,
    G: FnOnce(&T) + Send,
{
    fn perform(&mut self, connection: &Connection) -> Outcome {
        let Some(work) = self.work.take() else {
            return Ok(());
        };
        match work(connection) {
            Ok(value) => {
                self.done = Some(Ok(value));
                Ok(())
            }
            Err(error) => {
                let failed = error.again();
                self.done = Some(Err(error));
                Err(failed)
            }
        }
    }

    fn reply(self: Box<Self>, committed: Result<(), &StoreError>) {
        let outcome = match (committed, self.done) {
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(StoreError::Fault),
            (Err(error), _) => Err(error.again()),
        };
        if let Ok(value) = &outcome {
            (self.then)(value);
        }
        // A caller that is gone does not undo what is on disk.
        let _ = self.caller.send(outcome);
    }
}

/// Hands writes to the thread that owns the connection.
pub(super) struct Writer {
    open: Mutex<Option<Open>>,
    trouble: Trouble,
}

/// Why nothing could be committed when it was tried last.
type Trouble = Arc<Mutex<Option<String>>>;

/// The way to the thread.
struct Open {
    orders: mpsc::Sender<Box<dyn Part>>,
    thread: JoinHandle<()>,
}

impl Writer {
    pub(super) fn start(home: Home) -> anyhow::Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let trouble = Trouble::default();
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn({
                let trouble = Arc::clone(&trouble);
                move || run(home, receiver, &trouble)
            })?;
        let open = Open {
            orders: sender,
            thread,
        };
        Ok(Self {
            open: Mutex::new(Some(open)),
            trouble,
        })
    }

    /// Why nothing could be committed when it was tried last, if nothing could.
    pub(super) fn trouble(&self) -> Option<String> {
        lock(&self.trouble).clone()
    }

    /// Writes what waits, and closes the database. It is closed when this returns.
    pub(super) async fn close(&self) {
        let Some(Open { orders, thread }) = lock(&self.open).take() else {
            return;
        };
        drop(orders);
        let joined = spawn_blocking(move || thread.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            tracing::error!("the thread that writes ended by a fault of the host");
        }
    }

    /// Does the work in a transaction; returns when it would survive a power cut.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run_then(work, |_| {}).await
    }

    /// The same, and tells `then` what came of it as soon as it would survive. `then` may not wait:
    /// every other write waits for it.
    pub(super) async fn run_then<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, StoreError> {
        let (caller, outcome) = oneshot::channel();
        let part = Box::new(Work {
            work: Some(work),
            then,
            done: None,
            caller,
        });
        let orders = lock(&self.open).as_ref().map(|open| open.orders.clone());
        let orders = orders.ok_or(StoreError::Closed)?;
        orders.send(part).await.map_err(|_| StoreError::Closed)?;
        // Else the thread would not end before this does.
        drop(orders);
        outcome.await.unwrap_or(Err(StoreError::Closed))
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs until the [`Writer`] is closed or gone, and the queue is empty.
fn run(mut home: Home, mut waiting: mpsc::Receiver<Box<dyn Part>>, trouble: &Trouble) {
    let mut group = Vec::with_capacity(GROUP);
    while waiting.blocking_recv_many(&mut group, GROUP) > 0 {
        let committed = commit(&mut home, &mut group);
        if let Err(error) = &committed {
            tracing::error!("a commit failed: {error}");
        }
        *lock(trouble) = committed.as_ref().err().map(ToString::to_string);
        for part in group.drain(..) {
            let reply = || part.reply(committed.as_ref().copied());
            // The panic hook has reported it, and the next one is still to be told.
            let _ = catch_unwind(AssertUnwindSafe(reply));
        }
        home.keep_log_small();
    }
}

/// Does all of it in one transaction; each part in a savepoint, so that one that fails takes
/// nothing of the others with it.
fn commit(home: &mut Home, group: &mut [Box<dyn Part>]) -> Outcome {
    let connection = &home.connection;
    let committed = execute(connection, "BEGIN IMMEDIATE").and_then(|()| {
        home.place.check()?;
        home.whole.check(&home.place)?;
        let before = connection.total_changes();
        for part in group.iter_mut() {
            in_savepoint(connection, part.as_mut())?;
        }
        let changed = connection.total_changes() != before;
        if changed {
            home.marker.count(connection)?;
        }
        failpoint::hit("before");
        home.place.check()?;
        execute(connection, "COMMIT")?;
        if changed {
            home.whole.committed();
        }
        // It may have gone meanwhile.
        home.place.check().map(|()| changed)
    });
    failpoint::hit("after");
    if committed.is_err()
        && !connection.is_autocommit()
        && let Err(error) = execute(connection, "ROLLBACK")
    {
        tracing::error!("a failed commit could not be rolled back: {error}");
    }
    if committed? {
        home.marker.committed();
    }
    Ok(())
}

fn in_savepoint(connection: &Connection, part: &mut dyn Part) -> Outcome {
    execute(connection, "SAVEPOINT part")?;
    // A part that panics fails alone: this thread writes for everybody.
    let performed = catch_unwind(AssertUnwindSafe(|| part.perform(connection)));
    if let Err(error) = performed.unwrap_or(Err(StoreError::Fault)) {
        // On some faults, a full disk among them, SQLite rolls the whole transaction back itself.
        if connection.is_autocommit() {
            return Err(error);
        }
        execute(connection, "ROLLBACK TO part")?;
    }
    execute(connection, "RELEASE part")
}

fn execute(connection: &Connection, sql: &str) -> Outcome {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    /// What fails by a fault of the host fails alone: the thread goes on for everybody else.
    #[tokio::test]
    async fn a_write_that_panics_changes_nothing_and_ends_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (home, _) = Home::open(folder.path()).unwrap();
        home.connection.execute_batch("CREATE TABLE t (x)").unwrap();
        let writer = Writer::start(home).unwrap();
        let insert =
            |x: i64| move |c: &Connection| Ok(c.execute("INSERT INTO t VALUES (?1)", [x])?);
        for _ in 0..3 {
            let failing = writer.run(|connection| -> Result<(), StoreError> {
                connection.execute("INSERT INTO t VALUES (1)", [])?;
                panic!("a fault of the host")
            });
            let (failed, written) = tokio::join!(failing, writer.run(insert(2)));
            assert!(matches!(failed, Err(StoreError::Fault)), "{failed:?}");
            assert_eq!(written.unwrap(), 1);
            // Told, and then a fault: the caller knows nothing, and it is written.
            let told = writer.run_then(insert(3), |_| panic!("a fault of the host"));
            assert!(matches!(told.await, Err(StoreError::Closed)));
        }
        let rows = writer.run(|connection| {
            let count = |x: i64| {
                let count = "SELECT count(*) FROM t WHERE x = ?1";
                connection.query_row(count, [x], |row| row.get(0))
            };
            Ok::<[i64; 3], StoreError>([count(1)?, count(2)?, count(3)?])
        });
        assert_eq!(rows.await.unwrap(), [0, 3, 3]);
    }
}
