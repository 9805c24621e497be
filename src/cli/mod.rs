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

use crate::output;
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

/// The exit code of a program whose output nobody reads to its end, as shells have it (SIGPIPE).
const READER_GONE: u8 = 141;

/// Parses the command line and does what it says; the exit code. What went wrong is said.
pub async fn main() -> ExitCode {
    let parsed = match Cli::try_parse() {
        Ok(cli) => run(cli).await,
        Err(error) => not_parsed(&error),
    };
    let exit = match parsed {
        Ok(exit) => exit,
        // Whoever read the output has seen enough.
        Err(error) if output::is_reader_gone(&error) => ExitCode::from(READER_GONE),
        Err(error) => {
            output::complain(&format!("error: {error:#}\n"));
            ExitCode::FAILURE
        }
    };
    output::finish();
    exit
}

/// What was asked for is help, or is wrong.
fn not_parsed(error: &clap::Error) -> anyhow::Result<ExitCode> {
    let text = error.render().to_string();
    if error.use_stderr() {
        output::complain(&text);
    } else {
        output::print(&text)?;
    }
    Ok(u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from))
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    // What this one says is for the host that started it.
    if !matches!(cli.command, Command::Compile { .. }) {
        output::start_log()?;
    }
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
