//! A shim: everything is in the library.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

/// How long threads that wait for the system may take to end.
const LAST_WAIT: Duration = Duration::from_secs(1);

fn main() -> std::io::Result<ExitCode> {
    if let Err(too_little) = codex_mesh::sandbox::check_least() {
        std::io::stderr().write_all(too_little.as_bytes())?;
        return Ok(ExitCode::FAILURE);
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let exit = runtime.block_on(codex_mesh::cli::main());
    // One that looks a name up, or reads a file, may wait for ever.
    runtime.shutdown_timeout(LAST_WAIT);
    Ok(exit)
}
