//! The HTTP API as its clients know it.

mod access;
mod create;
mod inputs;
mod line;
mod list;
mod names;
mod pages;
mod routes;
mod step;
mod unknown_ids;
mod view;
