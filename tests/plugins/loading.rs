//! The host answers while plugins are still being loaded, says which, and waits where it has to; a
//! component that does not compile delays nobody, and only once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::stalled::Host;
use crate::support::{
    Binary, GOAL, Program, Raw, Stub, TestApp, assert_has, bomb, cache_dir, folder, friendly,
    guest, http, within,
};
use crate::versions::variant;

/// Loops that keep the compiler busy for longer than any test runs.
const ENDLESS: usize = 2_000;

/// A component that nobody has seen before, so that no cache knows it.
fn unseen(component: &[u8]) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let once = variant(
        component,
        u16::try_from(now.subsec_nanos() % 60_000).unwrap(),
    );
    variant(&once, u16::try_from(std::process::id() % 60_000).unwrap())
}

fn create(kind: &str) -> Value {
    json!({"sessionId": "s1", "domain": "social", "goal": GOAL, "mode": "DRY_RUN",
        "steps": [{"kind": kind}]})
}

/// What becomes of a plan with this step, and when to ask again.
async fn created(url: &str, kind: &str) -> (u16, Option<String>, String) {
    let request = http().post(format!("{url}/mesh/create"));
    let request = request.header("content-type", "application/json");
    let answer = within(request.body(create(kind).to_string()).send())
        .await
        .unwrap();
    let again = answer.headers().get("retry-after");
    let again = again.map(|again| again.to_str().unwrap().to_owned());
    (
        answer.status().as_u16(),
        again,
        answer.text().await.unwrap(),
    )
}

/// A host with this limit of compiling and these files.
fn host(data: &Path, plugins: &Path, compile_ms: u64) -> Host {
    let binary = Binary::run("serve", data)
        .env("MESH_LIMITS__PLUGIN__COMPILE_MS", compile_ms.to_string())
        .arg("--plugins")
        .arg(plugins);
    Host::of(binary)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_answers_while_a_component_is_compiled() {
    let endless = unseen(&bomb(ENDLESS));
    let plugins = folder([("endless.wasm", endless.as_slice())]);
    let data = tempfile::tempdir().unwrap();
    let host = host(data.path(), plugins.path(), 3_600_000);
    assert_eq!(host.get("/health").await["ok"], true);
    for path in ["/plugins", "/mesh/status"] {
        let answer = host.get(path).await;
        let state = if path == "/plugins" {
            &answer
        } else {
            &answer["plugins"]
        };
        let file = plugins.path().join("endless.wasm").display().to_string();
        assert_eq!(state["loading"], json!([file]), "{answer:#}");
    }
    assert_eq!(created(&host.url, "strategy").await.0, 200);
    let (status, again, said) = created(&host.url, "endless").await;
    assert_eq!((status, again.as_deref()), (503, Some("1")), "{said}");
    assert_has(
        &said,
        &["endless", "is not loaded yet", "GET /plugins", "try again"],
    );
    host.stops();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_does_not_compile_is_compiled_once() {
    let endless = unseen(&bomb(ENDLESS));
    let plugins = folder([("endless.wasm", endless.as_slice())]);
    let data = tempfile::tempdir().unwrap();
    let refused = async || {
        let host = host(data.path(), plugins.path(), 3_000);
        let plugins = host.loaded().await;
        let (status, again, said) = created(&host.url, "endless").await;
        assert_eq!((status, again), (400, None), "{said}");
        let notice = plugins["notices"][0].as_str().unwrap().to_owned();
        assert_has(
            &notice,
            &[
                "endless.wasm is skipped",
                "took more than 3000 ms to compile",
            ],
        );
        let log = host.stops();
        assert_eq!(log.matches(&notice).count(), 1, "{log}");
        notice
    };
    let first = refused().await;
    assert!(!first.contains("remembered"), "{first}");
    let second = refused().await;
    let (_, file) = second
        .split_once("to have it tried again, remove ")
        .unwrap();
    let file = file.trim_end_matches(')');
    assert!(file.starts_with(cache_dir().to_str().unwrap()), "{file}");
    fs::remove_file(file).unwrap();
    let third = refused().await;
    assert!(!third.contains("remembered"), "{third}");
    fs::remove_file(file).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_component_waits_for_no_bad_ones() {
    let endless: Vec<Vec<u8>> = (0..5)
        .map(|n| variant(&unseen(&bomb(ENDLESS)), n))
        .collect();
    let good = unseen(guest("hostile"));
    let names = ["a.wasm", "b.wasm", "c.wasm", "d.wasm", "e.wasm"];
    let files = names
        .iter()
        .zip(&endless)
        .map(|(name, bytes)| (*name, bytes.as_slice()));
    let plugins = folder(files.chain([("z.wasm", good.as_slice())]));
    assert!(endless.iter().all(|bomb| bomb.len() < good.len()));
    let data = tempfile::tempdir().unwrap();
    let host = host(data.path(), plugins.path(), 3_600_000);
    host.serves("hostile").await;
    let loading = host.get("/plugins").await["loading"].clone();
    assert_eq!(
        loading.as_array().unwrap().len(),
        endless.len(),
        "{loading}"
    );
    host.stops();
}

/// Its kept component was damaged; the file in the folder mends it, and the plan waits for that.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_is_resumed_waits_for_its_plugin() {
    let echo = unseen(guest("echo-check"));
    let plugins = folder([("echo.wasm", echo.as_slice())]);
    let start = |data: Option<Arc<TempDir>>| {
        let path = plugins.path().to_owned();
        let mut app = TestApp::builder().configure(move |config| config.plugins_dir = Some(path));
        if let Some(data) = data {
            app = app.data(data);
        } else {
            app = app.without("srl");
        }
        app.start()
    };
    let app = start(None).await;
    let plan = app.create(&create("echo-check")).await;
    let run = json!({"planId": plan["id"]});
    assert_eq!(app.post("/mesh/run", &run).await.0, 200);
    app.status_when(|status| status["runs"]["waiting"] == 1)
        .await;
    let data = app.stop().await;
    let digest = plan["steps"][0]["plugin"].as_str().unwrap();
    fs::write(
        data.path().join(format!("plugins/{digest}.wasm")),
        "damaged",
    )
    .unwrap();
    let app = start(Some(data)).await;
    let ended = json!({"planId": plan["id"], "wait": true});
    let (_, answer) = app.post("/mesh/run", &ended).await;
    assert_eq!(answer["plan"]["status"], "DONE", "{answer:#}");
}

/// A mistake that shows only then ends the host as one does that shows at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_recipe_is_held_against_what_is_loaded_last() {
    let good = unseen(&Raw::new("good").component());
    let plugins = folder([("good.wasm", good.as_slice())]);
    let data = tempfile::tempdir().unwrap();
    let mut stubs = BTreeMap::new();
    for (name, reply) in friendly() {
        stubs.insert(name, Stub::answering(reply).await);
    }
    let services = stubs.iter().map(|(name, stub)| (*name, &*stub.url));
    let services: Vec<(&str, &str)> = services.collect();
    for (kind, starts) in [("good", true), ("god", false)] {
        let recipe = format!(
            "plugins_dir = {:?}\n[[recipe]]\nname = \"one\"\nsteps = [{{kind = \"{kind}\"}}]\n",
            plugins.path()
        );
        let program = Program::new(data.path(), &recipe, services.iter().copied());
        let mut process = program.spawn();
        let url = process.listening().await;
        if starts {
            let host = url.unwrap();
            let good = async {
                while created(&host, "good").await.0 != 200 {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
            };
            within(good).await;
        } else {
            assert_eq!(process.ended().await.code(), Some(1));
            assert_has(
                &program.log(),
                &["[[recipe]]", "\"one\"", "\"god\" is not loaded"],
            );
        }
    }
}
