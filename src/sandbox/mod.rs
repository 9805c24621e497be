//! Runs step components: one call at a time, each on a fresh instance, each within [`Limits`].
//! Knows no plans, no HTTP and no storage.
//!
//! # Layout
//! - [`bindings`]: the contract, generated from `wit/`.
//! - [`Limits`]: what one call may use.
//! - [`Sandbox`]: the engine, its pool, its ticker, and what a component may import.
//! - [`Plugin`]: a component that was compiled, linked and asked what it is.
//! - [`Clock`]: which time a call is told.
//! - [`Boundary`]: what a component imports and exports. [`CONTRACT`]: the version that is spoken.
//! - [`run_compiler`]: what the process does that compiles one. [`CompileCache`]: compiled ones on disk.
//! - [`Fault`]: why a call gave nothing. [`system`]: what the operating system must allow.

pub mod bindings;
mod boundary;
mod cache;
mod clock;
mod compile;
mod compiler;
mod engine;
mod fault;
mod handed;
mod instance;
mod limits;
mod log;
mod meter;
mod plugin;
mod system;
mod version;

pub use boundary::{Boundary, Import};
pub use cache::{CompileCache, sha256};
pub use clock::{Clock, Moment};
pub use compile::THIS_PROGRAM;
pub use compiler::run_compiler;
pub use engine::Sandbox;
pub use fault::{Fault, LoadError};
pub use limits::Limits;
pub use log::{LogLevel, LogLine};
pub use plugin::{Called, Plugin, Share};
pub(crate) use system::check_descriptors;
pub use system::check_least;
pub use version::CONTRACT;
