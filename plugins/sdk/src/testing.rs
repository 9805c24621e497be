//! Contexts, answers and the time for native unit tests of plugins. Panics freely: it only ever runs in
//! tests.
#![allow(clippy::panic, clippy::expect_used, clippy::indexing_slicing)]

use serde_json::Value;

use crate::{
    Context, Effect, FinishedStep, Mode, PlanInfo, PlannedStep, Response, Step, ThisStep, Verdict,
};

type Planned = (&'static str, &'static str, Effect);

const CHECKS: [Planned; 3] = [
    ("autonomy", "/autonomy/evaluate", Effect::Read),
    ("srl", "/srl/check", Effect::Read),
    ("hardening", "/hardening/check", Effect::Read),
];

/// The default LIVE plan of the domain `social`, at its step of this kind, with nothing finished.
pub fn context(kind: &str) -> Context {
    planned(kind, &[("workflow", "/workflow/create", Effect::Write)])
}

/// A plan alike, in which strategy, trends and campaign follow the checks.
pub fn chain(kind: &str) -> Context {
    let steps = [
        ("strategy", "/strategy/plan", Effect::Read),
        ("trends", "/trends/summary", Effect::Read),
        ("campaign", "/campaign/create", Effect::Write),
    ];
    planned(kind, &steps)
}

fn planned(kind: &str, after_checks: &[Planned]) -> Context {
    let steps: Vec<PlannedStep> = CHECKS
        .iter()
        .chain(after_checks)
        .enumerate()
        .map(|(index, (kind, endpoint, effect))| PlannedStep {
            id: format!("step-{}", index + 1),
            kind: (*kind).to_owned(),
            service: (*kind).to_owned(),
            endpoint: (*endpoint).to_owned(),
            effect: *effect,
        })
        .collect();
    let id = steps.iter().find(|step| step.kind == kind).map_or_else(
        || format!("step-{}", steps.len() + 1),
        |step| step.id.clone(),
    );
    Context {
        plan: PlanInfo {
            id: "3f2b7c52-7a39-4a5e-9a53-0d6f3c9a1b11".to_owned(),
            session_id: "s1".to_owned(),
            domain: "social".to_owned(),
            goal: "Plan and execute a 7-day TikTok & Shorts content cycle.".to_owned(),
            mode: Mode::Live,
        },
        steps,
        step: ThisStep {
            id,
            domain: "social".to_owned(),
            attempt: 1,
            settings: "{}".to_owned(),
        },
        finished: Vec::new(),
    }
}

/// The same plan, its step of this kind with these settings.
pub fn with_settings(kind: &str, settings: &str) -> Context {
    let mut context = context(kind);
    context.step.settings = settings.to_owned();
    context
}

/// From now on, and in this test alone, [`clock`](crate::clock) says this. Before, it is the start
/// of 2026, and the step has a minute left, as in a recorded case that says nothing else.
pub fn set_clock(now: u64, time_left: Option<u64>) {
    crate::clock::set(now, time_left);
}

/// A step that finished with this result.
pub fn finished(id: &str, kind: &str, result: &Value) -> FinishedStep {
    FinishedStep {
        id: id.to_owned(),
        kind: kind.to_owned(),
        result: result.to_string(),
    }
}

/// An answer with this status, content type and body.
pub fn response(status: u16, content_type: &str, body: &str) -> Response {
    Response {
        status,
        headers: vec![("content-type".to_owned(), content_type.to_owned())],
        body: body.to_owned(),
        elapsed_ms: 5,
    }
}

/// What the plugin makes of this answer to its own request in the default plan.
pub fn verdict<S: Step>(response: &Response) -> Verdict {
    let context = context(&S::describe().kind);
    let request = S::shape(&context).expect("the default plan has a request");
    S::interpret(&context, &request, response).unwrap_or_else(Verdict::from)
}

/// The JSON that the plugin would send.
pub fn payload<S: Step>(context: &Context) -> Value {
    let request = S::shape(context).expect("a request");
    let body = request.body.expect("a body");
    serde_json::from_str(&body).expect("a body of JSON")
}

/// Checks what the plugin says of itself, and that its usual request is the one it names. `kind`
/// is its service as well.
pub fn assert_manifest<S: Step>(kind: &str, label: &str, endpoint: &str) {
    let manifest = S::describe();
    assert_eq!(manifest.kind, kind);
    assert_eq!(manifest.service, kind);
    assert_eq!(manifest.label, label);
    assert_eq!(manifest.endpoint, endpoint);
    let schema: Value = serde_json::from_str(&manifest.settings_schema).expect("a JSON Schema");
    assert_eq!(schema["type"], "object");
    assert_eq!(schema["additionalProperties"], false);
    let request = S::shape(&context(kind)).expect("the default plan has a request");
    assert_eq!(request.method, manifest.method);
    assert_eq!(request.path, manifest.endpoint);
}

/// Checks that what no service means as an answer ends the step, or asks for another try, with a
/// message that names the service and what happened.
pub fn assert_faults<S: Step>() {
    let json = "application/json; charset=utf-8";
    let failures = [
        (200, "text/html", "<!doctype html><p>Hello", "HTML"),
        (200, json, "", "an empty body"),
        (204, "", "", "an empty body"),
        (200, json, r#"{"ok":true,"allowExecution":tr"#, "breaks off"),
        (200, json, r#"{"ok":false,"error":"no luck"}"#, "no luck"),
        (200, json, "{}", "missing field"),
        (200, json, "[]", "not an object"),
        (200, json, "null", "not an object"),
        (302, "", "", "redirect"),
        (
            404,
            json,
            r#"{"message":"Route not found","error":"Not Found"}"#,
            "Route not found",
        ),
        (500, json, r#"{"ok":false,"error":"it broke"}"#, "it broke"),
    ];
    let service = S::describe().service;
    for (status, content_type, body, expected) in failures {
        let Verdict::Failed(reason) = verdict::<S>(&response(status, content_type, body)) else {
            panic!("{status} {body:?} is no answer");
        };
        let told = [&*service, &status.to_string(), expected]
            .iter()
            .all(|part| reason.contains(part));
        assert!(told, "{status} {body:?}: {reason}");
    }
    for status in [429, 503] {
        let mut busy = response(status, json, r#"{"error":"busy"}"#);
        busy.headers
            .push(("retry-after".to_owned(), "7".to_owned()));
        let Verdict::Retry(retry) = verdict::<S>(&busy) else {
            panic!("{status} is worth another try");
        };
        assert!(
            retry
                .reason
                .starts_with(&format!("{service} answered {status}"))
        );
        assert_eq!(retry.after_ms, Some(7_000));
    }
}
