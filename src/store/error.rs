//! Why the store did not do what was asked.

use rusqlite::ErrorCode;
use thiserror::Error;

use crate::plan::Refused;

/// Why the store did not do what was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// There is no such plan.
    #[error("Plan not found")]
    NotFound,
    /// The state machine says no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// No room left.
    #[error("the disk is full: free some space, nothing was changed")]
    Full,
    /// Not writable.
    #[error(
        "the database can't be written: make its folder and files writable, nothing was changed"
    )]
    ReadOnly,
    /// The disk, or what stands for one, does not do its work.
    #[error("the database can't be written or read, because its disk fails: {0}")]
    Disk(String),
    /// Somebody else uses it.
    #[error(
        "another program holds the database locked: end it, or try again once it is done; nothing was \
         stored"
    )]
    Locked,
    /// What is on disk is no database any more.
    #[error(
        "the database is damaged: {0}. Stop the host, keep the files as they are, and put back a copy \
         (README, The data folder)"
    )]
    Corrupt(String),
    /// The open database is not the one at its path any more.
    #[error(
        "the database is not in its place any more: {0}. Put the data folder back as it was, and the \
         host goes on; if it is lost, restart the host. What was asked for was not stored"
    )]
    Gone(String),
    /// What is stored can't be read.
    #[error("the stored plan {id} is damaged and can't be read: {error}. Others are not affected")]
    Damaged {
        /// The plan.
        id: String,
        /// What is wrong with it.
        error: String,
    },
    /// A component that a plan needs was removed.
    #[error("the plugin {0} is not kept any more: create the plan again")]
    PluginGone(String),
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
    /// The host itself failed.
    #[error("the host failed while it did this, and nothing was changed; its log says more")]
    Fault,
    /// Anything else.
    #[error("the database failed: {0}")]
    Database(#[source] rusqlite::Error),
}

impl StoreError {
    /// The same error for another caller that it hit: SQLite's own can't be copied.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::NotFound => Self::NotFound,
            Self::Refused(refused) => Self::Refused(refused.clone()),
            Self::Full => Self::Full,
            Self::ReadOnly => Self::ReadOnly,
            Self::Disk(error) => Self::Disk(error.clone()),
            Self::Locked => Self::Locked,
            Self::Corrupt(error) => Self::Corrupt(error.clone()),
            Self::Gone(what) => Self::Gone(what.clone()),
            Self::Damaged { id, error } => Self::Damaged {
                id: id.clone(),
                error: error.clone(),
            },
            Self::PluginGone(sha256) => Self::PluginGone(sha256.clone()),
            Self::Closed => Self::Closed,
            Self::Fault => Self::Fault,
            Self::Database(rusqlite::Error::SqliteFailure(code, message)) => {
                Self::Database(rusqlite::Error::SqliteFailure(*code, message.clone()))
            }
            Self::Database(error) => Self::Database(rusqlite::Error::ToSqlConversionFailure(
                error.to_string().into(),
            )),
        }
    }

    /// Whether the same call may succeed later, once the operator has acted.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Full
                | Self::ReadOnly
                | Self::Disk(_)
                | Self::Locked
                | Self::Corrupt(_)
                | Self::Gone(_)
                | Self::Database(_)
        )
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly
            }
            Some(ErrorCode::SystemIoFailure) => Self::Disk(error.to_string()),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt(error.to_string())
            }
            _ => Self::Database(error),
        }
    }
}
