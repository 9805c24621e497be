#![no_main]

#[path = "../checks/service_answer.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::run(data));
