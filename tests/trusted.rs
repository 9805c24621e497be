//! A check counts before a LIVE plan writes only if its component came with the host, or is one that
//! the operator named: for the version that the plan's step really has, when the plan is made and
//! before each write.

use codex_mesh::registry::embedded;
use codex_mesh::sandbox::sha256;
use serde_json::{Value, json};

use crate::recipes::refused;
use crate::support::{GOAL, Signer, TestApp, TestAppBuilder, assert_has, folder, start_with};
use crate::versions::variant;

const CHECKS: [&str; 3] = ["autonomy", "srl", "hardening"];

/// The embedded plugin of a kind as a component of somebody else's, which does the same.
fn others(kind: &str) -> Vec<u8> {
    let mut shipped = embedded::COMPONENTS.iter();
    let (_, bytes) = shipped.find(|(name, _)| *name == kind).unwrap();
    variant(bytes, 7)
}

/// A host that names who signs components of the kind srl.
fn signed_by(signer: &Signer) -> TestAppBuilder {
    let key = signer.key();
    TestApp::builder().configure(|config| {
        let named = config.policy.trusted.entry("srl".to_owned()).or_default();
        named.signature.push(key);
    })
}

/// Asks for a plan of the default recipe.
async fn ask(app: &TestApp, mode: &str) -> (u16, Value) {
    let body = json!({"sessionId": "s1", "domain": "social", "goal": GOAL, "mode": mode});
    app.post("/mesh/create", &body).await
}

/// Why there is no LIVE plan.
async fn error(app: &TestApp) -> String {
    let (status, answer) = ask(app, "LIVE").await;
    assert_eq!(status, 400, "{answer}");
    answer["error"].as_str().unwrap().to_owned()
}

/// A LIVE plan, which must end well.
async fn done(app: &TestApp) {
    let plan = app.run(&app.create(&json!({})).await).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
}

/// Sends a component and activates it.
async fn activate(app: &TestApp, kind: &str, component: &[u8], signature: Option<&str>) {
    let (status, answer) = app.upload_signed(component, signature).await;
    assert_eq!(status, 200, "{answer}");
    let chosen = json!({"sha256": sha256(component)});
    let (status, answer) = app
        .post(&format!("/plugins/{kind}/activate"), &chosen)
        .await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn components_that_anybody_dropped_in_are_no_checks() {
    let components = CHECKS.map(|kind| (format!("{kind}.wasm"), others(kind)));
    let files = components.iter().map(|(name, bytes)| (&**name, &**bytes));
    let app = start_with(TestApp::builder(), files.clone()).await;
    let error = error(&app).await;
    for kind in CHECKS {
        let table = format!(
            "sha256 = [\"{}\"] under [policy.trusted.{kind}]",
            sha256(&others(kind))
        );
        assert_has(&error, &[&table, "do not count as checks", "signature"]);
    }
    for mode in ["DRY_RUN", "SIMULATION"] {
        let (status, answer) = ask(&app, mode).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(app.run(&answer["plan"]).await["status"], "DONE");
    }
    assert_eq!(app.asked("workflow"), 0);

    let named = CHECKS.iter().fold(TestApp::builder(), |app, kind| {
        app.trust(kind, &others(kind))
    });
    let app = start_with(named, files.clone()).await;
    done(&app).await;
    // Named for another kind it is not named.
    let swapped = TestApp::builder()
        .trust("autonomy", &others("autonomy"))
        .trust("srl", &others("hardening"))
        .trust("hardening", &others("srl"));
    let app = start_with(swapped, files).await;
    let error = self::error(&app).await;
    assert_has(
        &error,
        &["step-2 (srl) and step-3 (hardening) do not count"],
    );
    assert!(!error.contains("step-1"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_it_may_be_named() {
    let (ours, other) = (Signer::new(1), Signer::new(2));
    let srl = others("srl");
    let signature = ours.sign(&srl);
    let files = [
        ("srl.wasm", &*srl),
        ("srl.wasm.minisig", signature.as_bytes()),
    ];
    let app = start_with(signed_by(&ours), files).await;
    done(&app).await;
    let app = start_with(signed_by(&other), files).await;
    assert_has(&error(&app).await, &["step-2 (srl) does not count"]);
    // A signature that comes later counts from then on, and after a restart.
    let app = signed_by(&ours).start().await;
    activate(&app, "srl", &srl, None).await;
    assert_has(&error(&app).await, &["step-2 (srl) does not count"]);
    activate(&app, "srl", &srl, Some(&other.sign(&srl))).await;
    assert_has(&error(&app).await, &["step-2 (srl) does not count"]);
    activate(&app, "srl", &srl, Some(&signature)).await;
    done(&app).await;
    let app = signed_by(&ours).data(app.stop().await).start().await;
    done(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_the_component_that_counts_not_the_way_it_came() {
    let mut shipped = embedded::COMPONENTS.iter();
    let (_, srl) = shipped.find(|(name, _)| *name == "srl").unwrap();
    let app = start_with(TestApp::builder(), [("srl.wasm", *srl)]).await;
    done(&app).await;
    activate(&app, "srl", srl, None).await;
    done(&app).await;
}

/// It is judged for the version that the plan's step has, whatever new plans get.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_keeps_the_checks_that_it_was_made_with() {
    let app = TestApp::start().await;
    let open = app.create(&json!({})).await;
    activate(&app, "hardening", &others("hardening"), None).await;
    assert_has(&error(&app).await, &["step-3 (hardening) does not count"]);
    let (_, answer) = app.get("/plugins").await;
    let plugins = answer["plugins"].as_array().unwrap();
    for plugin in plugins {
        assert_eq!(plugin["trusted"], plugin["kind"] != "hardening", "{plugin}");
    }
    assert_eq!(app.run(&open).await["status"], "DONE");
    let (_, answer) = app.post("/plugins/hardening/rollback", &json!({})).await;
    assert_eq!(answer["ok"], true, "{answer}");
    done(&app).await;
}

/// What the operator takes off the list counts for no write after that.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_named_any_more_lets_no_open_plan_write() {
    let srl = others("srl");
    let app = TestApp::builder().trust("srl", &srl).start().await;
    activate(&app, "srl", &srl, None).await;
    let body = json!({"domains": ["social", "video"]});
    let mut plan = app.create(&body).await;
    for _ in 0..4 {
        plan = app.step(&plan).await;
    }
    assert_eq!(app.asked("workflow"), 1, "the first domain's");

    let app = TestApp::builder().data(app.stop().await).start().await;
    plan = app.step(&plan).await;
    assert_eq!(plan["steps"][4]["status"], "ERROR", "{plan:#}");
    let error = plan["steps"][4]["error"].as_str().unwrap();
    assert_has(
        error,
        &[
            "step-2 (srl) does not count",
            "[policy.trusted.srl]",
            "Nothing was sent",
        ],
    );
    assert_eq!(app.asked("workflow"), 0);

    let app = TestApp::builder()
        .trust("srl", &srl)
        .data(app.stop().await)
        .start()
        .await;
    let retry = json!({"planId": plan["id"]});
    assert_eq!(app.post("/mesh/retry", &retry).await.0, 200);
    assert_eq!(app.step(&plan).await["status"], "DONE");
    assert_eq!(app.asked("workflow"), 1);
}

/// A write that a plugin asks for later is judged like any other.
#[tokio::test(flavor = "multi_thread")]
async fn nor_does_a_follow_up_write() {
    let srl = others("srl");
    let files = folder([
        ("srl.wasm", &*srl),
        ("hostile.wasm", crate::support::guest("hostile")),
    ]);
    let path = files.path().to_owned();
    let app = TestApp::builder()
        .configure(move |config| config.plugins_dir = Some(path))
        .grant("hostile", "srl", &["reads", "POST /srl/write"])
        .start()
        .await;
    let kinds = [&CHECKS[..], &["hostile"]].concat();
    let steps: Vec<Value> = kinds.iter().map(|kind| json!({"kind": kind})).collect();
    let body = json!({"goal": "interpret:call=/srl/write", "steps": steps});
    let plan = app.run(&app.create(&body).await).await;
    let error = plan["steps"][3]["error"].as_str().unwrap();
    assert_has(error, &["step-2 (srl) does not count", "Nothing was sent"]);
    let requests = app.stub("srl").requests();
    assert!(requests.iter().all(|request| request.path != "/srl/write"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_misspelt_keeps_the_host_from_starting() {
    let cases: [(&str, &[&str]); 4] = [
        (
            "[policy.trusted.slr]",
            &["[policy.trusted.slr]", "autonomy, srl, hardening"],
        ),
        (
            "[policy.trusted.srl]\nsha256 = [\"abc\"]",
            &["[policy.trusted.srl] sha256", "SHA-256"],
        ),
        (
            "[policy.trusted.srl]\nsignature = [\"abc\"]",
            &["[policy.trusted.srl] signature", "minisign"],
        ),
        (
            "[policy.trusted.srl]\ndigest = []",
            &["policy.trusted.srl.digest is not known"],
        ),
    ];
    for (text, parts) in cases {
        assert_has(&refused(text).await, parts);
    }
}
