//! Why a call, or loading a component, gave nothing. The messages are for the operator and for
//! whoever reads the step's error, so each says what happened and which limit it was.

use std::fmt;
use std::path::PathBuf;

use semver::Version;
use thiserror::Error;
use wasmtime::Trap;

use super::limits::Limits;
use super::system;
use super::version::{CONTRACT, offered, spoken};

/// Why a call gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// It ran for longer than it may.
    #[error("it ran for more than {0} ms without an end and was stopped")]
    CpuTime(u64),
    /// It failed too often, and is not called any more.
    #[error(
        "it is quarantined, because it failed {0} times within {1} ms, or in half of its last calls: \
         activate a version of it to lift that"
    )]
    Quarantined(usize, u64),
    /// It said the value of a secret, and is not called any more.
    #[error(
        "it is quarantined, because it said the value of a secret that nobody told it: activate a \
         version of it to lift that"
    )]
    GaveAway,
    /// It computed and waited for longer than it may.
    #[error("it took more than {0} ms and was stopped")]
    WallTime(u64),
    /// The machine had no time for it.
    #[error("it could not go on for {0} ms, because the machine is too busy: try again later")]
    Busy(u64),
    /// It would be handed more than it may.
    #[error(
        "it would be handed {bytes} bytes, and may be handed {most}: {parts}. Let the operator name \
         the kinds whose results it needs (results), or raise handed_bytes and memory_bytes, under \
         [plugin.{kind}]"
    )]
    TooMuch {
        /// Which plugin.
        kind: String,
        /// How much.
        bytes: usize,
        /// How much may be.
        most: usize,
        /// The largest parts of it.
        parts: String,
    },
    /// It failed, and an honest plugin could have failed over what it was handed.
    #[error("it could not take the {bytes} bytes that it was handed ({parts}): {fault}")]
    Overfed {
        /// How much.
        bytes: usize,
        /// The largest parts of it.
        parts: String,
        /// What it failed with.
        fault: Box<Fault>,
    },
    /// It asked for more linear memory than it may have.
    #[error("it asked for more than its {0} bytes of memory")]
    Memory(usize),
    /// It asked for a larger table than it may have.
    #[error("it asked for a table of more than its {0} elements")]
    Table(usize),
    /// It recursed too deeply.
    #[error("it used up its stack of {0} bytes")]
    Stack(usize),
    /// It read or wrote where it has no memory.
    #[error(
        "it reached outside its memory: a wrong address, or deeper recursion than its own stack \
         has room for"
    )]
    Bounds,
    /// It handed back more than it may.
    #[error("it returned more than its {0} bytes of output")]
    Output(usize),
    /// It panicked or aborted.
    #[error("it panicked or aborted{}", said(.0))]
    Panic(String),
    /// It exited instead of returning.
    #[error("it exited with code {0} instead of returning")]
    Exit(i32),
    /// It trapped in another way.
    #[error("it trapped: {}", brief(.0))]
    Trap(String),
    /// What it returned is not what the contract says.
    #[error("it returned {0}")]
    Garbage(String),
    /// The sandbox itself could not run it.
    #[error("the sandbox could not run it: {0}")]
    Sandbox(String),
}

/// The longest text of a guest, or about it, in a message; in characters.
const BRIEF: usize = 500;

/// A text that the guest may have had a hand in, fit for a message.
fn brief(text: &str) -> String {
    let mut brief: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(BRIEF)
        .collect();
    if brief.len() < text.len() {
        brief.push('…');
    }
    brief
}

fn said(words: &str) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!(", saying: {}", brief(words))
    }
}

/// Raised by the epoch callback.
#[derive(Debug)]
pub(super) struct CpuTimeUp;

/// Raised by the memory limiter.
#[derive(Debug)]
pub(super) struct MemoryUp;

/// Raised by the table limiter.
#[derive(Debug)]
pub(super) struct TableUp;

macro_rules! marker {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
        impl std::error::Error for $name {}
    )*};
}
marker!(CpuTimeUp, MemoryUp, TableUp);

impl Fault {
    /// Tells what an error of the runtime means. `said` is the last thing the guest printed: a
    /// panic's message, if there was one.
    pub(super) fn from_runtime(error: &wasmtime::Error, limits: &Limits, said: &str) -> Self {
        if error.is::<CpuTimeUp>() {
            return Self::CpuTime(limits.cpu_ms);
        }
        if error.is::<MemoryUp>() {
            return Self::Memory(limits.memory_bytes);
        }
        if error.is::<TableUp>() {
            return Self::Table(limits.table_elements);
        }
        if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
            return Self::Exit(exit.0);
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow) => Self::Stack(limits.stack_bytes),
            Some(Trap::MemoryOutOfBounds) => Self::Bounds,
            Some(Trap::UnreachableCodeReached) => Self::Panic(said.to_owned()),
            Some(trap) => Self::Trap(trap.to_string()),
            None => Self::from_text(error, limits),
        }
    }

    /// The same while no instance of it was made yet. That it could be made was seen when it was loaded:
    /// what is no trap is the host's, which has no room for one more.
    pub(super) fn from_making(error: &wasmtime::Error, limits: &Limits, said: &str) -> Self {
        match Self::from_runtime(error, limits, said) {
            Self::Trap(why) if !error.is::<Trap>() => {
                Self::Sandbox(system::refused(error).unwrap_or(why))
            }
            fault => fault,
        }
    }

    /// The runtime's error for too much output is a private type, so its text has to do.
    fn from_text(error: &wasmtime::Error, limits: &Limits) -> Self {
        let text = error.root_cause().to_string();
        if text.contains("hostcalls has been exhausted") {
            Self::Output(limits.output_bytes)
        } else {
            Self::Trap(text)
        }
    }
}

impl Fault {
    /// Whether it was not even called.
    pub fn is_no_call(&self) -> bool {
        matches!(
            self,
            Self::TooMuch { .. } | Self::Quarantined(..) | Self::GaveAway
        )
    }

    /// Whether it is the plugin's doing, and not that of the host, of a busy machine, or of what it
    /// was handed.
    pub fn is_the_plugins(&self) -> bool {
        !matches!(
            self,
            Self::Busy(_)
                | Self::TooMuch { .. }
                | Self::Overfed { .. }
                | Self::Sandbox(_)
                | Self::Quarantined(..)
                | Self::GaveAway
        )
    }
}

/// Why a file is no step plugin.
#[derive(Debug, Error)]
pub enum LoadError {
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Not WebAssembly.
    #[error("it is not WebAssembly (it does not begin with the bytes \\0asm)")]
    NotWasm,
    /// A module of the core specification.
    #[error(
        "it is a core WebAssembly module, not a component: build it for wasm32-wasip2, or wrap it \
         with wit-component"
    )]
    CoreModule,
    /// Over the size limit.
    #[error("it has {0} bytes, and the limit is {1}")]
    TooLarge(usize, usize),
    /// The operator lists what may be loaded, and it is not on a list: why not, for each.
    #[error("the operator does not allow it: {}", .0.join("; "))]
    NotAllowed(Vec<String>),
    /// The compiler refuses it.
    #[error("it does not compile: {}", brief(.0))]
    Compile(String),
    /// The compiler does not come to an end with it.
    #[error("it took more than {0} ms to compile and was given up")]
    CompileTime(u64),
    /// The compiler has not enough memory for it.
    #[error("it took more than {0} bytes of memory to compile and was given up")]
    CompileMemory(u64),
    /// Much more comes of it than of other components.
    #[error("its compiled form has more than {0} bytes")]
    CompiledTooLarge(usize),
    /// The system does not let the host hold what was compiled.
    #[error("the system does not let it be loaded: {}", brief(.0))]
    System(String),
    /// It did not compile before.
    #[error("{} (remembered: to have it tried again, remove {})", brief(.why), .file.display())]
    Refused {
        /// Why not.
        why: String,
        /// Where that is remembered.
        file: PathBuf,
    },
    /// The compiler ended, and the component may not be at fault.
    #[error("the compiler ended before it was done: {}", brief(.0))]
    Compiler(String),
    /// It needs something that the host does not give.
    #[error(
        "it imports {}, which the host does not grant: a step plugin may import {}",
        brief(.0), offered()
    )]
    ForbiddenImport(String),
    /// It was built for another major version of the contract.
    #[error(
        "it was built for codex:mesh@{}, and this host speaks {}: build it against the wit/mesh.wit \
         that this host's `codex-mesh plugin new` brings along, or give it to a host that speaks \
         {}.{}",
        brief(&.0.to_string()), spoken(), .0.major, .0.minor
    )]
    OtherContract(Version),
    /// It was built for a later minor version of the contract, and uses what it added.
    #[error(
        "it was built for codex:mesh@{}, this host speaks {}, and it uses more than that: update the \
         host, or build it against the wit/mesh.wit that this host's `codex-mesh plugin new` brings \
         along. Missing: {}",
        brief(&.0.to_string()), spoken(), brief(.1)
    )]
    NewerContract(Version, String),
    /// It is a component of another world.
    #[error("it is not a step plugin of codex:mesh@{CONTRACT}: {}", brief(.0))]
    WrongWorld(String),
    /// Its types are not those of the contract, or it traps before it is asked anything.
    #[error("no instance of it can be made for codex:mesh@{CONTRACT}: {}", brief(.0))]
    Instance(String),
    /// `describe` gave nothing.
    #[error("asked what it is, {0}")]
    Describe(Fault),
    /// What it says of itself is wrong: everything that is.
    #[error("its manifest is wrong: {}", .0.join("; "))]
    Manifest(Vec<String>),
    /// The operator's list for its kind does not have its service.
    #[error("{0}")]
    NotGranted(String),
}

impl LoadError {
    /// Whether the same component may load at another time: it is not what keeps it from that.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Compiler(_) | Self::System(_) => true,
            Self::Describe(fault) => !fault.is_the_plugins(),
            _ => false,
        }
    }

    /// Whether it is the component that the compiler can't cope with, within its limits.
    pub fn is_the_compilers(&self) -> bool {
        matches!(
            self,
            Self::Compile(_)
                | Self::CompileTime(_)
                | Self::CompileMemory(_)
                | Self::CompiledTooLarge(_)
        )
    }

    /// What its author can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Empty | Self::NotWasm => {
                "name the file that the build made, such as target/wasm32-wasip2/release/NAME.wasm"
            }
            Self::CoreModule => {
                "build it with `cargo build --release --target wasm32-wasip2`, or make a component \
                 of the module with `wasm-tools component new`"
            }
            Self::TooLarge(..) => {
                "build it in release, stripped and for size, or raise component_bytes under \
                 [limits.plugin]"
            }
            Self::NotAllowed(_) => {
                "sign it (`minisign -Sm FILE`) with a key in require_signature, or have the operator \
                 add its sha256 to require_sha256"
            }
            Self::Compile(_) => {
                "it is damaged, or uses what the host's WebAssembly does not have: build it again, \
                 with a current toolchain"
            }
            Self::CompileTime(_) => "make it smaller, or raise compile_ms under [limits.plugin]",
            Self::CompileMemory(_) => {
                "make it, or its largest functions, smaller, or raise compile_memory_bytes under \
                 [limits.plugin]"
            }
            Self::CompiledTooLarge(_) => "make its largest functions smaller",
            Self::System(_) => "have the operator allow it, as the error says",
            Self::Refused { .. } => "build it again, or remove what is remembered of it",
            Self::Compiler(_) => {
                "try again; somebody may have ended it, or the machine may be out of memory"
            }
            Self::ForbiddenImport(_) => {
                "remove what needs it: a plugin reaches its service by the request that `shape` \
                 returns, and nothing else of the world. Runtimes of languages bring the network \
                 along: build without (componentize-js --disable http fetch-event, componentize-py \
                 componentize --stub-wasi)"
            }
            Self::OtherContract(_) | Self::NewerContract(..) | Self::WrongWorld(_) => {
                "build it for the world step-plugin of this host's wit/mesh.wit, which `codex-mesh \
                 plugin new` brings along"
            }
            Self::Instance(_) => {
                "build it against this host's wit/mesh.wit as it is, and do nothing before the \
                 first call"
            }
            Self::Describe(_) => {
                "let `describe` return its manifest and do nothing else; the limits of every call \
                 are under [limits.plugin]"
            }
            Self::NotGranted(_) => "have the operator add its service to the grants of its kind",
            Self::Manifest(_) => "correct what `describe` returns, and build it again",
        }
    }
}
