//! What the tests share: a real host on a free port, and stand-ins for the services that answer
//! as recorded.

mod app;
mod door;
mod process;
mod random;
mod stub;
mod traces;

pub use app::{GOAL, TestApp, TestAppBuilder, cache_dir, closed_url, friendly};
pub use door::Door;
pub use process::{Process, Program};
pub use random::Random;
pub use stub::{Reply, Request, Stub};
pub use traces::recorded;
