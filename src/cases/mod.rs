//! Recorded cases of a step plugin: what it is told, what its service answers, and what it should
//! make of that. They run in the real sandbox, under the real limits, and no service is asked.
//! The format is documented in `docs/cases.md`.
//!
//! # Layout
//! - [`Case`]: one case, as its file has it. [`read`]: those of a folder.
//! - [`Runner`]: runs cases on one plugin. [`Report`]: what came of one.
//! - [`Recorder`]: takes a step down as a case.
//! - `context`: what a case leaves out of the plan. `told`: the contract's types as a case writes
//!   them; `shown`: the same in one spelling. `diff`: two texts, line by line.

mod context;
mod diff;
mod folder;
mod model;
mod recorder;
mod run;
mod shown;
mod told;
mod verdict;

pub use folder::{CASE_BYTES, CASES, read};
pub use model::{
    Case, CaseContext, Clock, Content, Exchange, Finished, HeaderValue, Plan, Planned, Request,
    Response, Shape, Step,
};
pub use recorder::{Recorded, Recorder};
pub use run::{Call, Mismatch, Report, Runner};
pub use verdict::{Expected, Retry, Reviewed, Verdict, Word};
