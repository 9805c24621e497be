//! Uses up what there is, or does not come back.

use std::hint::black_box;
use std::time::Duration;

use codex_mesh_sdk::log::{self, Level};

/// Does what the name says; nothing if it is none of these.
pub fn abuse(name: &str) {
    match name {
        "loop" => spin(),
        "memory" => hoard(),
        "recurse" => drop(recurse(1)),
        "recurse-large" => drop(recurse_large(1)),
        "panic" => panic!("the guest has had enough"),
        "panic-long" => panic!("{}", "woe ".repeat(1 << 16)),
        "abort" => std::process::abort(),
        "exit" => std::process::exit(3),
        "sleep" => std::thread::sleep(Duration::from_secs(3_600)),
        "sleep-forever" => std::thread::sleep(Duration::MAX),
        "log-flood" => flood(|n| log::write(Level::Info, &format!("remark {n}"))),
        "log-empty" => flood(|_| log::write(Level::Info, "")),
        "log-large" => log::write(Level::Info, &"x".repeat(1 << 20)),
        "log-forged" => log::write(Level::Error, "a\u{1b}[31m\u{0}\nERROR forged"),
        "stdout-flood" => flood(|n| println!("line {n}")),
        "stderr-flood" => flood(|n| eprintln!("line {n}")),
        _ => calls(name),
    }
}

/// Misuse of the host's functions, which only exist inside the sandbox.
#[cfg(target_family = "wasm")]
fn calls(name: &str) {
    use wasip2::cli::stdout::get_stdout;
    use wasip2::clocks::monotonic_clock::subscribe_duration;
    use wasip2::random::{insecure, random};
    match name {
        "random" => drop(random::get_random_bytes(1 << 40)),
        "random-insecure" => drop(insecure::get_insecure_random_bytes(1 << 40)),
        "zeroes" => drop(get_stdout().write_zeroes(1 << 40)),
        "write-large" => drop(get_stdout().write(&vec![b'\n'; 2_000_000])),
        "handles" => {
            let mut held = Vec::new();
            loop {
                held.push(black_box(subscribe_duration(u64::MAX)));
            }
        }
        "poll-short" => loop {
            wasip2::io::poll::poll(&[&subscribe_duration(1_000_000)]);
        },
        "poll-busy" => loop {
            wasip2::io::poll::poll(&[&subscribe_duration(0)]);
        },
        _ => {}
    }
}

#[cfg(not(target_family = "wasm"))]
fn calls(_name: &str) {}

fn spin() -> ! {
    let mut count = 0_u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
}

fn hoard() {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![1_u8; 64 << 10]));
    }
}

fn recurse(depth: u64) -> u64 {
    if black_box(depth) == 0 {
        return 0;
    }
    recurse(black_box(depth + 1)) + black_box(1)
}

/// Each frame takes memory of the guest's own stack as well.
fn recurse_large(depth: u64) -> u64 {
    let frame = black_box([depth; 512]);
    if black_box(depth) == 0 {
        return frame.iter().sum();
    }
    recurse_large(black_box(depth + 1)) + black_box(frame)[7]
}

/// Far more than any log takes, and little enough to come back in time.
fn flood(say: impl Fn(u32)) {
    for n in 0..2_000 {
        say(n);
    }
}
