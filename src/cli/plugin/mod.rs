//! `codex-mesh plugin`: for those who write plugins, and those who run them.

mod build;
mod check;
mod choose;
mod dev;
mod list;
mod local;
mod new;
mod project;
mod push;
mod record;
mod test;

use clap::{Args, Subcommand};

/// Makes, builds, checks and tests plugins, and says which ones a running host uses.
#[derive(Debug, Args)]
pub(super) struct PluginArgs {
    #[command(subcommand)]
    command: PluginCommand,
}

#[derive(Debug, Subcommand)]
enum PluginCommand {
    /// Makes a project of a plugin, to be built, checked and tested.
    New(new::NewArgs),
    /// Makes components of plugin crates, and puts them into a plugins folder.
    Build(build::BuildArgs),
    /// Says whether a host would load a component, and if not, why and what to do.
    Check(check::CheckArgs),
    /// Runs the recorded cases of a plugin, in the sandbox and within the limits of a host.
    Test(test::TestArgs),
    /// Builds, checks and tests a project whenever it changes, and swaps it into a running host.
    Dev(dev::DevArgs),
    /// Sends a component to a running host.
    Push(push::PushArgs),
    /// Gives new plans this version of a kind.
    Activate(choose::ActivateArgs),
    /// Gives no new plans of a kind; open ones go on.
    Deactivate(choose::KindArgs),
    /// Takes back the last activation or deactivation of a kind.
    Rollback(choose::KindArgs),
    /// Removes a version that nobody needs.
    Remove(choose::RemoveArgs),
    /// Lists the step kinds of a running host, or the versions of one.
    List(list::ListArgs),
}

pub(super) async fn run(args: &PluginArgs) -> anyhow::Result<()> {
    match &args.command {
        PluginCommand::New(args) => new::run(args),
        PluginCommand::Build(args) => build::run(args).await,
        PluginCommand::Check(args) => check::run(args).await,
        PluginCommand::Test(args) => test::run(args).await,
        PluginCommand::Dev(args) => dev::run(args).await,
        PluginCommand::Push(args) => push::run(args).await,
        PluginCommand::Activate(args) => choose::activate(args).await,
        PluginCommand::Deactivate(args) => choose::deactivate(args).await,
        PluginCommand::Rollback(args) => choose::rollback(args).await,
        PluginCommand::Remove(args) => choose::remove(args).await,
        PluginCommand::List(args) => list::run(args).await,
    }
}
