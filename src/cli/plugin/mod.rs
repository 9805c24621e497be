//! `codex-mesh plugin`: for those who write plugins. One file a subcommand.

mod build;

use clap::{Args, Subcommand};

/// Builds plugins.
#[derive(Debug, Args)]
pub(super) struct PluginArgs {
    #[command(subcommand)]
    command: PluginCommand,
}

#[derive(Debug, Subcommand)]
enum PluginCommand {
    /// Makes components of plugin crates, and puts them into a plugins folder.
    Build(build::BuildArgs),
}

pub(super) fn run(args: &PluginArgs) -> anyhow::Result<()> {
    match &args.command {
        PluginCommand::Build(args) => build::run(args),
    }
}
