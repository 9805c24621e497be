//! What a guest says: through the contract's `log`, or on stdout and stderr. Kept up to a limit,
//! and passed on to tracing.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

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
}

impl Log {
    pub(super) fn new(kind: Arc<str>, limit: usize) -> Self {
        Self(Arc::new(Mutex::new(Lines {
            kind,
            left: limit,
            truncated: false,
            lines: Vec::new(),
        })))
    }

    pub(super) fn write(&self, level: LogLevel, message: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(level, message);
    }

    pub(super) fn take(&self) -> Vec<LogLine> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).lines)
    }
}

impl Lines {
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
        tracing::debug!(target: "plugin", kind = %self.kind, level = ?level, "{line}");
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

/// A guest's stdout or stderr, writing into the log. Takes everything at once and never fails: a
/// guest must not break because it talks too much.
#[derive(Clone)]
pub(super) struct Stream {
    pub(super) log: Log,
    pub(super) level: LogLevel,
}

/// The most that one write is told it may bring.
const PERMIT: usize = 64 << 10;

impl Stream {
    fn append(&self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            self.log.write(self.level, line);
        }
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
