//! Asks a file system that may never answer: a network mount whose server is gone, a device, a
//! program that plays file system. Whoever asks waits for so long and no longer, and a thread that
//! gets no answer is one of a few: once all of them wait, no more is asked.
//!
//! The threads are no part of the runtime, and end with the process, which does not wait for them.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rustix::fs::OFlags;
use thiserror::Error;
use tokio::sync::mpsc::{self, Receiver};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Threads that ask at the same time, and so those that may hang.
const THREADS: usize = 4;

/// What is read at once, in bytes: how far a thread has come is told with each of these.
const PIECE: usize = 256 << 10;

/// Things that are told before somebody listens.
const AHEAD: usize = 32;

/// One place of the file system.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    /// How long nothing may come of a question.
    silence: Duration,
    room: Arc<Semaphore>,
    hanging: Arc<Mutex<Vec<Waiting>>>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Error)]
pub(crate) enum NoAnswer {
    /// The file system says nothing.
    #[error("the file system has not answered for {} s", .0.as_secs_f32())]
    Hangs(Duration, Waiting),
    /// It says nothing to others either.
    #[error("the file system is not asked, because {THREADS} threads wait for it already")]
    Full,
    /// No thread could be started, or it failed.
    #[error("the thread that asks the file system failed")]
    Failed,
}

/// A thread that waits for an answer.
#[derive(Debug, Clone)]
pub(crate) struct Waiting(Weak<()>);

impl Waiting {
    /// Whether the answer has come after all.
    pub(crate) fn is_over(&self) -> bool {
        self.0.strong_count() == 0
    }
}

impl From<NoAnswer> for io::Error {
    fn from(why: NoAnswer) -> Self {
        Self::new(io::ErrorKind::TimedOut, why)
    }
}

impl NoAnswer {
    /// This, if it is what an error is about.
    pub(crate) fn of(error: &anyhow::Error) -> Option<&Self> {
        let mut chain = error.chain();
        chain.find_map(|error| {
            let io = || error.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref();
            error.downcast_ref().or_else(io)
        })
    }
}

/// What a thread tells, one thing after the other.
pub(crate) struct Told<T> {
    disk: Disk,
    things: Receiver<T>,
    waiting: Waiting,
}

impl<T> Told<T> {
    /// The next thing; none once the thread has ended.
    pub(crate) async fn next(&mut self) -> Result<Option<T>, NoAnswer> {
        let silence = self.disk.silence;
        let next = timeout(silence, self.things.recv()).await;
        next.map_err(|_| {
            self.disk.hanging(Some(self.waiting.clone()));
            NoAnswer::Hangs(silence, self.waiting.clone())
        })
    }
}

impl Disk {
    /// A place that is given up after such a silence.
    pub(crate) fn new(silence: Duration) -> Self {
        Self {
            silence,
            room: Arc::new(Semaphore::new(THREADS)),
            hanging: Arc::default(),
        }
    }

    /// What this gives, on a thread of its own.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let told = self.follow(|tell| {
            tell(work());
        });
        told.await?.next().await?.ok_or(NoAnswer::Failed)
    }

    /// The same of work that may fail.
    pub(crate) async fn attempt<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        self.ask(work).await?
    }

    /// Does this on a thread of its own, which tells of each thing that it comes to; it is to end
    /// when nobody wants to be told any more.
    pub(crate) async fn follow<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Fn(T) -> bool) + Send + 'static,
    ) -> Result<Told<T>, NoAnswer> {
        let room = self.room().await?;
        let (teller, things) = mpsc::channel(AHEAD);
        let alive = Arc::new(());
        let waiting = Waiting(Arc::downgrade(&alive));
        let thread = move || {
            let _held = (room, alive);
            work(&|thing| teller.blocking_send(thing).is_ok());
        };
        let started = std::thread::Builder::new().name("disk".to_owned());
        started.spawn(thread).map_err(|_| NoAnswer::Failed)?;
        Ok(Told {
            disk: self.clone(),
            things,
            waiting,
        })
    }

    async fn room(&self) -> Result<OwnedSemaphorePermit, NoAnswer> {
        if self.hanging(None) >= THREADS {
            return Err(NoAnswer::Full);
        }
        let room = timeout(self.silence, Arc::clone(&self.room).acquire_owned()).await;
        room.map_err(|_| NoAnswer::Full)?
            .map_err(|_| NoAnswer::Failed)
    }

    /// Notes one more thread that hangs, if there is one; how many do.
    fn hanging(&self, more: Option<Waiting>) -> usize {
        let mut hanging = self.hanging.lock().unwrap_or_else(PoisonError::into_inner);
        hanging.retain(|thread| !thread.is_over());
        hanging.extend(more);
        hanging.len()
    }

    /// Reads a regular file of up to `limit` bytes, however long that takes as long as it goes on.
    pub(crate) async fn read(&self, path: &Path, limit: usize) -> io::Result<Arc<[u8]>> {
        let path = path.to_owned();
        let reading = self.follow(move |tell| {
            if let Err(error) = read_on(&path, limit, &|piece| tell(Ok(piece))) {
                tell(Err(error));
            }
        });
        let mut pieces = reading.await?;
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.next().await? {
            bytes.extend(piece?);
        }
        Ok(bytes.into())
    }
}

/// Reads a regular file of up to `limit` bytes.
pub(crate) fn read(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let bytes = std::cell::RefCell::new(Vec::new());
    read_on(path, limit, &|piece| {
        bytes.borrow_mut().extend(piece);
        true
    })?;
    Ok(bytes.into_inner())
}

/// Reads a regular file of up to `limit` bytes, and tells of each piece.
fn read_on(path: &Path, limit: usize, tell: &dyn Fn(Vec<u8>) -> bool) -> io::Result<()> {
    let irregular = || io::Error::new(io::ErrorKind::InvalidData, "it is not a regular file");
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    let too_large = || {
        let why = format!("it has more than {limit} bytes, which is the limit");
        io::Error::new(io::ErrorKind::FileTooLarge, why)
    };
    // Asked before opening: that alone has effects on some devices.
    if !fs::metadata(path)?.is_file() {
        return Err(irregular());
    }
    // A pipe that took its place meanwhile does not wait for its writer, nor a file for whoever
    // holds it.
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    let file = File::options()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(irregular());
    }
    if found.len() > most {
        return Err(too_large());
    }
    // It may have grown, and some have more in them than they say.
    let mut left = most.saturating_add(1);
    loop {
        let next = left.min(u64::try_from(PIECE).unwrap_or(left));
        let mut piece = Vec::new();
        let read = Read::by_ref(&mut &file)
            .take(next)
            .read_to_end(&mut piece)?;
        left = left.saturating_sub(u64::try_from(read).unwrap_or(left));
        if left == 0 {
            return Err(too_large());
        }
        if read == 0 || !tell(piece) {
            return Ok(());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn what_never_answers_takes_a_few_threads_and_no_more() {
        let disk = Disk::new(Duration::from_millis(20));
        let (answer, waiting) = (0..THREADS)
            .map(|_| channel::<()>())
            .unzip::<_, _, Vec<_>, Vec<_>>();
        let mut hangs = Vec::new();
        for waiting in waiting {
            match disk.ask(move || waiting.recv().is_ok()).await {
                Err(NoAnswer::Hangs(_, thread)) => hangs.push(thread),
                other => unreachable!("{other:?}"),
            }
        }
        assert!(hangs.iter().all(|thread| !thread.is_over()));
        assert!(matches!(disk.ask(|| ()).await, Err(NoAnswer::Full)));
        drop(answer);
        while !hangs.iter().all(Waiting::is_over) {
            tokio::task::yield_now().await;
        }
        assert!(disk.ask(|| true).await.unwrap());
    }

    #[tokio::test]
    async fn a_file_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let (file, disk) = (folder.path().join("a"), Disk::new(Duration::from_secs(60)));
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(3 * PIECE + 7).collect();
        fs::write(&file, &bytes).unwrap();
        assert_eq!(*disk.read(&file, bytes.len()).await.unwrap(), *bytes);
        let more = disk.read(&file, bytes.len() - 1).await.unwrap_err();
        assert_eq!(more.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read(&file, bytes.len()).unwrap(), bytes);
        // It says that it is empty, and is not.
        let endless = read(Path::new("/proc/self/maps"), 16).unwrap_err();
        assert_eq!(endless.kind(), io::ErrorKind::FileTooLarge);
        for none in ["/dev/zero", "/dev", "/proc/self"] {
            let error = disk.read(Path::new(none), 16).await.unwrap_err();
            assert_eq!(error.to_string(), "it is not a regular file");
        }
    }
}
