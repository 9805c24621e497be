//! Whatever body a client sends, reading it ends well.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| codex_mesh::http::read_body(body, 50));
