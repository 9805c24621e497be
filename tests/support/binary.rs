//! The real `codex-mesh` as a process of its own: flags, environment, output, signals, exit code.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::{PATIENCE, Terminal, cache_dir, program};

/// How the process is started: nothing of this process's own settings reaches it.
pub struct BinaryBuilder(Command);

impl BinaryBuilder {
    /// Another program, that runs ours.
    pub fn of(program: impl AsRef<std::ffi::OsStr>) -> Self {
        let mut command = Command::new(program);
        without_our_settings(&mut command);
        // Whoever runs the tests may have it ignored, as nohup does.
        // SAFETY: between fork and exec nothing is called but signal, which is async-signal-safe.
        unsafe {
            command.pre_exec(|| match libc::signal(libc::SIGHUP, libc::SIG_DFL) {
                libc::SIG_ERR => Err(std::io::Error::last_os_error()),
                _ => Ok(()),
            });
        }
        Self(command)
    }

    pub fn arg(mut self, arg: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.arg(arg);
        self
    }

    pub fn args(mut self, args: &[&str]) -> Self {
        self.0.args(args);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    pub fn env_remove(mut self, name: &str) -> Self {
        self.0.env_remove(name);
        self
    }

    pub fn current_dir(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    pub fn spawn(self) -> Binary {
        self.spawn_to(None, None)
    }

    /// With its output going elsewhere; what of it is `None` is read here. Nothing of what is not
    /// is seen.
    pub fn spawn_to(mut self, stdout: Option<File>, stderr: Option<File>) -> Binary {
        let to = |file: Option<File>| file.map_or_else(Stdio::piped, Stdio::from);
        let command = self.0.stdin(Stdio::null());
        let mut child = command
            .stdout(to(stdout))
            .stderr(to(stderr))
            .spawn()
            .unwrap();
        Binary {
            stdout: child.stdout.take().map_or_else(Lines::none, Lines::of),
            stderr: child.stderr.take().map_or_else(Lines::none, Lines::of),
            child,
        }
    }

    /// Attached to a terminal.
    pub fn spawn_on(mut self, terminal: &Terminal) -> Child {
        let side = || Stdio::from(terminal.other_side());
        let command = self.0.stdin(side()).stdout(side()).stderr(side());
        command.spawn().unwrap()
    }

    /// For a process that is meant to end by itself: its exit code and everything it printed.
    pub fn ends(self) -> Ended {
        let mut process = self.spawn();
        let status = process.ended();
        Ended {
            code: status.code(),
            stdout: process.stdout.rest(),
            stderr: process.stderr.rest(),
        }
    }

    /// For a process that is meant to end by itself: its exit code and everything on stderr.
    pub fn fails(self) -> (Option<i32>, String) {
        let mut process = self.spawn();
        let status = process.ended();
        (status.code(), process.stderr.rest())
    }
}

/// Nothing of this process's own settings reaches the command, but for the shared cache of
/// components.
pub fn without_our_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("MESH_") || name == "RUST_LOG" {
            command.env_remove(&*name);
        }
    }
    command.env("MESH_CACHE_DIR", cache_dir());
}

/// How a process ended, and what it had printed.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A running `codex-mesh`. Killed when the test is done with it.
pub struct Binary {
    child: Child,
    pub stdout: Lines,
    pub stderr: Lines,
}

impl Binary {
    /// `codex-mesh <command>`, listening on a free port, in this data folder.
    pub fn run(command: &str, data: &Path) -> BinaryBuilder {
        Self::bare()
            .arg(command)
            .env("MESH_LISTEN", "127.0.0.1:0")
            .env("MESH_DATA_DIR", data)
    }

    /// The same, after a shell has done this.
    pub fn limited(command: &str, data: &Path, limit: &str) -> BinaryBuilder {
        BinaryBuilder::of("sh")
            .args(&["-c", &format!("{limit} && exec \"$0\" \"$@\"")])
            .arg(program())
            .arg(command)
            .env("MESH_LISTEN", "127.0.0.1:0")
            .env("MESH_DATA_DIR", data)
    }

    /// `codex-mesh` without anything, but for the shared cache of components.
    pub fn bare() -> BinaryBuilder {
        BinaryBuilder::of(program())
    }

    /// Where it listens, once it says so.
    pub fn url(&mut self) -> String {
        let line = self.stdout.with("codex-mesh listens on ");
        let (_, url) = line.split_once("listens on ").unwrap();
        url.to_owned()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success(), "{kill}");
    }

    /// How it ended, once it has.
    pub fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the process does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        // Fails when it has ended already, which is just as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process prints, line by line.
pub struct Lines {
    receiver: Receiver<String>,
    seen: Vec<String>,
}

impl Lines {
    fn none() -> Self {
        Self::of(std::io::empty())
    }

    fn of(output: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { break };
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            receiver,
            seen: Vec::new(),
        }
    }

    /// The next line with this text in it.
    pub fn with(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.receiver.recv_timeout(left).unwrap_or_else(|error| {
                panic!("{error}: no {text:?} in the output {:#?}", self.seen)
            });
            self.seen.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Everything from the beginning until the output is closed.
    pub fn rest(&mut self) -> String {
        self.seen.extend(self.receiver.iter());
        self.seen.join("\n")
    }
}
