//! The thread that writes: whatever waits when it comes round shares one commit.

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::store::StoreError;

/// Writes that may wait; past it callers wait to get in.
const QUEUE: usize = 1_024;

/// Writes that share a commit at the most: the first of them waits for the last.
const GROUP: usize = 128;

type Work = Box<dyn FnOnce(&Connection) -> Result<(), StoreError> + Send>;
type Outcome = Result<(), StoreError>;

struct Job {
    work: Work,
    reply: oneshot::Sender<Outcome>,
}

/// Hands writes to the thread that owns the connection.
pub(super) struct Writer(mpsc::Sender<Job>);

impl Writer {
    pub(super) fn start(connection: Connection) -> anyhow::Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run(&connection, receiver))?;
        Ok(Self(sender))
    }

    /// Does the work in a transaction; returns when it would survive a power cut.
    pub(super) async fn run(
        &self,
        work: impl FnOnce(&Connection) -> Outcome + Send + 'static,
    ) -> Outcome {
        let (reply, outcome) = oneshot::channel();
        let job = Job {
            work: Box::new(work),
            reply,
        };
        self.0.send(job).await.map_err(|_| StoreError::Closed)?;
        outcome.await.unwrap_or(Err(StoreError::Closed))
    }
}

/// Runs until every [`Writer`] is gone and the queue is empty.
fn run(connection: &Connection, mut jobs: mpsc::Receiver<Job>) {
    let mut group = Vec::with_capacity(GROUP);
    while jobs.blocking_recv_many(&mut group, GROUP) > 0 {
        let (replies, works): (Vec<_>, Vec<_>) =
            group.drain(..).map(|job| (job.reply, job.work)).unzip();
        let outcomes = commit(connection, works, replies.len());
        for (reply, outcome) in replies.into_iter().zip(outcomes) {
            // A caller that is gone does not undo what is on disk.
            let _ = reply.send(outcome);
        }
    }
}

/// Does all of it in one transaction; each part in a savepoint, so that one that fails takes
/// nothing of the others with it.
fn commit(connection: &Connection, works: Vec<Work>, count: usize) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(count);
    let committed = execute(connection, "BEGIN IMMEDIATE").and_then(|()| {
        for work in works {
            outcomes.push(in_savepoint(connection, work));
        }
        execute(connection, "COMMIT")
    });
    if let Err(error) = committed {
        tracing::error!("a commit failed: {error}");
        if !connection.is_autocommit()
            && let Err(error) = execute(connection, "ROLLBACK")
        {
            tracing::error!("and could not be rolled back: {error}");
        }
        let failed = std::iter::repeat_with(|| Err(same(&error)));
        return failed.take(count).collect();
    }
    outcomes
}

fn in_savepoint(connection: &Connection, work: Work) -> Outcome {
    execute(connection, "SAVEPOINT part")?;
    let outcome = work(connection);
    if outcome.is_err() {
        execute(connection, "ROLLBACK TO part")?;
    }
    execute(connection, "RELEASE part")?;
    outcome
}

fn execute(connection: &Connection, sql: &str) -> Outcome {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// The error of a commit, once for each of its parts.
fn same(error: &StoreError) -> StoreError {
    match error {
        StoreError::Full => StoreError::Full,
        StoreError::ReadOnly => StoreError::ReadOnly,
        StoreError::Database(rusqlite::Error::SqliteFailure(code, message)) => {
            StoreError::Database(rusqlite::Error::SqliteFailure(*code, message.clone()))
        }
        other => StoreError::Database(rusqlite::Error::ToSqlConversionFailure(
            other.to_string().into(),
        )),
    }
}
