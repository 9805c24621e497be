//! What a guest says: through the contract's `log`, or on stdout and stderr. Kept up to a limit,
//! and passed on to tracing.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use super::bindings::codex::mesh::log;

/// What a line that was cut, or dropped, leaves behind.
const TRUNCATED: &str = "… (the rest is over the log limit)";

/// One remark of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// How much it matters. What is printed counts as `info` (stdout) and `warn` (stderr).
    pub level: LogLevel,
    /// The remark, control characters escaped.
    pub message: String,
}

/// How much a remark matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl From<log::Level> for LogLevel {
    fn from(level: log::Level) -> Self {
        match level {
            log::Level::Trace => Self::Trace,
            log::Level::Debug => Self::Debug,
            log::Level::Info => Self::Info,
            log::Level::Warn => Self::Warn,
            log::Level::Error => Self::Error,
        }
    }
}

/// The log of one call. Clones share it: the guest's streams write into it too.
#[derive(Debug, Clone)]
pub(super) struct Log(Arc<Mutex<Lines>>);

#[derive(Debug)]
struct Lines {
    kind: Arc<str>,
    left: usize,
    truncated: bool,
    lines: Vec<LogLine>,
    /// What was printed of a line that has not ended yet, on stdout and on stderr.
    open: [Vec<u8>; 2],
}

impl Log {
    pub(super) fn new(kind: Arc<str>, limit: usize) -> Self {
        Self(Arc::new(Mutex::new(Lines {
            kind,
            left: limit,
            truncated: false,
            lines: Vec::new(),
            open: [Vec::new(), Vec::new()],
        })))
    }

    pub(super) fn write(&self, level: LogLevel, message: &str) {
        self.lines().write(level, message);
    }

    /// Everything so far, an unfinished line included.
    pub(super) fn take(&self) -> Vec<LogLine> {
        let mut lines = self.lines();
        lines.end_line(Output::Stdout);
        lines.end_line(Output::Stderr);
        std::mem::take(&mut lines.lines)
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    /// Takes what was printed: programs print a line in pieces.
    fn print(&mut self, output: Output, bytes: &[u8]) {
        let mut pieces = bytes.split(|byte| *byte == b'\n');
        self.extend_line(output, pieces.next().unwrap_or_default());
        for piece in pieces {
            if self.truncated {
                return;
            }
            self.end_line(output);
            self.extend_line(output, piece);
        }
    }

    fn extend_line(&mut self, output: Output, bytes: &[u8]) {
        // No more than is left can be kept, and one byte more shows that there was more.
        let most = self.left.saturating_add(1);
        let open = self.open(output);
        let room = most.saturating_sub(open.len()).min(bytes.len());
        open.extend(bytes.iter().take(room));
    }

    fn end_line(&mut self, output: Output) {
        let line = std::mem::take(self.open(output));
        let line = String::from_utf8_lossy(&line);
        if !line.trim().is_empty() {
            self.write(output.level(), &line);
        }
    }

    fn open(&mut self, output: Output) -> &mut Vec<u8> {
        let [stdout, stderr] = &mut self.open;
        match output {
            Output::Stdout => stdout,
            Output::Stderr => stderr,
        }
    }

    fn write(&mut self, level: LogLevel, message: &str) {
        if self.truncated {
            return;
        }
        let mut line = escape(message, self.left);
        // A line costs something even when it is empty, or empty lines would be free.
        self.left = self.left.saturating_sub(line.len() + 16);
        if self.left == 0 {
            self.truncated = true;
            line.push_str(TRUNCATED);
        }
        // On one line, or a guest could forge others.
        let shown = line.replace('\n', "\\n");
        tracing::debug!(target: "plugin", kind = %self.kind, level = ?level, "{shown}");
        self.lines.push(LogLine {
            level,
            message: line,
        });
    }
}

/// The text with its control characters escaped, up to `limit` bytes.
fn escape(text: &str, limit: usize) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if escaped.len() >= limit {
            break;
        }
        if character.is_control() && character != '\n' && character != '\t' {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// A guest's stdout or stderr, writing into the log. Takes what it permitted at once and never
/// fails: a guest must not break because it talks too much.
#[derive(Clone)]
pub(super) struct Stream {
    pub(super) log: Log,
    pub(super) output: Output,
}

/// Where a guest may print.
#[derive(Debug, Clone, Copy)]
pub(super) enum Output {
    Stdout,
    Stderr,
}

impl Output {
    fn level(self) -> LogLevel {
        match self {
            Self::Stdout => LogLevel::Info,
            Self::Stderr => LogLevel::Warn,
        }
    }
}

/// The most that one write is told it may bring.
const PERMIT: usize = 64 << 10;

impl Stream {
    fn append(&self, bytes: &[u8]) {
        self.log.lines().print(self.output, bytes);
    }
}

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    // The default wraps the stream above in a task of its own, which may still hold the last
    // words of a guest that just panicked.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl OutputStream for Stream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > PERMIT {
            return Err(StreamError::trap(
                "wrote more at once than it was permitted",
            ));
        }
        self.append(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT)
    }
}

#[async_trait::async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.append(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
