//! The target in a process of its own: this program again, in another role.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use codex_mesh::config::{Config, ServiceConfig};
use codex_mesh::host::Host;
use codex_mesh::sandbox::THIS_PROGRAM;
use tokio::sync::oneshot;

use crate::drive::Place;
use crate::stubs::{self, Stubs};

/// What the process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Host,
    Relay,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Relay => "relay",
        }
    }
}

/// A target that stops when this is dropped.
pub(crate) struct Child {
    process: std::process::Child,
    url: String,
}

impl Child {
    pub(crate) fn start(kind: Kind, stubs: &Stubs) -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(kind.name())
            .args(&stubs.urls)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = process.stdout.take().context("the target has no stdout")?;
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url)?;
        ensure!(url.starts_with("http://"), "the target did not start");
        Ok(Self {
            process,
            url: url.trim_end().to_owned(),
        })
    }

    pub(crate) fn place<'a>(&self, stubs: &'a Stubs) -> Place<'a> {
        Place {
            url: self.url.clone(),
            pid: Some(self.process.id()),
            stubs: Some(stubs),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // The end of its input is what it waits for.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Ends when whoever started this process is gone, or wants it to stop.
pub(crate) async fn stopped() {
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = ended.send(());
    });
    let _ = end.await;
}

/// The role of the host: the real one, on a fresh data folder on a real disk.
pub(crate) async fn run_host(services: &[String]) -> anyhow::Result<()> {
    let folder = scratch()?;
    let data = tempfile::tempdir_in(&folder)?;
    let mut config = Config {
        listen: "127.0.0.1:0".to_owned(),
        data_dir: data.path().to_owned(),
        cache_dir: Some(folder.join("load-cache")),
        ..Config::default()
    };
    for (name, url) in stubs::names().zip(services) {
        let service = ServiceConfig {
            url: Some(url.clone()),
            ..ServiceConfig::default()
        };
        config.services.insert(name.to_owned(), service);
    }
    let host = Host::start(&config, Path::new(THIS_PROGRAM)).await?;
    println!("http://{}", host.address()?);
    host.serve(stopped()).await
}

/// Beside this program, which is on a disk: the folder for temporary files may be in memory,
/// where a commit costs nothing.
fn scratch() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.parent().context("a program is in a folder")?;
    Ok(folder.to_owned())
}
