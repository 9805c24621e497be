//! What one sandboxed call may use.

use std::time::Duration;

use serde::Deserialize;

/// The limits of one call (`describe`, `shape` or `interpret`). Each call starts from nothing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Time that the guest computes, in milliseconds. Overshoots by one tick (5 ms) at most.
    pub cpu_ms: u64,
    /// Time that the guest takes for itself, in milliseconds: it computes, or waits for something. That
    /// the machine is busy with something else does not count.
    pub wall_ms: u64,
    /// Linear memory, in bytes, over all of a component's memories. 16 MiB at most.
    pub memory_bytes: usize,
    /// What one call is handed, in bytes; half of its memory unless said.
    pub handed_bytes: Option<usize>,
    /// Elements of one table.
    pub table_elements: usize,
    /// Stack of the guest, in bytes.
    pub stack_bytes: usize,
    /// What the guest may hand back in one call, in bytes.
    pub output_bytes: usize,
    /// What is kept of the guest's log, stdout and stderr, in bytes.
    pub log_bytes: usize,
    /// Calls that run at the same time, over all plugins; half of them for one kind. Past it calls wait.
    pub concurrent_calls: u32,
    /// The largest component that is compiled, in bytes.
    pub component_bytes: usize,
    /// What the components in the plugins folder may have together, in bytes.
    pub folder_bytes: u64,
    /// What the components that are kept may have together before no more may be sent, in bytes.
    pub kept_bytes: u64,
    /// How long compiling a component may take, in milliseconds.
    pub compile_ms: u64,
    /// The memory of the process that compiles a component, in bytes.
    pub compile_memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu_ms: 200,
            wall_ms: 2_000,
            memory_bytes: Self::MEMORY_SLOT,
            handed_bytes: None,
            table_elements: 10_000,
            stack_bytes: 512 << 10,
            output_bytes: 2 << 20,
            log_bytes: 8 << 10,
            concurrent_calls: 64,
            component_bytes: 64 << 20,
            folder_bytes: 1 << 30,
            kept_bytes: 4 << 30,
            compile_ms: 120_000,
            compile_memory_bytes: 3 << 29,
        }
    }
}

impl Limits {
    /// What the pool reserves for one linear memory, and so the most a memory can have.
    pub const MEMORY_SLOT: usize = 16 << 20;

    /// How often the epoch advances: a running guest is looked at this often.
    pub const TICK: Duration = Duration::from_millis(5);

    /// The time that a call may compute.
    pub fn cpu(&self) -> Duration {
        Duration::from_millis(self.cpu_ms)
    }

    /// What one call is handed at the most, in bytes.
    pub fn handed(&self) -> usize {
        self.handed_bytes.unwrap_or(self.memory_bytes / 2)
    }

    pub(super) fn wall(&self) -> Duration {
        Duration::from_millis(self.wall_ms)
    }

    /// What is wrong with these limits, if anything.
    pub fn check(&self) -> Result<(), String> {
        let rules = [
            (
                is_duration(self.cpu_ms),
                "cpu_ms must be between 1 and 86400000 (a day)",
            ),
            (
                is_duration(self.wall_ms),
                "wall_ms must be between 1 and 86400000 (a day)",
            ),
            (
                is_duration(self.compile_ms),
                "compile_ms must be between 1 and 86400000 (a day)",
            ),
            (
                self.compile_memory_bytes >= 64 << 20,
                "compile_memory_bytes must be at least 67108864 (64 MiB)",
            ),
            (
                (64 << 10..=Self::MEMORY_SLOT).contains(&self.memory_bytes),
                "memory_bytes must be between 65536 (one page) and 16777216 (16 MiB)",
            ),
            (
                (16 << 10..=self.memory_bytes).contains(&self.handed()),
                "handed_bytes must be between 16384 (16 KiB) and memory_bytes",
            ),
            (
                (1..=100_000).contains(&self.table_elements),
                "table_elements must be between 1 and 100000",
            ),
            (
                (64 << 10..=4 << 20).contains(&self.stack_bytes),
                "stack_bytes must be between 65536 and 4194304",
            ),
            (
                self.output_bytes >= 1 << 10,
                "output_bytes must be at least 1024",
            ),
            (
                (1..=1_000).contains(&self.concurrent_calls),
                "concurrent_calls must be between 1 and 1000",
            ),
        ];
        match rules.into_iter().find(|(kept, _)| !kept) {
            Some((_, rule)) => Err(rule.to_owned()),
            None => Ok(()),
        }
    }
}

/// Whether it can be waited for so long.
fn is_duration(ms: u64) -> bool {
    (1..=24 * 60 * 60 * 1_000).contains(&ms)
}
