//! The command line: one file a subcommand.

mod brain;
#[cfg(feature = "dev-services")]
mod dev;
mod options;
mod plugin;
mod serve;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

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
    /// Lists the audit log's rejected events, and sends them again.
    Brain(brain::BrainArgs),
    /// Builds plugins.
    Plugin(plugin::PluginArgs),
}

/// Parses the command line and does what it says.
///
/// # Errors
/// What went wrong, for a person.
pub async fn run() -> anyhow::Result<()> {
    let cli = Cli::parse();
    // Warnings of the compiler and the HTTP client are not an operator's.
    let filter = EnvFilter::try_from_default_env().or_else(|_| EnvFilter::try_new("info"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match cli.command {
        Command::Serve(options) => serve::run(&options).await,
        #[cfg(feature = "dev-services")]
        Command::Dev(options) => dev::run(&options).await,
        Command::Brain(args) => brain::run(&args).await,
        Command::Plugin(args) => plugin::run(&args),
    }
}
