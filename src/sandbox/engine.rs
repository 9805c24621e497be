//! The engine: how components are compiled and run, what they may import, and the ticker that
//! keeps a loop from running on.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::{cli, filesystem, random};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};

use super::bindings::codex::mesh::{clock, log};
use super::compile::Compilers;
use super::instance::Host;
use super::limits::Limits;
use super::system;
use crate::places::{Places, Purpose, Share, Taken};

/// What is shown of the calls.
const CALLS: Purpose = Purpose {
    are: "calls of plugins are running",
    setting: "[limits.plugin] concurrent_calls",
};

/// What is shown of those that compute for long.
const TURNS: Purpose = Purpose {
    are: "calls compute",
    setting: "fixed",
};

/// How many times what it leaves free a kind may have: alone it gets half, so that the first call of
/// another finds a place.
const TIMES: usize = 1;

/// Core instances, and tables, that one component may be made of. Components of languages with a
/// runtime of their own have dozens.
const PARTS: u32 = 50;

/// What stays resident of a slot between calls, so that resetting it needs no system call.
const KEEP_RESIDENT: usize = 5 << 18;

/// Compiles and runs step components.
pub struct Sandbox {
    pub(super) engine: Engine,
    pub(super) linker: Linker<Host>,
    pub(super) limits: Limits,
    /// One a slot of the pool, shared by the kinds: past it the pool would fail instead of waiting.
    pub(super) slots: Places<Arc<str>>,
    /// One a call that computes for longer than a tick.
    pub(super) turns: Places<Arc<str>>,
    pub(super) compilers: Compilers,
}

impl Sandbox {
    /// An engine with a pool for `limits.concurrent_calls` calls at a time, and its ticker.
    /// `program` is a `codex-mesh`, which compiles components in processes of its own.
    ///
    /// # Errors
    /// What the operating system does not allow, and how it would.
    pub fn new(limits: Limits, program: PathBuf) -> anyhow::Result<Self> {
        let engine = system::engine(&limits)?;
        let linker = linker(&engine)?;
        start_ticker(&engine)?;
        let slots = usize::try_from(limits.concurrent_calls)?;
        Ok(Self {
            engine,
            linker,
            slots: Places::new(CALLS, slots, [Share::each(TIMES)]),
            turns: Places::new(TURNS, turns(), [Share::each(TIMES)]),
            compilers: Compilers::new(program, &limits),
            limits,
        })
    }

    /// The limits of every call.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How its slots are shared by the kinds now, and the turns of calls that compute for long.
    pub fn taken(&self) -> [(&'static str, Taken); 2] {
        [("calls", self.slots.shown()), ("turns", self.turns.shown())]
    }
}

/// One less than there are processors: calls that compute for long leave one to all others.
fn turns() -> usize {
    let processors = available_parallelism().map_or(1, usize::from);
    processors.saturating_sub(1).max(1)
}

/// What a component may import, by the beginning of the interface's name.
const GRANTED: [&str; 7] = [
    "codex:mesh/clock@1.",
    "codex:mesh/log@1.",
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:io/",
    "wasi:random/",
];

/// Whether a component may import what has this name.
pub(super) fn granted(name: &str) -> bool {
    GRANTED.iter().any(|granted| name.starts_with(granted))
}

/// How components are compiled, whichever process does it.
///
/// Measured fastest for fresh instances on two and more threads: no tricks with virtual memory,
/// because every `mprotect` and `madvise` takes the lock of the whole address space; bounds are
/// checked in code instead.
pub(super) fn compiling() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .memory_init_cow(true)
        .signals_based_traps(false)
        .memory_reservation(Limits::MEMORY_SLOT as u64)
        .memory_guard_size(0);
    config
}

/// How they are run.
pub(super) fn config(limits: &Limits) -> Config {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(limits.concurrent_calls)
        .total_core_instances(limits.concurrent_calls.saturating_mul(PARTS))
        .total_memories(limits.concurrent_calls.saturating_mul(2))
        .total_tables(limits.concurrent_calls.saturating_mul(PARTS))
        .total_stacks(limits.concurrent_calls)
        .max_core_instances_per_component(PARTS)
        .max_memories_per_component(2)
        .max_tables_per_component(PARTS)
        .table_elements(limits.table_elements)
        .max_memory_size(Limits::MEMORY_SLOT)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        // Linux 6.7 and later; elsewhere the pool does without.
        .pagemap_scan(Enabled::Auto);
    let mut config = compiling();
    config
        .max_wasm_stack(limits.stack_bytes)
        // The guest's stack, and room for the host functions that it calls.
        .async_stack_size(limits.stack_bytes.saturating_add(512 << 10))
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// The contract's imports, and WASI without sockets and HTTP. WASI is there because language
/// runtimes expect it, and there is nothing behind it.
fn linker(engine: &Engine) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::<Host>::new(engine);
    let l = &mut linker;
    log::add_to_linker::<Host, HasSelf<Host>>(l, |host| host)?;
    clock::add_to_linker::<Host, HasSelf<Host>>(l, |host| host)?;
    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(l)?;
    random::insecure::add_to_linker::<Host, WasiRandom>(l, Host::random)?;
    random::insecure_seed::add_to_linker::<Host, WasiRandom>(l, Host::random)?;
    cli::environment::add_to_linker::<Host, WasiCli>(l, Host::cli)?;
    cli::exit::add_to_linker::<Host, WasiCli>(l, Host::cli)?;
    cli::terminal_input::add_to_linker::<Host, WasiCli>(l, Host::cli)?;
    cli::terminal_output::add_to_linker::<Host, WasiCli>(l, Host::cli)?;
    cli::terminal_stdin::add_to_linker::<Host, WasiCli>(l, Host::cli)?;
    cli::terminal_stdout::add_to_linker::<Host, WasiCli>(l, Host::cli)?;
    cli::terminal_stderr::add_to_linker::<Host, WasiCli>(l, Host::cli)?;
    filesystem::types::add_to_linker::<Host, WasiFilesystem>(l, Host::filesystem)?;
    filesystem::preopens::add_to_linker::<Host, WasiFilesystem>(l, Host::filesystem)?;
    Ok(linker)
}

/// One thread advances the engine's epoch for as long as the engine lives.
fn start_ticker(engine: &Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    let tick: Duration = Limits::TICK;
    std::thread::Builder::new()
        .name("epoch".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(tick);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        })?;
    Ok(())
}
