//! What the tests share: a real host on a free port, and stand-ins for the services that answer
//! as recorded.

mod app;
mod binary;
mod component;
mod door;
mod events;
mod guests;
mod port;
mod process;
mod random;
mod raw;
mod signer;
mod stalled;
mod stub;
mod terminal;
mod toolchain;
mod traces;

use std::future::Future;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

pub use app::{GOAL, TestApp, TestAppBuilder, cache_dir, friendly, friendly_reply};
pub use binary::{Binary, BinaryBuilder, Ended};
pub use component::{Raw, bomb};
pub use door::Door;
pub use events::{Events, Seen, parse, settled};
pub use guests::{
    built, folder, frozen, guest, locked, may_ask_for_everything, start_built, start_hostile,
    start_hostile_as, start_with,
};
pub use port::Port;
pub use process::{Process, Program};
pub use random::Random;
pub use raw::{Full, Once, endless, hangs_up, raw, stalling};
pub use signer::Signer;
pub use stalled::Stalled;
pub use stub::{Reply, Request, Stub};
pub use terminal::Terminal;
pub use toolchain::{JS, PYTHON, Toolchain, skipped};
pub use traces::{recorded, recorded_all};

/// How long anything may take. Far longer than it does: only a test that would fail waits so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The future's output, unless it takes too long.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    let output = tokio::time::timeout(PATIENCE, future).await;
    output.unwrap_or_else(|_| panic!("not within {} s", PATIENCE.as_secs()))
}

/// The program, which compiles components also for hosts that run in this process.
pub fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_codex-mesh"))
}

/// A client of whatever listens somewhere.
pub fn http() -> reqwest::Client {
    // A second installation is refused and changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(PATIENCE);
    client.build().unwrap()
}

/// The same at this address of the loopback network: another client to the host.
pub fn client_at(address: &str) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address: IpAddr = address.parse().unwrap();
    let client = reqwest::Client::builder().local_address(address);
    client.timeout(PATIENCE).build().unwrap()
}

/// JSON with as much white space after it as makes it this long.
pub fn padded(json: &serde_json::Value, length: usize) -> String {
    let text = json.to_string();
    let space = " ".repeat(length - text.len());
    text + &space
}

/// Asserts that a text has every one of these parts.
#[track_caller]
pub fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in {text:?}");
    }
}
