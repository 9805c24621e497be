//! The Codex services as the operator knows them: where they are, what each of their routes may
//! do, and the one HTTP client that calls them.
//!
//! # Layout
//! - [`Catalogue`], [`Service`]: names, addresses, routes.
//! - [`known`]: the services that ship with addresses and routes.
//! - [`path`]: which paths a plugin may ask for.
//! - [`Client`], [`CallError`]: one request and its bounded answer.

mod catalogue;
mod client;
mod error;
pub mod known;
pub mod path;

pub use catalogue::{Catalogue, Routes, Service};
pub use client::{Answer, Client, Outgoing};
pub use error::CallError;
