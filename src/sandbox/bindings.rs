//! The host's side of the contract, generated from `wit/`.
#![allow(missing_docs, unreachable_pub, clippy::all, clippy::restriction)]

wasmtime::component::bindgen!({
    path: "wit",
    world: "step-plugin",
    exports: { default: async },
});

pub use exports::codex::mesh::step::*;
