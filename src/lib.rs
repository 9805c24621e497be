//! `codex-mesh`: a host for step plugins. It owns plans, HTTP in and out, storage and policy; each
//! step kind is a sandboxed WebAssembly component.
//!
//! # Layout
//! - [`cli`]: the command line. [`config`]: file, environment, flags. [`host`]: all put together.
//! - [`http`]: the API.
//! - [`engine`]: creates plans and drives their steps.
//! - [`recipe`]: which steps a plan gets.
//! - [`plan`]: what a plan is, and every legal change of it. Pure.
//! - [`sandbox`]: runs components. [`registry`]: which there are. [`contract`]: their types and ours.
//! - [`places`]: how those who want the same thing at the same time share it. [`caller`]: who they are.
//! - [`services`]: the Codex services and the client that calls them.
//! - [`store`]: plans and events, durable. [`brain`]: delivers events to the audit log.
//! - [`private`]: files that nobody else may read. [`disk`]: files that may never answer.
//! - [`cases`]: recorded cases of plugins, and what runs them.
//! - [`guest_build`]: how plugins are compiled, by `build.rs` and by `codex-mesh plugin build`.
//! - `dev`: local editions of the services, for `codex-mesh dev`.

/// A step makes hundreds of small allocations, many of which end on another thread than they began
/// on: with the system's allocator that alone was a seventh of a plan's CPU time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod background;
pub mod brain;
pub mod caller;
pub mod cases;
pub mod cli;
pub mod config;
pub mod contract;
#[cfg(feature = "dev-services")]
pub mod dev;
mod disk;
pub mod engine;
pub mod guest_build;
pub mod host;
pub mod http;
mod names;
mod output;
pub mod places;
pub mod plan;
mod private;
pub mod recipe;
pub mod registry;
mod repeated;
pub mod sandbox;
pub mod services;
pub mod store;
mod text;
