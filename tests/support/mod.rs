//! What the tests share: a real host on a free port, and stand-ins for the services that answer
//! as recorded.

mod app;
mod stub;
mod traces;

pub use app::{TestApp, TestAppBuilder};
pub use stub::{Reply, Request, Stub};
pub use traces::recorded;
