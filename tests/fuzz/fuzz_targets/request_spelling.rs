#![no_main]

#[path = "../checks/request_spelling.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::run(data));
