//! A terminal with a person at it, which the test is.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr::null_mut;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use super::PATIENCE;

/// A pseudo terminal.
pub struct Terminal {
    person: File,
    /// Kept while processes may still be attached.
    program: Option<File>,
    shown: Receiver<Vec<u8>>,
    /// Everything that was shown so far.
    pub seen: String,
}

impl Terminal {
    pub fn open() -> Self {
        let (person, program) = open_both();
        let mut reader = person.try_clone().unwrap();
        let (sender, shown) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4_096];
            // Fails once nobody has the other side open any more.
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            person,
            program: Some(program),
            shown,
            seen: String::new(),
        }
    }

    /// Where a process is attached.
    pub fn other_side(&self) -> File {
        self.program.as_ref().unwrap().try_clone().unwrap()
    }

    /// Waits until this is shown, behind what was waited for before.
    pub fn wait_for(&mut self, text: &str) {
        let from = self.seen.len();
        let deadline = Instant::now() + PATIENCE;
        while !self.seen[from..].contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            let shown = self.shown.recv_timeout(left);
            let shown = shown.unwrap_or_else(|error| panic!("{error}: {:?}", self.seen));
            // Whole characters come, as they were written at once.
            self.seen.push_str(&String::from_utf8_lossy(&shown));
        }
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        self.person
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
    }

    /// Everything that was shown until the process was gone, after which none is attached.
    pub fn rest(&mut self) -> &str {
        self.program = None;
        while let Ok(shown) = self.shown.recv_timeout(PATIENCE) {
            self.seen.push_str(&String::from_utf8_lossy(&shown));
        }
        &self.seen
    }
}

/// Both sides of a new terminal. By hand, because each crate that has this would have what the host
/// depends on built again with other features, for minutes.
fn open_both() -> (File, File) {
    let (mut person, mut program) = (-1, -1);
    // SAFETY: both places live longer than the call, and whatever is null is not asked for.
    let failed = unsafe {
        libc::openpty(
            &raw mut person,
            &raw mut program,
            null_mut(),
            null_mut(),
            null_mut(),
        )
    };
    assert_eq!(failed, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: both are open, and nobody else has them.
    let own = |fd| File::from(unsafe { OwnedFd::from_raw_fd(fd) });
    (own(person), own(program))
}
