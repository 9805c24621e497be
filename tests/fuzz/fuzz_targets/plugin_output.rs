#![no_main]

#[path = "../checks/plugin_output.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::run(data));
