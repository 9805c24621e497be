//! The process that compiles one component: this program, started by a host with a hidden command.
//! The component comes in on stdin, its compiled form goes out on stdout; why there is none goes to
//! stderr. It knows nothing else, limits itself before it reads anything, and ends with whoever
//! reads its output.

use std::io::{Read, Write, stderr, stdin, stdout};
use std::process::{ExitCode, exit};
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, nice, setrlimit};
use wasmtime::{Engine, OutOfMemory};

use super::engine;

/// What the command is called.
pub(super) const COMMAND: &str = "compile";

/// The exit code for a component that does not compile.
pub(super) const REFUSED: u8 = 3;

/// The exit code when there was not enough memory, as far as that is noticed in an orderly way.
pub(super) const NO_MEMORY: u8 = 4;

/// How far it stays behind those who answer requests.
const NICE: i32 = 5;

/// Compiles what is on stdin, with at most so much memory and time on processors.
///
/// # Errors
/// What keeps it from compiling anything.
pub fn run_compiler(memory_bytes: u64, cpu_seconds: u64) -> anyhow::Result<ExitCode> {
    limit(Resource::Data, memory_bytes)?;
    // For a host that is stopped and can't end it.
    limit(Resource::Cpu, cpu_seconds)?;
    // Of all processes it is the one to end where the machine has no memory left. Where that can't
    // be said, its own limit has to do.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    limit(Resource::Core, 0)?;
    nice(NICE)?;
    end_with_the_reader()?;
    let mut component = Vec::new();
    stdin().lock().read_to_end(&mut component)?;
    let engine = Engine::new(&engine::compiling());
    let exit = match engine.and_then(|engine| engine.precompile_component(&component)) {
        Ok(compiled) => {
            let mut stdout = stdout().lock();
            stdout.write_all(&compiled)?;
            stdout.flush()?;
            ExitCode::SUCCESS
        }
        Err(error) if error.is::<OutOfMemory>() => ExitCode::from(NO_MEMORY),
        Err(error) => {
            write!(stderr(), "{error:#}")?;
            ExitCode::from(REFUSED)
        }
    };
    Ok(exit)
}

fn limit(resource: Resource, most: u64) -> rustix::io::Result<()> {
    let limit = Rlimit {
        current: Some(most),
        // Past the first the process is told which limit it was, past the second it ends.
        maximum: Some(most.saturating_add(1)),
    };
    setrlimit(resource, limit)
}

/// Once nobody reads what would come of it, the host was killed or has given it up.
fn end_with_the_reader() -> std::io::Result<()> {
    let watch = || {
        let stdout = stdout();
        // No event is asked for: what is told all the same is that the pipe has no other end.
        let mut pipe = [PollFd::new(&stdout, PollFlags::empty())];
        while poll(&mut pipe, None) == Err(Errno::INTR) {}
        exit(1);
    };
    thread::Builder::new().spawn(watch).map(drop)
}
