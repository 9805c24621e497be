//! A shim: everything is in the library.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    codex_mesh::cli::main().await
}
