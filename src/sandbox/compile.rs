//! Compiling takes as much time and memory as the component's author likes: a few kilobytes can keep
//! a compiler busy for hours. So it is done by a process of its own ([`compiler`]), which has limits,
//! is ended when it goes over them or the host ends, and knows nothing of the host's secrets. There
//! are only so many at a time.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use wasmtime::component::Component;

use super::cache::CompileCache;
use super::compiler;
use super::engine::Sandbox;
use super::fault::LoadError;
use super::limits::Limits;

/// The program that is running, also after its file was replaced by another version.
pub const THIS_PROGRAM: &str = "/proc/self/exe";

/// How a component begins, and how a core module does: the magic number, then version and layer
/// (WebAssembly specification, binary format, and the component model's `Binary.md`).
const MAGIC: &[u8] = b"\0asm";
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// Compilations at the same time: one more than one client may send components, so that the plugins
/// folder, kept versions and other clients find a place.
const COMPILERS: usize = 3;

/// What a compiled form may have, in bytes: so much for each byte of the component, and so much more.
const GROWTH: usize = 16;
const SLACK: usize = 4 << 20;

/// What is read of what a compiler says, in bytes.
const WORDS: usize = 16 << 10;

/// What Rust's runtime says before it aborts because there is no memory left.
const NO_MEMORY: &str = "memory allocation of";

/// Threads that one process compiles with at the most. Each needs memory of its own, and the host
/// needs processors too.
const THREADS: usize = 4;

/// The compiled form of a component, from the cache if it is there; else it is compiled within the
/// limit, or within this time if that is less.
pub(super) async fn component(
    sandbox: &Sandbox,
    cache: Arc<CompileCache>,
    bytes: Arc<[u8]>,
    within: Option<Duration>,
) -> Result<Component, LoadError> {
    check_header(&bytes, sandbox.limits.component_bytes)?;
    if let Some(component) = cache.find(&sandbox.engine, Arc::clone(&bytes)).await {
        return Ok(component);
    }
    let compiled = sandbox.compilers.compile(&bytes, within).await?;
    cache.keep(&sandbox.engine, bytes, compiled).await
}

fn check_header(bytes: &[u8], limit: usize) -> Result<(), LoadError> {
    if bytes.is_empty() {
        return Err(LoadError::Empty);
    }
    if bytes.len() > limit {
        return Err(LoadError::TooLarge(bytes.len(), limit));
    }
    if !bytes.starts_with(MAGIC) {
        return Err(LoadError::NotWasm);
    }
    if bytes.starts_with(CORE_MODULE) {
        return Err(LoadError::CoreModule);
    }
    Ok(())
}

/// Starts the processes that compile.
pub(super) struct Compilers {
    program: PathBuf,
    memory_bytes: u64,
    limit_ms: u64,
    /// One permit a process. Each comes back within the limit, so that waiting has an end as well.
    room: Semaphore,
}

/// What a process that compiles came to.
struct Ended {
    status: ExitStatus,
    compiled: Vec<u8>,
    words: Vec<u8>,
}

impl Compilers {
    pub(super) fn new(program: PathBuf, limits: &Limits) -> Self {
        Self {
            program,
            memory_bytes: limits.compile_memory_bytes,
            limit_ms: limits.compile_ms,
            room: Semaphore::new(COMPILERS),
        }
    }

    /// What the compiler makes of a component. It is gone when this returns.
    async fn compile(
        &self,
        component: &[u8],
        within: Option<Duration>,
    ) -> Result<Vec<u8>, LoadError> {
        let limit = Duration::from_millis(self.limit_ms);
        let limit = within.map_or(limit, |within| within.min(limit));
        let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        if limit.is_zero() {
            return Err(LoadError::CompileTime(limit_ms));
        }
        let failed = |error: std::io::Error| LoadError::Compiler(error.to_string());
        let room = self.room.acquire().await;
        let _room = room.map_err(|closed| LoadError::Compiler(closed.to_string()))?;
        let mut child = self.command().spawn().map_err(failed)?;
        let most = component.len().saturating_mul(GROWTH).saturating_add(SLACK);
        match timeout(limit, converse(&mut child, component, most)).await {
            Ok(ended) => self.made(ended.map_err(failed)?, most),
            Err(_) => {
                child.kill().await.map_err(failed)?;
                Err(LoadError::CompileTime(limit_ms))
            }
        }
    }

    fn command(&self) -> Command {
        let threads = available_parallelism().map_or(1, usize::from).min(THREADS);
        let cpu_seconds = self.limit_ms.div_ceil(1_000);
        let cpu_seconds = cpu_seconds.saturating_mul(threads as u64);
        let mut command = Command::new(&self.program);
        command
            .arg0("codex-mesh")
            .arg(compiler::COMMAND)
            .arg(self.memory_bytes.to_string())
            .arg(cpu_seconds.to_string())
            // Secrets are in variables.
            .env_clear()
            .env("RAYON_NUM_THREADS", threads.to_string())
            .env("TOKIO_WORKER_THREADS", "1")
            // Memory is taken from the system when it is used: all that is taken counts.
            .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
            .env("MIMALLOC_PAGE_COMMIT_ON_DEMAND", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl-C is meant for the host, which ends what it has begun.
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    fn made(&self, ended: Ended, most: usize) -> Result<Vec<u8>, LoadError> {
        let words = String::from_utf8_lossy(&ended.words).into_owned();
        let by = |signal: Signal| ended.status.signal() == Some(signal.as_raw());
        let exits = |code: u8| ended.status.code() == Some(code.into());
        let no_memory =
            exits(compiler::NO_MEMORY) || by(Signal::ABORT) && words.contains(NO_MEMORY);
        if ended.compiled.len() > most {
            Err(LoadError::CompiledTooLarge(most))
        } else if ended.status.success() {
            Ok(ended.compiled)
        } else if exits(compiler::REFUSED) {
            Err(LoadError::Compile(words))
        } else if no_memory {
            Err(LoadError::CompileMemory(self.memory_bytes))
        } else if by(Signal::XCPU) {
            Err(LoadError::CompileTime(self.limit_ms))
        } else {
            Err(LoadError::Compiler(format!("{} {words}", ended.status)))
        }
    }
}

/// Gives the process its component, and takes what comes of it, until it has ended.
async fn converse(child: &mut Child, component: &[u8], most: usize) -> std::io::Result<Ended> {
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let writing = async move {
        if let Some(mut input) = input {
            // One that has ended takes no more; how it ended says why.
            let _ = input.write_all(component).await;
        }
    };
    let ((), compiled, words) = tokio::join!(writing, read(output, most), read(errors, WORDS));
    Ok(Ended {
        compiled: compiled?,
        words: words?,
        status: child.wait().await?,
    })
}

/// Up to `most` bytes, and one more if there are more.
async fn read(from: Option<impl AsyncRead + Unpin>, most: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        let most = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
        from.take(most).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}
