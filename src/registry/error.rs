//! Why the registry did not do what was asked.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::places::NoPlace;
use crate::sandbox::LoadError;
use crate::store::StoreError;

/// Why the registry did not do what was asked.
#[derive(Debug, Error)]
pub enum RegistryError {
    /// There is no such kind, but there are these.
    #[error("{kind:?} is not loaded: it must be one of {}", .loaded.join(", "))]
    NoKind {
        /// What was asked for.
        kind: String,
        /// What there is.
        loaded: Vec<String>,
    },
    /// It may be among what is not loaded yet.
    #[error(
        "{kind:?} is not loaded yet: plugins are still being loaded, or do not answer (loading and \
         notices in GET /plugins). There are {}; try again in a moment",
        .loaded.join(", ")
    )]
    Loading {
        /// What was asked for.
        kind: String,
        /// What there is.
        loaded: Vec<String>,
    },
    /// The operator wants no new plans of this kind.
    #[error("{0:?} was deactivated: activate a version of it, or leave it out")]
    Deactivated(String),
    /// The version of this kind failed too often.
    #[error(
        "{0:?} is quarantined, because of what it did (the log says more): activate a version of it to lift that"
    )]
    Quarantined(String),
    /// The activated version of this kind did not load.
    #[error("{0:?} has an activated version that does not load: activate another, or roll back")]
    NotLoadable(String),
    /// There is no such version.
    #[error("no plugin with the digest {0} is kept")]
    NotKept(String),
    /// The kind has no version like this.
    #[error("{kind} has no version {asked}: it has {}", .known.join(", "))]
    NoVersion {
        /// The kind.
        kind: String,
        /// What was asked for.
        asked: String,
        /// What there is, as version and digest.
        known: Vec<String>,
    },
    /// Several components call themselves by this version.
    #[error("{kind} has several versions {version}: name one by its sha256: {}", .known.join(", "))]
    Ambiguous {
        /// The kind.
        kind: String,
        /// What they call themselves.
        version: String,
        /// Their digests.
        known: Vec<String>,
    },
    /// What the operator set for the kind is no settings of this version.
    #[error("{0}")]
    Settings(String),
    /// A kept version can't be loaded.
    #[error("the kept version of {0} can't be loaded: {1}")]
    Kept(String, String),
    /// Nothing to roll back.
    #[error("{0} was not activated or deactivated: there is nothing to roll back")]
    NothingChosen(String),
    /// In use.
    #[error("{0} is needed: {1}")]
    Needed(String, String),
    /// Too many components at the same time.
    #[error(transparent)]
    Busy(NoPlace),
    /// As many versions are kept as may be.
    #[error("{0} versions are kept, which is the limit: delete some that are not needed any more")]
    Full(usize),
    /// The kept versions have as many bytes as they may.
    #[error(
        "the component has {size} bytes, and those that are kept have {kept} of {most} (kept_bytes under \
         [limits.plugin]): delete some that are not needed any more"
    )]
    NoRoom {
        /// Of the component.
        size: u64,
        /// Of those that are kept.
        kept: u64,
        /// The limit.
        most: u64,
    },
    /// It is no step plugin of this host.
    #[error("it is refused: {0}")]
    Load(#[from] LoadError),
    /// The folder of kept components fails.
    #[error("the component can't be kept as {file}: {error}", file = .0.display(), error = .1)]
    Shelf(PathBuf, io::Error),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}
