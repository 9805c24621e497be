//! What the program says on stdout and stderr. What a host says is best effort: a thread of its own
//! hands it on, so a reader that is slow, gone, or has no room holds up nothing, and what it could not
//! be told is counted. What a command was asked for is written at once, and an error if it can't be.
//! Whatever came from elsewhere is spelled out on the way.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::debug_fn;

use crate::text::{plain, plain_lines};

/// How much may wait for a reader, in bytes; past it lines are dropped.
const WAITING: usize = 4 << 20;

/// The longest text of a log line, in characters.
const LOGGED: usize = 16 << 10;

/// How long the program waits for its readers when it ends.
const LAST: Duration = Duration::from_secs(1);

static STDOUT: LazyLock<Arc<Queue>> = LazyLock::new(|| Queue::start("stdout", io::stdout()));
static STDERR: LazyLock<Arc<Queue>> = LazyLock::new(|| Queue::start("stderr", io::stderr()));

/// Nobody reads what is written to stdout any more.
#[derive(Debug, Error)]
#[error("nobody reads the output any more")]
struct ReaderGone;

/// Writes a text to stdout that may have lines, with whatever is not text spelled out.
///
/// # Errors
/// When it can't be written; [`is_reader_gone`] tells whether that matters.
pub(crate) fn print(text: &str) -> io::Result<()> {
    write(&plain_lines(text))
}

/// Writes to stdout as it is: for what moves the cursor, and has nothing of others in it that does.
///
/// # Errors
/// As for [`print`].
pub(crate) fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    written.and_then(|()| stdout.flush()).map_err(|error| {
        let kind = error.kind();
        match kind {
            ErrorKind::BrokenPipe => io::Error::new(kind, ReaderGone),
            _ => io::Error::new(kind, format!("the output can't be written: {error}")),
        }
    })
}

/// Whether this went wrong only because who read the output has seen enough.
pub(crate) fn is_reader_gone(error: &anyhow::Error) -> bool {
    let mut causes = error.chain();
    causes.any(|cause| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|cause| {
            cause
                .get_ref()
                .is_some_and(|inner| inner.is::<ReaderGone>())
        })
    })
}

/// Says something on stdout, best effort.
pub(crate) fn say(text: &str) {
    STDOUT.add(plain_lines(text).as_bytes());
}

/// Says something on stderr, best effort.
pub(crate) fn complain(text: &str) {
    STDERR.add(plain_lines(text).as_bytes());
}

/// How many lines of the log nobody was told, because they could not be written.
pub(crate) fn lost_lines() -> u64 {
    STDERR.state().lost
}

/// Waits until everything is said, but not for long: the program ends.
pub(crate) fn finish() {
    STDOUT.finish(LAST);
    STDERR.finish(LAST);
}

/// Whether to use colours on this: on a terminal that has any, for people who want them
/// (<https://no-color.org>).
pub(crate) fn has_colours(output: &impl IsTerminal) -> bool {
    let is_wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    is_wanted && moves(output)
}

/// Whether this is a terminal on which lines can move.
pub(crate) fn moves(output: &impl IsTerminal) -> bool {
    output.is_terminal() && std::env::var_os("TERM").is_none_or(|name| name != "dumb")
}

/// Sends the log to stderr: one line an event. A panic is one of them.
///
/// # Errors
/// When there is no filter for it.
pub(crate) fn start_log() -> anyhow::Result<()> {
    // Warnings of the compiler and the HTTP client are not an operator's.
    let filter = EnvFilter::try_from_default_env().or_else(|_| EnvFilter::try_new("info"))?;
    // The names of fields are the program's own, and so is all else of a line.
    let fields = debug_fn(|line, field, value| {
        let value = plain(&format!("{value:?}"));
        let value = crate::text::shorten(&value, LOGGED);
        match field.name() {
            "message" => write!(line, "{value}"),
            name => write!(line, "{name}={value}"),
        }
    });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .fmt_fields(fields.delimited(" "))
        .with_ansi(has_colours(&io::stderr()))
        .log_internal_errors(false)
        .with_writer(|| LogLine)
        .init();
    std::panic::set_hook(Box::new(|panic| {
        let trace = Backtrace::capture();
        match trace.status() {
            BacktraceStatus::Captured => {
                tracing::error!("a fault of the program: {panic}, at {trace}");
            }
            _ => tracing::error!("a fault of the program: {panic}"),
        }
        // It may be the last that the program does.
        STDERR.finish(LAST);
    }));
    Ok(())
}

/// A line of the log, which never fails.
struct LogLine;

impl Write for LogLine {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        STDERR.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What waits to be handed on.
#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    /// Something is being written.
    writing: bool,
    /// Lines that were dropped since the last one that was not.
    dropped: u64,
    /// Lines that nobody was told, in all.
    lost: u64,
}

impl Queue {
    /// A queue whose thread writes to this for as long as the program runs.
    fn start(name: &str, mut to: impl Write + Send + 'static) -> Arc<Self> {
        let queue = Arc::new(Self::default());
        let own = Arc::clone(&queue);
        let thread = std::thread::Builder::new().name(format!("{name}-writer"));
        // Without a thread everything is dropped, once there is no room for more.
        let _ = thread.spawn(move || {
            loop {
                own.hand_on(&mut to);
            }
        });
        queue
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds lines at once, or drops them.
    fn add(&self, lines: &[u8]) {
        let mut state = self.state();
        if state.waiting.len().saturating_add(lines.len()) > WAITING {
            let count = count(lines);
            state.dropped = state.dropped.saturating_add(count);
            state.lost = state.lost.saturating_add(count);
            return;
        }
        if state.dropped > 0 {
            let dropped = std::mem::take(&mut state.dropped);
            let told = format!("({dropped} lines were dropped: nobody read them in time)\n");
            state.waiting.extend_from_slice(told.as_bytes());
        }
        state.waiting.extend_from_slice(lines);
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for lines, and writes them.
    fn hand_on(&self, to: &mut impl Write) {
        let is_idle = |state: &mut State| state.waiting.is_empty();
        let waited = self.changed.wait_while(self.state(), is_idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        let lines = std::mem::take(&mut state.waiting);
        state.writing = true;
        drop(state);
        let written = to.write_all(&lines).and_then(|()| to.flush());
        let mut state = self.state();
        state.writing = false;
        if written.is_err() {
            // Some of them may have been.
            state.lost = state.lost.saturating_add(count(&lines));
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until everything is written, at most this long.
    fn finish(&self, longest: Duration) {
        let is_busy = |state: &mut State| state.writing || !state.waiting.is_empty();
        let waited = self
            .changed
            .wait_timeout_while(self.state(), longest, is_busy);
        // Over time is no error: nobody reads.
        drop(waited);
    }
}

fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A reader that takes nothing until it is told to, and then what it is told to say.
    struct Reader {
        turns: Receiver<bool>,
        read: Sender<String>,
    }

    impl Write for Reader {
        fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
            if !self.turns.recv().unwrap_or(true) {
                return Err(ErrorKind::StorageFull.into());
            }
            // The test may have seen enough.
            let _ = self.read.send(String::from_utf8_lossy(lines).into_owned());
            Ok(lines.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn queue() -> (Arc<Queue>, Sender<bool>, Receiver<String>) {
        let (turn, turns) = channel();
        let (read, seen) = channel();
        (Queue::start("test", Reader { turns, read }), turn, seen)
    }

    #[test]
    fn a_reader_that_does_not_read_costs_lines_and_nothing_else() {
        let (queue, turn, seen) = queue();
        queue.add(b"first\n");
        while !queue.state().writing {
            std::thread::yield_now();
        }
        let line = [b"x".repeat(999).as_slice(), b"\n"].concat();
        let most = WAITING / line.len();
        // Nobody reads, and this returns.
        for _ in 0..most + 5 {
            queue.add(&line);
        }
        assert_eq!(queue.state().lost, 5);
        for lines in [1, most] {
            turn.send(true).unwrap();
            assert_eq!(count(seen.recv().unwrap().as_bytes()), lines as u64);
        }
        queue.add(b"after it\n");
        turn.send(true).unwrap();
        let told = "(5 lines were dropped: nobody read them in time)\nafter it\n";
        assert_eq!(seen.recv().unwrap(), told);
    }

    #[test]
    fn what_can_not_be_written_is_counted_and_the_next_line_comes() {
        let (queue, turn, seen) = queue();
        queue.add(b"one\ntwo\n");
        turn.send(false).unwrap();
        queue.finish(Duration::from_secs(60));
        assert_eq!(queue.state().lost, 2);
        queue.add(b"three\n");
        turn.send(true).unwrap();
        assert_eq!(seen.recv().unwrap(), "three\n");
    }

    #[test]
    fn a_reader_that_never_reads_does_not_keep_the_program() {
        let (queue, _turn, _seen) = queue();
        queue.add(b"one\n");
        queue.finish(Duration::from_millis(1));
        assert!(queue.state().writing || !queue.state().waiting.is_empty());
    }
}
