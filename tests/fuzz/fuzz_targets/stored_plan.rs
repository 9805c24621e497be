#![no_main]

#[path = "../checks/stored_plan.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::run(data));
