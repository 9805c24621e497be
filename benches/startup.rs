//! From starting `codex-mesh serve` to its first answer: with an empty data folder, when every
//! component has to be compiled, and with the compiled components cached.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};

fn serve(data: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_codex-mesh"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The time to the first answer of a host that is then stopped.
fn first_answer(data: &Path) -> Duration {
    let started = Instant::now();
    let mut host = serve(data);
    let mut lines = BufReader::new(host.stdout.take().unwrap()).lines();
    let address = lines
        .find_map(|line| Some(line.unwrap().split_once("http://")?.1.to_owned()))
        .expect("the host says where it listens");
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(
        stream,
        "GET /health HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let elapsed = started.elapsed();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    host.kill().unwrap();
    host.wait().unwrap();
    elapsed
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("serve to first answer");
    group.sample_size(10);
    group.bench_function("cold", |bencher| {
        bencher.iter_custom(|rounds| {
            (0..rounds)
                .map(|_| first_answer(tempfile::tempdir().unwrap().path()))
                .sum()
        });
    });
    let data = tempfile::tempdir().unwrap();
    first_answer(data.path());
    group.bench_function("with the cache", |bencher| {
        bencher.iter_custom(|rounds| (0..rounds).map(|_| first_answer(data.path())).sum());
    });
    group.finish();
}

criterion_group!(startup, benches);
criterion_main!(startup);
