//! The HTTP API as its clients know it.

mod create;
mod inputs;
mod list;
mod routes;
mod step;
mod unknown_ids;
