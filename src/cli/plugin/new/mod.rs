//! `codex-mesh plugin new`: a project with a working step, its tests and the contract, which the
//! language's plain tool builds.

mod files;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::{Args, ValueEnum};

use crate::output::print;
use crate::registry::check_kind;
use crate::services::{known, path};
use crate::text::plain;
use files::Names;

/// The step asks one service for one thing, and takes its answer for what it says.
#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// The step kind: 1 to 64 of a-z, 0-9 and -, beginning with a letter
    #[arg(value_name = "NAME")]
    kind: String,
    /// The language
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
    /// Where to put it; it must not be there, or be empty [default: a folder with its name]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The service that it asks, as the host's configuration names it
    #[arg(long, value_name = "NAME", default_value = "srl")]
    service: String,
    /// The path that it asks for, with POST
    #[arg(long, value_name = "PATH", default_value = "/srl/check")]
    endpoint: String,
}

/// What plugins can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// Built with cargo for wasm32-wasip2
    Rust,
    /// Built with @bytecodealliance/componentize-js
    Js,
    /// Built with componentize-py
    Python,
}

pub(super) fn run(args: &NewArgs) -> anyhow::Result<()> {
    let names = names(args)?;
    let by_name = || PathBuf::from(&args.kind);
    let folder = args.dir.clone().unwrap_or_else(by_name);
    check_folder(&folder)?;
    for (name, text) in files::project(args.lang, &names) {
        let file = folder.join(name);
        write(&file, &text).with_context(|| format!("can't write {}", file.display()))?;
    }
    let told = format!(
        "{shown} is there, and {} says more: try `codex-mesh plugin test {shown}`",
        folder.join("README.md").display(),
        shown = folder.display(),
    );
    Ok(print(&format!("{}\n", plain(&told)))?)
}

fn names(args: &NewArgs) -> anyhow::Result<Names> {
    check_kind(&args.kind).map_err(|error| anyhow!("{error}"))?;
    // As services are named in variables and files; it becomes part of source code.
    check_kind(&args.service)
        .map_err(|_| anyhow!("--service: a service is named with a-z, 0-9 and -"))?;
    if args.service == known::BRAIN {
        bail!("--service: brain keeps the audit log, which is the host's alone");
    }
    path::check(&args.endpoint).map_err(|error| anyhow!("--endpoint is no path: {error}"))?;
    Ok(Names {
        kind: args.kind.clone(),
        service: args.service.clone(),
        endpoint: args.endpoint.clone(),
    })
}

/// An author's files are never written over.
fn check_folder(folder: &Path) -> anyhow::Result<()> {
    let shown = folder.display();
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => bail!("{shown} is not empty: choose another folder with --dir"),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("can't use {shown}")),
    }
}

fn write(file: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, text)
}
