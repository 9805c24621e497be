//! Everything here is real: real components, real HTTP, a real database. One binary, because
//! linking the runtime once per file would cost more than the tests do. One module a promise.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

mod api;
