//! Steps that a host records: what is kept is a case, and the same component passes it.

use std::fs;
use std::path::{Path, PathBuf};

use codex_mesh::config::{Config, PluginConfig};
use codex_mesh::registry::embedded;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::support::{
    Binary, BinaryBuilder, Ended, Reply, TestApp, TestAppBuilder, assert_has, built, guest,
    start_with,
};

/// A host that keeps so many steps of each of these kinds.
fn recording(kinds: &'static [&str], record: usize) -> TestAppBuilder {
    TestApp::builder().configure(move |config| {
        for kind in kinds {
            let plugin = PluginConfig {
                record,
                ..PluginConfig::default()
            };
            config.plugin.insert((*kind).to_owned(), plugin);
        }
    })
}

async fn recording_hostile(record: usize) -> TestApp {
    let files = [("hostile.wasm", guest("hostile"))];
    start_with(recording(&["hostile"], record), files).await
}

/// The component of a shipped kind, or of one that was built.
fn component(kind: &str) -> Vec<u8> {
    let mut embedded = embedded::COMPONENTS.iter();
    match embedded.find(|(name, _)| *name == kind) {
        Some((_, bytes)) => bytes.to_vec(),
        None => built().files[&format!("codex_mesh_{kind}.wasm")].clone(),
    }
}

/// An author's folder: the component of a plugin, and its cases.
struct Author {
    folder: TempDir,
}

impl Author {
    fn of(component: &[u8]) -> Self {
        let folder = tempdir().unwrap();
        fs::write(folder.path().join("plugin.wasm"), component).unwrap();
        Self { folder }
    }

    fn cases(&self) -> PathBuf {
        self.folder.path().join("cases")
    }

    fn test(&self) -> BinaryBuilder {
        let command = Binary::bare().args(&["plugin", "test", "plugin.wasm", "--cases", "cases"]);
        command.current_dir(self.folder.path())
    }

    /// `plugin test … --record`, with these arguments beside.
    async fn record(&self, app: &TestApp, args: &[&str]) -> Ended {
        let command = self.test().args(&["--record", "--url", &app.url]);
        let command = command.args(args);
        // The host lives in this process, and has to go on meanwhile.
        let run = tokio::task::spawn_blocking(move || command.ends());
        run.await.unwrap()
    }

    /// What was recorded, in the only file of its kind.
    fn recorded(&self) -> (PathBuf, Value) {
        let mut files = files(&self.cases());
        assert_eq!(files.len(), 1, "{files:?}");
        let file = files.remove(0);
        let case = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        (file, case)
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The hostile step of a plan with this goal, after it ran.
async fn run_hostile(app: &TestApp, goal: &str) -> Value {
    let body = json!({"goal": goal, "mode": "DRY_RUN", "steps": [{"kind": "hostile"}]});
    app.step(&app.create(&body).await).await
}

/// The recordings of a kind.
async fn recordings(app: &TestApp, path: &str) -> Vec<Value> {
    let (status, answer) = app.get(&format!("/plugins/{path}")).await;
    assert_eq!(status, 200, "{answer}");
    answer["recordings"].as_array().unwrap().clone()
}

/// With what a step is told of earlier steps and of its settings, and whether it reads or writes.
#[tokio::test(flavor = "multi_thread")]
async fn the_component_that_ran_a_step_passes_its_case() {
    let kinds: &[&str] = &["srl", "strategy", "campaign"];
    let files = &built().files;
    let files = files.iter().map(|(name, bytes)| (&**name, &**bytes));
    let builder = recording(kinds, 3);
    let builder = builder.grant("campaign", "campaign", &["POST /campaign/create"]);
    let app = start_with(builder, files).await;
    let settings = json!({"dailyBudget": 7, "productName": "\"7\" é"});
    let plan = app
        .create(&json!({"mode": "LIVE", "steps": [
            {"kind": "autonomy"}, {"kind": "srl"}, {"kind": "hardening"},
            {"kind": "strategy", "domain": "video"}, {"kind": "trends"},
            {"kind": "campaign", "settings": settings},
        ]}))
        .await;
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");

    for (kind, index) in [("srl", 1), ("strategy", 3), ("campaign", 5)] {
        let author = Author::of(&component(kind));
        let ended = author.record(&app, &[]).await;
        assert_eq!(ended.code, Some(0), "{kind}: {ended:?}");
        let (file, case) = author.recorded();
        let step = &plan["steps"][index];
        let (plan_id, step_id) = (plan["id"].as_str().unwrap(), step["id"].as_str().unwrap());
        let name = format!("recorded-{plan_id}-{step_id}-1");
        assert_has(
            &ended.stdout,
            &[
                &format!("{name}.json is {step_id} of plan {plan_id}\n"),
                &format!("ok      {name}"),
            ],
        );
        assert!(file.ends_with(format!("{name}.json")));

        let context = &case["context"];
        assert_eq!(context["plan"]["id"], plan["id"]);
        assert_eq!(context["plan"]["mode"], "LIVE");
        assert_eq!(context["step"]["id"], step["id"]);
        assert_eq!(context["steps"].as_array().unwrap().len(), 6);
        let finished = context["finished"].as_array().unwrap();
        assert_eq!(finished.len(), index, "{finished:?}");
        for (finished, earlier) in finished.iter().zip(plan["steps"].as_array().unwrap()) {
            assert_eq!(finished["result"], earlier["result"]);
        }
        let asked = &app.stub(kind).requests()[0];
        assert_eq!(case["shape"]["request"]["path"], asked.path);
        assert_eq!(case["shape"]["request"]["body"], asked.json());
        assert_eq!(case["exchanges"].as_array().unwrap().len(), 1);
    }
    let campaign = &recordings(&app, "campaign/recordings").await[0]["case"];
    assert_eq!(campaign["context"]["step"]["settings"], settings);
    let strategy = &recordings(&app, "strategy/recordings").await[0]["case"];
    assert_eq!(strategy["context"]["step"]["domain"], "video");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_has_every_round_trip() {
    let app = recording_hostile(3).await;
    app.stub("srl").answer_with(|request| {
        let again = request.path.ends_with("/again");
        Reply::json(200, &json!({"again": again, "n": [1.0, 12_345]})).header("retry-after", "7")
    });
    let author = Author::of(guest("hostile"));
    let body = json!({"goal": "interpret:call-once=/srl/check?again=/again",
        "mode": "SIMULATION", "steps": [{"kind": "hostile"}]});
    let plan = app.step(&app.create(&body).await).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    assert_eq!(app.asked("srl"), 2);
    let ended = author.record(&app, &[]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let (file, case) = author.recorded();
    let [first, second] = &case["exchanges"].as_array().unwrap()[..] else {
        panic!("{case:#}");
    };
    assert_eq!(first["response"]["body"]["again"], false);
    assert_eq!(first["response"]["headers"]["retry-after"], "7");
    assert_eq!(second["request"]["path"], "/srl/check?again=/again");
    assert_eq!(second["request"]["body"], json!({"again": true}));
    assert_eq!(second["response"]["body"]["again"], true);
    assert_eq!(case["verdict"], "done");

    // The case would notice another plugin.
    let mut other = case;
    other["exchanges"][1]["request"]["body"] = json!({"again": false});
    fs::write(&file, other.to_string()).unwrap();
    let ended = author.test().ends();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_has(&ended.stdout, &["FAILED", "the request of exchange 2"]);
}

/// However a step ends, and whatever text it came from.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_answer_is_a_case_as_well() {
    let app = recording(&["srl"], 9).start().await;
    let busy = Reply::json(429, &json!({"ok": false})).header("retry-after", "7");
    for (reply, verdict) in [
        (Reply::json(500, &json!({"error": "boom"})), "failed"),
        (Reply::new(200, "text/html", "<p>\u{e9} \"7\""), "failed"),
        (Reply::new(200, "application/json", "null"), "failed"),
        (Reply::new(200, "application/json", "\"null\""), "failed"),
        (Reply::new(502, "application/json", ""), "failed"),
        (busy, "retry"),
    ] {
        app.stub("srl").answer(reply);
        let plan = app.create(&json!({"steps": [{"kind": "srl"}]})).await;
        assert_eq!(app.step(&plan).await["status"], "ERROR");
        let author = Author::of(&component("srl"));
        let ended = author.record(&app, &[]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let (_, case) = author.recorded();
        assert!(case["verdict"][verdict].is_string() || case["verdict"][verdict].is_object());
    }
    assert_eq!(recordings(&app, "srl/recordings").await.len(), 6);
}

/// What a service that is gone, or a write that is only shown, leaves of a case.
#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_a_case_is_the_request() {
    let app = recording(&["srl", "workflow"], 3)
        .without("srl")
        .configure(|config| config.run.retries = 0)
        .start()
        .await;
    let kinds = json!([{"kind": "srl"}, {"kind": "workflow", "after": []}]);
    let plan = app
        .create(&json!({"mode": "DRY_RUN", "steps": kinds}))
        .await;
    let body = json!({"planId": plan["id"], "wait": true});
    assert_eq!(app.post("/mesh/run", &body).await.0, 200);
    for kind in ["srl", "workflow"] {
        let author = Author::of(&component(kind));
        let ended = author.record(&app, &[]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let (_, case) = author.recorded();
        assert!(case["shape"]["request"]["body"].is_object(), "{case:#}");
        assert!(case.get("exchanges").is_none() && case.get("verdict").is_none());
    }
}

/// No case can expect that. The answer that did it is in the case, for the author to go on with.
#[tokio::test(flavor = "multi_thread")]
async fn where_the_plugin_failed_the_author_says_what_should_have_come_of_it() {
    let app = recording_hostile(3).await;
    for (goal, fault) in [
        ("interpret:panic", "panicked"),
        ("interpret:result=<p>", "not JSON"),
        ("shape:path=//evil", "another host"),
    ] {
        let plan = run_hostile(&app, goal).await;
        assert_eq!(plan["status"], "ERROR", "{plan:#}");
        let recorded = recordings(&app, "hostile/recordings").await;
        assert_has(recorded[0]["fault"].as_str().unwrap(), &[fault]);
        let author = Author::of(guest("hostile"));
        let ended = author.record(&app, &[]).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_has(&ended.stdout, &["the plugin failed", fault, "FAILED"]);
        let (_, case) = author.recorded();
        if goal.starts_with("interpret") {
            assert_eq!(case["exchanges"].as_array().unwrap().len(), 1);
            assert_has(case["verdict"]["failed"].as_str().unwrap(), &[fault]);
        } else {
            assert_has(case["shape"]["error"].as_str().unwrap(), &[fault]);
        }
    }
}

/// Neither the plugin's secrets nor the headers that the operator adds.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_recorded() {
    let configure = |config: &mut Config| {
        let srl = config.services.get_mut("srl").unwrap();
        let secret = serde_json::from_value(json!("Bearer hunter2")).unwrap();
        srl.headers.insert("authorization".to_owned(), secret);
    };
    let files = [("hostile.wasm", guest("hostile"))];
    let app = start_with(recording(&["hostile"], 3).configure(configure), files).await;
    run_hostile(&app, "as good as gold").await;
    assert_has(
        app.stub("srl").requests()[0].headers["authorization"]
            .to_str()
            .unwrap(),
        &["hunter2"],
    );
    run_hostile(&app, "shape:secret=token").await;
    let (_, answer) = app.get("/plugins/hostile/recordings").await;
    assert!(!answer.to_string().contains("hunter2"), "{answer}");
    let [secret, gold] = &answer["recordings"].as_array().unwrap()[..] else {
        panic!("{answer}");
    };
    let header = &secret["case"]["shape"]["request"]["headers"]["authorization"];
    assert_eq!(*header, json!({"secret": "token"}));
    assert!(gold["case"]["shape"]["request"].get("headers").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_ones_are_kept_and_found_by_plan_and_step() {
    let app = recording_hostile(3).await;
    let mut plans = Vec::new();
    for goal in ["one", "two", "three", "four"] {
        plans.push(run_hostile(&app, goal).await);
    }
    let kept = recordings(&app, "hostile/recordings").await;
    let goals = kept
        .iter()
        .map(|one| &one["case"]["context"]["plan"]["goal"]);
    assert_eq!(goals.collect::<Vec<_>>(), ["four", "three", "two"]);
    let newest = &kept[0];
    assert_eq!(newest["planId"], plans[3]["id"]);
    assert_eq!(newest["stepId"], "step-1");
    assert_eq!(newest["attempt"], 1);
    assert_eq!(newest["sha256"], plans[3]["steps"][0]["plugin"]);
    assert!(newest["at"].as_str().unwrap().ends_with('Z'));

    let two = plans[1]["id"].as_str().unwrap();
    for (query, count) in [
        (format!("planId={two}"), 1),
        (format!("planId={two}&stepId=step-1"), 1),
        (format!("planId={two}&stepId=step-2"), 0),
        ("stepId=step-1".to_owned(), 3),
        (format!("planId={}", plans[0]["id"].as_str().unwrap()), 0),
    ] {
        let found = recordings(&app, &format!("hostile/recordings?{query}")).await;
        assert_eq!(found.len(), count, "{query}");
    }

    let author = Author::of(guest("hostile"));
    let ended = author
        .record(&app, &["--plan", two, "--step", "step-1"])
        .await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (file, case) = author.recorded();
    assert_eq!(case["context"]["plan"]["goal"], "two");

    // It is never written over.
    fs::write(&file, "the author's own").unwrap();
    let ended = author.record(&app, &["--plan", two]).await;
    assert_eq!(ended.code, Some(1));
    assert_has(&ended.stderr, &["is there already", "--plan"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "the author's own");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_recorded_says_what_to_do() {
    let app = recording_hostile(3).await;
    let (status, answer) = app.get("/plugins/srl/recordings").await;
    assert_eq!(status, 404);
    let remedy = ["srl are not recorded", "record = 10 under [plugin.srl]"];
    assert_has(answer["error"].as_str().unwrap(), &remedy);
    let (status, answer) = app.get("/plugins/nothing/recordings").await;
    assert_eq!(status, 404);
    assert_has(
        answer["error"].as_str().unwrap(),
        &["\"nothing\" is not loaded"],
    );
    let (status, answer) = app.get("/plugins/hostile/recordings?plan=x").await;
    assert_eq!(status, 400);
    assert_has(answer["error"].as_str().unwrap(), &["planId, stepId"]);

    let author = Author::of(&component("srl"));
    let ended = author.record(&app, &[]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_has(&ended.stderr, &remedy);
    let author = Author::of(guest("hostile"));
    for (args, parts) in [
        (&[][..], ["no step of the kind hostile", "run a plan"]),
        (&["--step", "step-9"], ["no recording", "stepId=step-9"]),
    ] {
        let ended = author.record(&app, args).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_has(&ended.stderr, &parts);
    }
    let (code, said) = author.test().args(&["--step", "step-1"]).fails();
    assert_eq!(code, Some(2), "{said}");
    assert_has(&said, &["--record"]);
}

/// A mebibyte at a time, and one that is too large as a case.
#[tokio::test(flavor = "multi_thread")]
async fn there_is_a_limit_to_their_size() {
    let app = recording_hostile(100).await;
    let large = "x".repeat(1_000_000);
    app.stub("srl").answer(Reply::json(200, &json!(large)));
    let mut last = Value::Null;
    for _ in 0..36 {
        last = run_hostile(&app, "as good as gold").await;
    }
    let control = "\u{1}".repeat(1_000_000);
    app.stub("srl")
        .answer(Reply::new(200, "text/plain", &control));
    run_hostile(&app, "as good as gold").await;
    let kept = recordings(&app, "hostile/recordings").await;
    assert_eq!(kept.len(), (32 << 20) / 1_001_000);
    assert_eq!(kept[0]["planId"], last["id"]);
}
