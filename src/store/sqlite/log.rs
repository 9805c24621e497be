//! The write-ahead log: what is committed is in it first, and is folded into the database later. SQLite
//! does that now and then, but never where somebody reads, and leaves the file as large as it was.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::connection::BUSY;
use super::place::Place;
use crate::store::StoreError;

/// How large the log may be, in bytes. Past it, it is emptied as soon as nobody reads from it.
const LARGEST: u64 = 32 << 20;

/// How long is waited for those who read, while others wait to write.
const PATIENCE: Duration = Duration::from_millis(50);

/// How soon it is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What became of emptying the log.
enum Emptied {
    /// It is empty.
    Yes,
    /// Somebody else uses it.
    Used,
}

/// How emptying the log goes.
#[derive(Default)]
pub(super) struct Log {
    tried: Option<Instant>,
    /// How large it was when the operator was told that it can't be emptied.
    told: u64,
}

impl Log {
    /// Empties the log once it is large, if that is possible now; whether it did. To be called after
    /// every commit, and now and then.
    pub(super) fn keep_small(&mut self, connection: &Connection, place: &Place) -> bool {
        let bytes = place.log_bytes();
        let lately = self.tried.is_some_and(|tried| tried.elapsed() < AGAIN);
        if bytes <= LARGEST || lately || place.check().is_err() {
            return false;
        }
        let emptied = empty(connection, PATIENCE);
        self.tried = Some(Instant::now());
        match emptied {
            Ok(Emptied::Yes) => {
                self.told = 0;
                return true;
            }
            Ok(Emptied::Used) => self.tell(bytes),
            Err(error) => tracing::error!("the database's log can't be emptied: {error}"),
        }
        false
    }

    /// Said again each time it has doubled. What the host itself reads is over in a moment.
    fn tell(&mut self, bytes: u64) {
        let told = self.told.max(LARGEST);
        if bytes >= told.saturating_mul(2) {
            self.told = bytes;
            tracing::warn!(
                "another program reads the database, so that its log (-wal, {} MiB) can't be emptied: \
                 end that program",
                bytes >> 20
            );
        }
    }

    /// Empties the log, where somebody else does not keep it from that for too long; whether it did.
    pub(super) fn empty(&self, connection: &Connection, place: &Place) -> bool {
        let emptied = match place.check() {
            Ok(()) => empty(connection, BUSY),
            Err(error) => Err(error),
        };
        match emptied {
            Ok(Emptied::Yes) => return true,
            Ok(Emptied::Used) => tracing::warn!(
                "another program uses the database, so that its log could not be emptied: who copies \
                 the database now needs the file that ends with -wal as well"
            ),
            Err(error) => tracing::error!("the database's log could not be emptied: {error}"),
        }
        false
    }
}

/// Folds the log into the database, and cuts it.
fn empty(connection: &Connection, patience: Duration) -> Result<Emptied, StoreError> {
    connection.busy_timeout(patience)?;
    let used = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
    connection.busy_timeout(BUSY)?;
    Ok(if used? { Emptied::Used } else { Emptied::Yes })
}
