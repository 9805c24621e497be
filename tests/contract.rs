//! The contract evolves without breaking anyone. `tests/contract/1.0.0/` is what there was when it
//! was `codex:mesh@1.0.0`: the contract's text, and the shipped step kinds with all that they were
//! built of. It never changes, and is held against today's host (`first`, `wit`).
//! `clock` is what was added since, `refused` what was built for more than that.

mod clock;
mod first;
mod refused;
mod wit;
