//! The components that ship in the host, built from `plugins/` by `build.rs`.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
