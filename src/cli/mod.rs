//! The command line: one file a subcommand.

mod approve;
mod brain;
mod client;
#[cfg(feature = "dev-services")]
mod dev;
mod options;
mod plan;
mod plans;
mod plugin;
mod progress;
mod run;
mod serve;
mod sse;
mod text;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::sandbox::run_compiler;
use options::Options;

/// Runs plans of steps whose logic is sandboxed WebAssembly components.
#[derive(Debug, Parser)]
#[command(name = "codex-mesh", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the host.
    Serve(Options),
    /// Runs the host, and a local edition of every Codex service that does not answer.
    #[cfg(feature = "dev-services")]
    Dev(Options),
    /// Creates a plan, runs it to its end, and shows how it goes.
    Run(run::RunArgs),
    /// Lists the plans of a running host.
    Plans(plans::PlansArgs),
    /// Shows a plan of a running host.
    Plan(plan::PlanArgs),
    /// Lists the audit log's rejected events, and sends them again.
    Brain(brain::BrainArgs),
    /// Makes, builds, checks and tests plugins, and says which ones a running host uses.
    Plugin(plugin::PluginArgs),
    /// Compiles the component on stdin: for a host, which starts this program once more for it.
    #[command(hide = true)]
    Compile { memory_bytes: u64, cpu_seconds: u64 },
}

/// Parses the command line and does what it says; the exit code.
///
/// # Errors
/// What went wrong, for a person.
pub async fn run() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    // Warnings of the compiler and the HTTP client are not an operator's.
    let filter = EnvFilter::try_from_default_env().or_else(|_| EnvFilter::try_new("info"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match cli.command {
        Command::Serve(options) => serve::run(&options).await?,
        #[cfg(feature = "dev-services")]
        Command::Dev(options) => dev::run(&options).await?,
        Command::Run(args) => return run::run(&args).await,
        Command::Plans(args) => plans::run(&args).await?,
        Command::Plan(args) => plan::run(&args).await?,
        Command::Plugin(args) => plugin::run(&args).await?,
        Command::Brain(args) => brain::run(&args).await?,
        Command::Compile {
            memory_bytes,
            cpu_seconds,
        } => return run_compiler(memory_bytes, cpu_seconds),
    }
    Ok(ExitCode::SUCCESS)
}
