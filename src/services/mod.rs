//! The Codex services as the operator knows them: where they are, what each of their routes may
//! do, and the one HTTP client that calls them.
//!
//! # Layout
//! - [`Catalogue`], [`Service`]: names, addresses, routes.
//! - [`known`]: the services that ship with addresses and routes.
//! - [`path`], [`headers`], [`method`]: what a plugin may ask for, and which spellings of it.
//! - [`Client`], [`CallError`]: one request and its bounded answer; [`connect`], [`paced`]: the way there;
//!   [`body`], [`retry_after`]: what an answer says.
//! - [`Gateway`]: tries again where that is safe, and leaves alone what keeps failing. [`health`]:
//!   whether a service is well.
//! - [`Secrets`]: what requests carry for plugins; [`Redactor`]: keeps it out of everything else.
//! - [`breaker`], [`breakers`]: how services have been doing for step kinds.

mod body;
mod breaker;
mod breakers;
mod catalogue;
mod client;
mod connect;
mod error;
mod gateway;
pub mod headers;
mod health;
pub mod known;
pub mod method;
mod paced;
pub mod path;
mod redact;
mod retry_after;
mod secrets;

pub use breaker::{BreakerConfig, BreakerState};
pub use catalogue::{Catalogue, Routes, Service};
pub use client::{Answer, Client, Outgoing, Received};
pub use connect::{Link, http, install_tls};
pub use error::CallError;
pub use gateway::{Call, Called, Gateway, Pace, RetryConfig};
pub use redact::{Redactor, SHORTEST, Values};
#[doc(hidden)]
pub use retry_after::check_retry_after;
pub use secrets::{Secrets, check_secret_name};
