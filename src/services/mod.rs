//! The Codex services as the operator knows them: where they are, what each of their routes may
//! do, and the one HTTP client that calls them.
//!
//! # Layout
//! - [`Catalogue`], [`Service`]: names, addresses, routes.
//! - [`known`]: the services that ship with addresses and routes.
//! - [`path`]: which paths a plugin may ask for.
//! - [`Client`], [`CallError`]: one request and its bounded answer.
//! - [`Gateway`]: tries again where that is safe, and leaves alone what keeps failing.
//! - [`Breaker`]: how one service has been doing.

mod breaker;
mod catalogue;
mod client;
mod error;
mod gateway;
pub mod known;
pub mod path;

pub use breaker::{Breaker, BreakerConfig, BreakerState};
pub use catalogue::{Catalogue, Routes, Service};
pub use client::{Answer, Client, Outgoing, install_tls};
pub use error::CallError;
pub use gateway::{Called, Gateway, Pace, RetryConfig};
