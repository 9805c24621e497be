//! The real program in a process of its own, which a test may kill.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::sync::watch;

use super::{cache_dir, program};

/// Longer than anything here takes, even on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(60);

/// How `codex-mesh serve` is run: the same way at every restart.
pub struct Program {
    config: PathBuf,
    data: PathBuf,
    log: PathBuf,
}

impl Program {
    /// Keeps its files in `folder`. The services are named with their URLs; `more` is TOML that
    /// comes before them.
    pub fn new<'a>(
        folder: &Path,
        more: &str,
        services: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut text = format!("listen = \"127.0.0.1:0\"\ncache_dir = {:?}\n", cache_dir());
        text.push_str(more);
        for (name, url) in services {
            let header = format!("[services.{name}]\n");
            let line = format!("url = {url:?}\n");
            match text.find(&header) {
                Some(at) => text.insert_str(at + header.len(), &line),
                None => write!(text, "{header}{line}").unwrap(),
            }
        }
        let config = folder.join("mesh.toml");
        std::fs::write(&config, text).unwrap();
        Self {
            config,
            data: folder.join("data"),
            log: folder.join("log"),
        }
    }

    /// Keeps its data elsewhere.
    pub fn keeping(mut self, data: &Path) -> Self {
        data.clone_into(&mut self.data);
        self
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    /// What the program wrote to its log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn spawn(&self) -> Process {
        self.spawn_with(&[])
    }

    /// With these environment variables beside.
    pub fn spawn_with(&self, variables: &[(&str, &str)]) -> Process {
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .unwrap();
        let child = Command::new(program())
            .args(["serve", "--config"])
            .arg(&self.config)
            .arg("--data-dir")
            .arg(&self.data)
            .envs(variables.iter().copied())
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        Process::new(child)
    }

    /// Spawned, and listening.
    pub async fn start(&self) -> (Process, String) {
        let mut process = self.spawn();
        match process.listening().await {
            Some(url) => (process, url),
            None => panic!("the host did not start:\n{}", self.log()),
        }
    }
}

#[derive(Clone)]
enum Phase {
    Starting,
    Listening(String),
    Gone,
}

/// A running program; killed when it is dropped.
pub struct Process {
    child: Child,
    phase: watch::Receiver<Phase>,
}

impl Process {
    fn new(mut child: Child) -> Self {
        let (phase, watched) = watch::channel(Phase::Starting);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(url) = line.strip_prefix("codex-mesh listens on ") {
                    phase.send_replace(Phase::Listening(url.to_owned()));
                }
            }
            phase.send_replace(Phase::Gone);
        });
        Self {
            child,
            phase: watched,
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it listens, and where; `None` if it ended instead.
    pub async fn listening(&mut self) -> Option<String> {
        let phase = self
            .phase
            .wait_for(|phase| !matches!(phase, Phase::Starting));
        let phase = tokio::time::timeout(PATIENCE, phase).await;
        match &*phase.expect("it listens or ends").unwrap() {
            Phase::Listening(url) => Some(url.clone()),
            Phase::Starting | Phase::Gone => None,
        }
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let gone = tokio::time::timeout(PATIENCE, self.gone()).await;
        gone.expect("it ends");
        self.child.wait().unwrap()
    }

    /// The same, for as long as it takes.
    pub async fn gone(&mut self) {
        let gone = self.phase.wait_for(|phase| matches!(phase, Phase::Gone));
        drop(gone.await.unwrap());
    }

    /// SIGKILL. It is gone when this returns.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
