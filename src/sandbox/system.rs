//! What the operating system must allow: room for the pool of memories, and memory that is executable.
//! Where it does not, the error says which setting does.

use std::io;

use anyhow::{Context, bail};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use wasmtime::Engine;

use super::engine::config;
use super::limits::Limits;

/// The address space that the program needs for anything at all, in bytes.
const LEAST: u64 = 256 << 20;

/// The files that the program needs to have open at the same time.
const LEAST_FILES: u64 = 64;

/// The address space that a host needs beside the pool: threads, compiled code, the database and what
/// is allocated. So much was measured, and a third of it more.
const BESIDE: u64 = 2 << 30;

/// What a host may write to at least, in bytes.
const DATA: u64 = 512 << 20;

/// How to get more address space.
const MORE: &str =
    "raise the limit (`ulimit -v unlimited`, or LimitAS=infinity in a unit of systemd)";

/// Whether there is room for anything. Called before anything is allocated that could not be.
///
/// # Errors
/// What is too small, and how to change that.
pub fn check_least() -> Result<(), &'static str> {
    raise_descriptors();
    if limited(Resource::Nofile) < LEAST_FILES {
        return Err(
            "error: codex-mesh needs at least 64 open files, and a host some thousand: raise the \
             limit (`ulimit -n 65536`, or LimitNOFILE=65536 in a unit of systemd)\n",
        );
    }
    if limited(Resource::As) >= LEAST && limited(Resource::Data) >= LEAST / 4 {
        return Ok(());
    }
    Err(
        "error: codex-mesh needs at least 256 MiB of address space, and a host some GiB: raise the \
         limits (`ulimit -v unlimited`, `ulimit -d unlimited`, or LimitAS=infinity and \
         LimitDATA=infinity in a unit of systemd)\n",
    )
}

/// Takes as many open files as the system lets this process have. A shell gives it 1,024 at first, for the
/// sake of old programs.
fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // Where that can't be, it goes on with what it has.
    let _ = setrlimit(Resource::Nofile, raised);
}

/// Whether so many files may be open at the same time; if not, what to do about it.
pub(crate) fn check_descriptors(needed: usize) -> Result<(), String> {
    let (needed, room) = (
        u64::try_from(needed).unwrap_or(u64::MAX),
        limited(Resource::Nofile),
    );
    if needed <= room {
        return Ok(());
    }
    Err(format!(
        "{room} files may be open at the same time, and the host may need {needed} for its clients, steps \
         and database: raise the limit (`ulimit -n {needed}`, or LimitNOFILE={needed} in a unit of systemd), \
         or lower connections and concurrent_steps under [limits]"
    ))
}

/// The engine of a host, with its pool.
pub(super) fn engine(limits: &Limits) -> anyhow::Result<Engine> {
    let pool = pool_bytes(limits);
    let (needed, room) = (pool.saturating_add(BESIDE), limited(Resource::As));
    let fewer = "lower concurrent_calls under [limits.plugin]";
    if room < needed {
        bail!(
            "the address space is limited to {room} bytes, and this host needs {needed}, of which {pool} are \
             reserved for the memories of plugins: {MORE}, or {fewer}"
        );
    }
    let data = limited(Resource::Data);
    if data < DATA {
        bail!(
            "the memory that may be written to is limited to {data} bytes, and a host needs {DATA}: raise the \
             limit (`ulimit -d unlimited`, or LimitDATA=infinity in a unit of systemd)"
        );
    }
    let engine = Engine::new(&config(limits)).map_err(anyhow::Error::from);
    engine.with_context(|| {
        format!(
            "{pool} bytes of address space can't be reserved for the memories of plugins: {MORE}, do not \
             forbid overcommitment (vm.overcommit_memory), or {fewer}"
        )
    })
}

fn pool_bytes(limits: &Limits) -> u64 {
    let memories = u64::from(limits.concurrent_calls).saturating_mul(2);
    memories.saturating_mul(Limits::MEMORY_SLOT as u64)
}

fn limited(resource: Resource) -> u64 {
    getrlimit(resource).current.unwrap_or(u64::MAX)
}

/// What the system refused and what to do, if an error is the system's.
pub(super) fn refused(error: &wasmtime::Error) -> Option<String> {
    let errno = error.chain().find_map(|error| {
        let io = || {
            error
                .downcast_ref::<io::Error>()
                .and_then(Errno::from_io_error)
        };
        error.downcast_ref::<Errno>().copied().or_else(io)
    })?;
    let remedy = match errno {
        Errno::ACCESS | Errno::PERM => {
            "compiled code needs memory that is executable: set MemoryDenyWriteExecute=no in a unit of \
             systemd, or allow it where something else forbids it (seccomp, execmem of SELinux)"
        }
        Errno::NOMEM => {
            "there is no room for it: raise the limit of the address space (`ulimit -v`, LimitAS in a unit \
             of systemd) or of mappings (vm.max_map_count)"
        }
        _ => "see the system's log",
    };
    Some(format!("{error:#}; {remedy}"))
}
