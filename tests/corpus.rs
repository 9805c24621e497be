//! What fuzzing found worth keeping, asked again: every input of `tests/fuzz/corpus/`, by the checks
//! that the fuzz targets run.

use std::fs;
use std::path::Path;

#[path = "fuzz/checks/plugin_output.rs"]
mod plugin_output;
#[path = "fuzz/checks/request_body.rs"]
mod request_body;
#[path = "fuzz/checks/request_spelling.rs"]
mod request_spelling;
#[path = "fuzz/checks/service_answer.rs"]
mod service_answer;
#[path = "fuzz/checks/stored_plan.rs"]
mod stored_plan;

type Check = fn(&[u8]);

const CHECKS: [(&str, Check); 5] = [
    ("plugin_output", plugin_output::run),
    ("request_body", request_body::run),
    ("request_spelling", request_spelling::run),
    ("service_answer", service_answer::run),
    ("stored_plan", stored_plan::run),
];

fn folder(of: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz")
        .join(of)
}

#[test]
fn every_kept_input_still_ends_well() {
    for (target, check) in CHECKS {
        let mut inputs = 0;
        for entry in fs::read_dir(folder("corpus").join(target)).unwrap() {
            let path = entry.unwrap().path();
            let input = fs::read(&path).unwrap();
            let ended = std::panic::catch_unwind(|| check(&input));
            assert!(ended.is_ok(), "{} fails", path.display());
            inputs += 1;
        }
        assert!(inputs > 0, "{target} has no corpus");
    }
}

#[test]
fn every_target_is_replayed() {
    let mut targets: Vec<String> = fs::read_dir(folder("fuzz_targets"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    targets.sort();
    let replayed = CHECKS.map(|(target, _)| format!("{target}.rs"));
    assert_eq!(targets, replayed);
}
