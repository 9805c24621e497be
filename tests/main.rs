//! Everything here is real: real components, real HTTP, a real database. One binary, because
//! linking the runtime once per file would cost more than the tests do. One module a promise.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

mod api;
mod audit;
mod brain;
mod cli;
mod clocks;
mod codex_os;
mod config;
mod contract;
mod control;
mod corpus;
mod disk;
mod events;
mod grants;
mod history;
mod identity;
mod interleaving;
mod machine;
mod modes;
mod outcomes;
mod overload;
mod persistence;
mod plugins;
mod random_input;
mod recipes;
mod recovery;
mod sandbox;
mod secrets;
mod services;
mod settings;
mod trusted;
mod upstreams;
mod versions;
