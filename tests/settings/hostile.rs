//! A plugin's schema is anybody's: what it costs to check settings against it is bounded, and never
//! at the expense of other requests.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{ask, of_schema, with};
use crate::support::{TestApp, assert_has, start_with, within};

/// No `/health` may take as long as this while something else is checked.
const SOON: Duration = Duration::from_secs(3);

/// No create may take as long as this, even here.
const BOUNDED: Duration = Duration::from_secs(30);

async fn serving(schema: &Value) -> TestApp {
    let component = of_schema("mine", "1.0.0", schema);
    start_with(TestApp::builder(), [("mine.wasm", &*component)]).await
}

/// Makes a plan of so many steps with these settings, and asks for `/health` meanwhile.
async fn create(app: &TestApp, steps: usize, settings: &Value) -> (u16, Value) {
    let steps = vec![json!({"kind": "mine", "settings": settings}); steps];
    let steps = Value::Array(steps);
    let begun = Instant::now();
    let asking = ask(app, &steps);
    tokio::pin!(asking);
    let answer = loop {
        let asked = Instant::now();
        tokio::select! {
            biased;
            answer = &mut asking => break answer,
            (status, _) = app.get("/health") => {
                assert_eq!(status, 200);
                assert!(asked.elapsed() < SOON, "health took {:?}", asked.elapsed());
            }
        }
    };
    assert!(begun.elapsed() < BOUNDED, "it took {:?}", begun.elapsed());
    answer
}

fn patterns(count: usize, pattern: &str) -> Value {
    json!({"properties": {"a": {"allOf": vec![json!({"pattern": pattern}); count]}}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patterns_times_text_is_bounded() {
    let app = serving(&patterns(20, "[a-c]*a[a-c]{12000}[d-z]")).await;
    let text = json!({"a": format!("{}d", "abc".repeat(5_300))});
    for steps in [1, 50] {
        let (status, answer) = create(&app, steps, &text).await;
        assert_eq!(status, 400, "{answer}");
        let parts = [
            "steps[0].settings are too large for the schema of mine",
            "shorter",
        ];
        assert_has(answer["error"].as_str().unwrap(), &parts);
    }
    let (status, answer) = create(&app, 1, &json!({"a": "ab"})).await;
    assert_eq!(status, 400, "{answer}");
    assert_has(
        answer["error"].as_str().unwrap(),
        &["steps[0].settings at /a"],
    );
}

/// What a plugin would really ask for is taken, long texts too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usual_patterns_take_long_texts() {
    for pattern in [
        "^[^<>]*$",
        "^[\\w .,]+$",
        "^(?:[^@]+@[^@]+|[ab]+)$",
        "^.{1,16000}$",
    ] {
        let app = serving(&patterns(2, pattern)).await;
        let (status, answer) = create(&app, 10, &json!({"a": "ab".repeat(2_000)})).await;
        assert_eq!(status, 200, "{pattern}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_else_in_a_schema_is_endless_either() {
    let numbers: Vec<usize> = (0..1_900).collect();
    let list = |item: Value, count: usize| json!({"a": vec![item; count]});
    let a = |schema: Value| json!({"properties": {"a": schema}});
    let items = |schema: Value| a(json!({"items": schema}));
    let named: Vec<(String, Value)> = (0..20)
        .map(|n| (format!("[a-c]*a[a-c]{{50{n}}}[d-z]"), json!({})))
        .collect();
    let named: Value = named.into_iter().collect();
    let names: Vec<(String, Value)> = (0..7)
        .map(|n| (format!("{n}{}", "abc".repeat(700)), json!(1)))
        .collect();
    let names: Value = names.into_iter().collect();
    let tiny = vec![json!({"multipleOf": 1e-300}); 900];
    let halves = vec![json!({"oneOf": [{"multipleOf": 0.1}, {"multipleOf": 0.3}]}); 200];
    let deep = (0..14).fold(
        json!({"enum": numbers}),
        |inner, _| json!({"allOf": [inner, {}]}),
    );
    let cases = [
        (items(json!({"enum": numbers})), list(json!(-1), 5_000)),
        (items(json!({"allOf": tiny})), list(json!(1e300), 2_000)),
        (items(json!({"allOf": halves})), list(json!(0.7), 3_000)),
        (a(json!({"uniqueItems": true})), list(json!([[[]]]), 2_000)),
        (items(deep), list(json!("-"), 3_000)),
        (json!({"patternProperties": named}), names.clone()),
        (
            json!({"propertyNames": {"pattern": "[a-c]*a[a-c]{9000}[d-z]"}}),
            names,
        ),
    ];
    for (schema, settings) in cases {
        let app = serving(&schema).await;
        for steps in [1, 50] {
            let (status, answer) = create(&app, steps, &settings).await;
            assert!(matches!(status, 200 | 400), "{answer}");
        }
    }
}

/// While some create what takes long, others create what does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_creates_little_does_not_wait_for_who_creates_much() {
    let app = serving(&patterns(1, "[a-c]*a[a-c]{6000}[d-z]")).await;
    let app = std::sync::Arc::new(app);
    let text = json!([{"kind": "mine", "settings": {"a": "abc".repeat(5_000)}}]);
    let many: Vec<_> = (0..40)
        .map(|_| {
            let (app, text) = (std::sync::Arc::clone(&app), text.clone());
            tokio::spawn(async move { ask(&app, &text).await.0 })
        })
        .collect();
    within(async {
        while !many.iter().any(|one| one.is_finished()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    for _ in 0..3 {
        let (status, answer) = ask(&app, &json!([{"kind": "srl"}])).await;
        assert_eq!(status, 200, "{answer}");
    }
    let left = many.iter().filter(|one| !one.is_finished()).count();
    assert!(left > 20, "it waited for most of them: {left} are left");
    for one in many {
        assert_eq!(one.await.unwrap(), 400);
    }
}

/// The operator's settings and recipes are checked as a client's are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operators_own_are_bounded_too() {
    let component = of_schema("mine", "1.0.0", &patterns(20, "[a-c]*a[a-c]{12000}[d-z]"));
    let text = format!("[plugin.mine.settings]\na = \"{}\"\n", "ab".repeat(8_000));
    let begun = Instant::now();
    let builder = super::set(TestApp::builder(), &text);
    let app = start_with(builder, [("mine.wasm", &*component)]).await;
    assert!(begun.elapsed() < BOUNDED, "it took {:?}", begun.elapsed());
    let (_, answer) = app.get("/plugins/mine").await;
    assert_eq!(answer["ok"], false, "{answer}");
    drop(with("").await);
}
