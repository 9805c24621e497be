//! Whatever comes in, the host answers: never a 5xx, and every error in the one shape.

use std::future::Future;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::support::TestApp;

/// Every route that takes a body, with one that it accepts.
fn routes() -> Vec<(&'static str, Value)> {
    let create = json!({
        "sessionId": "s",
        "domain": "social",
        "goal": "a goal",
        "mode": "DRY_RUN",
        "steps": [
            {"kind": "autonomy", "label": "First"},
            {"kind": "strategy", "settings": {"horizonDays": 3}, "after": []},
            {"kind": "workflow", "after": ["step-1", "step-2"]},
        ],
        "domains": ["social", "video"],
    });
    let recipe = json!({
        "sessionId": "s",
        "domain": "system",
        "goal": "a goal",
        "recipe": "strategy",
    });
    vec![
        ("/mesh/create", create),
        ("/mesh/create", recipe),
        (
            "/mesh/step",
            json!({"planId": "019a0000-0000-7000-8000-000000000000"}),
        ),
        ("/mesh/brain/resend", json!({"ids": [1, 2]})),
    ]
}

const QUERIES: [&str; 8] = [
    "/health",
    "/mesh/plan",
    "/mesh/plans",
    "/mesh/history",
    "/mesh/status",
    "/mesh/brain/parked",
    "/plugins",
    "/recipes",
];

/// Names that mean something somewhere, and some that do not.
const NAMES: [&str; 20] = [
    "id",
    "limit",
    "cursor",
    "domain",
    "sessionId",
    "status",
    "goal",
    "mode",
    "steps",
    "kind",
    "label",
    "settings",
    "after",
    "recipe",
    "domains",
    "step-1",
    "planId",
    "ids",
    "__proto__",
    "",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        Just(json!("\u{0}")),
        Just(json!("x".repeat(20_000))),
        prop::sample::select(NAMES.to_vec()).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::from),
            vec((name(), inner), 0..8).prop_map(|fields| Value::Object(Map::from_iter(fields))),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

/// A body that would be accepted, but for one field.
fn nearly(valid: Value) -> impl Strategy<Value = Value> {
    let fields: Vec<String> = valid.as_object().unwrap().keys().cloned().collect();
    let field = prop_oneof![3 => prop::sample::select(fields), 1 => name()];
    (field, prop::option::of(any_json())).prop_map(move |(field, value)| {
        let mut body = valid.clone();
        let fields = body.as_object_mut().unwrap();
        match value {
            Some(value) => fields.insert(field, value),
            None => fields.remove(&field),
        };
        body
    })
}

/// A JSON text, or something near one.
fn body(valid: Value) -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![any_json(), nearly(valid.clone()), Just(valid)]
        .prop_map(|value| value.to_string().into_bytes())
        .boxed();
    let broken = (text.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(
        |(mut text, index, byte)| {
            let at = index.index(text.len());
            text[at] = byte;
            text
        },
    );
    let deep = (1..20_000_usize).prop_map(|depth| "[".repeat(depth).into_bytes());
    prop_oneof![6 => text, 2 => broken, 1 => vec(any::<u8>(), 0..200), 1 => deep]
}

fn content_type() -> impl Strategy<Value = Option<&'static str>> {
    let others = [
        None,
        Some("text/plain"),
        Some(""),
        Some("application/json/x"),
    ];
    let json = ["application/json", "Application/JSON; charset=utf-8"];
    prop_oneof![
        8 => prop::sample::select(json.to_vec()).prop_map(Some),
        1 => prop::sample::select(others.to_vec()),
    ]
}

/// `name=value&…`, where anything may be in both.
fn query() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        vec(any::<u8>(), 0..12),
        any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        prop::sample::select(vec![
            "social",
            "DONE",
            "1",
            "1000",
            "0",
            "9223372036854775808"
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    let pair = (name(), text, any::<bool>()).prop_map(|(name, value, assigned)| {
        let equals = if assigned { "=" } else { "" };
        format!("{}{equals}{}", escaped(name.as_bytes()), escaped(&value))
    });
    vec(pair, 0..5).prop_map(|pairs| pairs.join("&"))
}

fn escaped(bytes: &[u8]) -> String {
    let escape = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(*byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    bytes.iter().map(escape).collect()
}

fn assert_answer((status, answer): &(u16, Value)) {
    assert!(*status < 500, "{status}: {answer}");
    if *status < 300 {
        assert_eq!(answer["ok"], true, "{answer}");
        return;
    }
    let fields = answer.as_object().unwrap();
    assert!(
        fields.keys().eq(["ok", "error"]) || fields.keys().eq(["error", "ok"]),
        "{answer}"
    );
    assert_eq!(answer["ok"], false, "{answer}");
    let error = answer["error"].as_str().unwrap();
    assert!(!error.is_empty() && error.len() < 2_000, "{answer}");
}

/// Runs the cases against one host, which must still be well afterwards.
fn against_a_host<T: std::fmt::Debug, F: Future<Output = (u16, Value)>>(
    cases: u32,
    inputs: impl Strategy<Value = T>,
    mut ask: impl FnMut(TestAppRef, T) -> F,
) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let app: TestAppRef = Box::leak(Box::new(runtime.block_on(TestApp::start())));
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let ask = std::cell::RefCell::new(&mut ask);
    let outcome = TestRunner::new(config).run(&inputs, |input| {
        let future = (ask.borrow_mut())(app, input);
        assert_answer(&runtime.block_on(future));
        Ok(())
    });
    outcome.unwrap();
    let (status, _) = runtime.block_on(app.get("/health"));
    assert_eq!(status, 200);
}

/// Lives as long as the test process, so that the requests in it can borrow it.
type TestAppRef = &'static TestApp;

#[test]
fn random_bodies_are_answered() {
    let routes = routes();
    let inputs = prop::sample::select(routes)
        .prop_flat_map(|(route, valid)| (Just(route), content_type(), body(valid)));
    against_a_host(
        1_500,
        inputs,
        |app, (route, content_type, body)| async move { app.post_raw(route, content_type, body).await },
    );
}

#[test]
fn random_queries_are_answered() {
    let inputs = (prop::sample::select(QUERIES.to_vec()), query());
    against_a_host(1_500, inputs, |app, (route, query)| async move {
        app.get(&format!("{route}?{query}")).await
    });
}

/// What is accepted is also run: no accepted plan leads to a 5xx.
#[test]
fn random_plans_can_be_run() {
    let kind = prop::sample::select(vec![
        "autonomy",
        "srl",
        "hardening",
        "workflow",
        "simulation",
        "strategy",
        "ops",
    ]);
    let steps = vec(kind.prop_map(|kind| json!({"kind": kind})), 1..8);
    let modes = prop::sample::select(vec!["LIVE", "DRY_RUN", "SIMULATION", "live"]);
    let domains = prop::sample::select(vec!["social", "ecomm", "system", "trends"]);
    let goal = any::<String>();
    let inputs = (steps, modes, domains, goal).prop_map(|(steps, mode, domain, goal)| {
        let goal = format!("g{goal}");
        json!({"sessionId": "s", "domain": domain, "goal": goal, "mode": mode, "steps": steps})
    });
    against_a_host(100, inputs, |app, body| async move {
        let created = app.post("/mesh/create", &body).await;
        if created.0 != 200 {
            return created;
        }
        let plan = created.1["plan"].clone();
        for _ in 0..plan["steps"].as_array().unwrap().len() {
            let stepped = app.try_step(&plan).await;
            if stepped.0 != 200 || stepped.1["plan"]["status"] == "ERROR" {
                return stepped;
            }
        }
        app.get(&format!(
            "/mesh/history?id={}",
            plan["id"].as_str().unwrap()
        ))
        .await
    });
}
