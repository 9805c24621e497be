//! Whether something was cut off the open files by another program, as when a smaller copy is put into
//! them in place. SQLite does not look: it adds to what is left, and says that all is well.
//!
//! How long the files have to be is in the index of the log ("WAL-Index Format" of SQLite's file format
//! documents). It is read within a transaction that writes: meanwhile nobody else may change it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::Outcome;
use super::place::Place;

/// Bytes of one copy of the index's header. There are two.
const HEADER: usize = 48;

/// The only version of the index that there is.
const VERSION: u32 = 3_007_000;

/// Bytes before the first frame of a log, and before the page of each.
const LOG_HEAD: u64 = 32;
const FRAME_HEAD: u64 = 24;

/// How long the files have to be.
pub(super) struct Whole {
    /// Open for as long as the database: closing it would end SQLite's own locks on it.
    index: File,
    /// As of the last look, if nobody else has committed anything since.
    known: Option<Known>,
}

/// What was known after a commit.
#[derive(Clone, Copy)]
struct Known {
    /// How many times anybody had committed something.
    commits: u32,
    /// How long the database had to be, in bytes.
    database: u64,
}

/// What the index says.
struct Header {
    commits: u32,
    page_bytes: u64,
    frames: u64,
    pages: u64,
}

impl Whole {
    pub(super) fn new(place: &Place) -> io::Result<Self> {
        Ok(Self {
            index: File::open(&place.index.path)?,
            known: None,
        })
    }

    /// Whether both files are as long as they have to be. Within a transaction that writes.
    pub(super) fn check(&mut self, place: &Place) -> Outcome {
        let Some(header) = self.header() else {
            return Ok(());
        };
        let frame = FRAME_HEAD.saturating_add(header.page_bytes);
        let needed = match header.frames {
            0 => 0,
            frames => frames.saturating_mul(frame).saturating_add(LOG_HEAD),
        };
        place.log.has(needed)?;
        if let Some(known) = self.known
            && known.commits == header.commits
        {
            place.database.has(known.database)?;
        }
        let database = place.database.has(0)?;
        // Folding the log in may cut the database to what is in use.
        let used = match header.pages {
            0 => database,
            pages => pages.saturating_mul(header.page_bytes),
        };
        self.known = Some(Known {
            commits: header.commits,
            database: database.min(used),
        });
        Ok(())
    }

    /// The transaction in which that was looked at is committed, and has changed something.
    pub(super) fn committed(&mut self) {
        if let Some(known) = &mut self.known {
            known.commits = known.commits.wrapping_add(1);
        }
    }

    /// Nothing if it is being changed, or of a form that is not known.
    fn header(&self) -> Option<Header> {
        let mut both = [0; 2 * HEADER];
        self.index.read_exact_at(&mut both, 0).ok()?;
        let (first, second) = both.split_at(HEADER);
        let number = |at: usize| {
            let bytes = first.get(at..)?.first_chunk::<4>()?;
            Some(u32::from_ne_bytes(*bytes))
        };
        let size = u16::from_ne_bytes(*first.get(14..)?.first_chunk::<2>()?);
        (first == second && number(0)? == VERSION).then_some(Header {
            commits: number(8)?,
            // 1 stands for what does not fit.
            page_bytes: if size == 1 { 1 << 16 } else { size.into() },
            frames: number(16)?.into(),
            pages: number(20)?.into(),
        })
    }
}
