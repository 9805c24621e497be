//! Local edition of autonomy: decides whether a goal may be acted on (`guard` and `decision` have
//! the rules), and takes goals apart.

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};

use super::decision::{self, Action, Decision, Factors, feasibility, importance, percent};
use super::decompose::{self, Decomposition};
use super::fastify::{self, Body, Fault, Fields};
use super::guard::{self, Guard};
use super::{js, now};

pub(super) fn routes() -> Router {
    let health = json!({
        "ok": true,
        "service": "codex-autonomy",
        "version": "1.0.0",
        "mode": "SEMI-AUTONOMOUS",
        "capabilities": [
            "decision-making",
            "task-decomposition",
            "safe-delegation",
            "workflow-continuation",
            "safety-enforcement",
        ],
    });
    Router::new()
        .route("/health", fastify::health(health))
        .route("/autonomy/evaluate", post(evaluate))
        .route("/autonomy/decompose", post(decompose))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Evaluation {
    goal: String,
    action: Action,
    confidence: Option<f64>,
    reasoning: String,
    reasoning_trace: Vec<Thought>,
    safety_guard: Guard,
    suggested_next_steps: &'static [&'static str],
    estimated_duration: String,
}

#[derive(Serialize)]
struct Thought {
    step: usize,
    phase: &'static str,
    thought: String,
    confidence: Option<f64>,
    timestamp: String,
}

/// What a memory context holds, counted.
struct Memory {
    actions: usize,
    patterns: usize,
    knowledge: usize,
}

impl Memory {
    /// The memory of a request, where it has one. All three fields have to be there; what has no
    /// length counts as empty.
    fn of(fields: &Fields) -> Result<Option<Self>, Fault> {
        let Some(memory) = fields.given("memoryContext") else {
            return Ok(None);
        };
        let count = |key| match memory.get(key) {
            None | Some(Value::Null) => Err(Fault::uncaught(
                "Cannot read properties of undefined (reading 'length')",
            )),
            Some(value) => Ok(js::length(value).unwrap_or(0)),
        };
        let counted = Self {
            actions: count("recentActions")?,
            patterns: count("historicalPatterns")?,
            knowledge: count("relevantKnowledge")?,
        };
        // A text can be cut like a list, but not joined.
        if counted.actions > 0 && memory.get("recentActions").is_some_and(Value::is_string) {
            return Err(Fault::uncaught(
                "memoryContext.recentActions.slice(...).join is not a function",
            ));
        }
        Ok(Some(counted))
    }

    fn thought(&self) -> String {
        format!(
            "Recent actions: {}. Historical patterns: {}. Found {} relevant knowledge entries",
            self.actions, self.patterns, self.knowledge
        )
    }
}

async fn evaluate(body: Body) -> Result<Json<Evaluation>, Fault> {
    let fields = body.fields("goal", Fault::uncaught)?;
    let refusal = json!({"error": "Goal is required", "action": "disallow", "confidence": 0});
    let goal = goal(&fields, refusal)?;
    let memory = Memory::of(&fields)?;
    let factors = factors(goal, &fields, memory.as_ref())?;
    let guard = guard::assess(goal);
    let decision = Decision::of(&guard, &factors);
    let reasoning_trace = trace(goal, &guard, &factors, memory.as_ref(), &decision);
    Ok(Json(Evaluation {
        goal: goal.to_owned(),
        action: decision.action,
        confidence: decision.confidence,
        reasoning: decision.reasoning,
        reasoning_trace,
        safety_guard: guard,
        suggested_next_steps: decision.next,
        estimated_duration: decision::duration(goal),
    }))
}

async fn decompose(body: Body) -> Result<Json<Decomposition>, Fault> {
    let fields = body.fields("goal", Fault::uncaught)?;
    let goal = goal(&fields, json!({"error": "Goal is required"}))?;
    Ok(Json(decompose::decompose(goal)))
}

/// The goal. Having none is answered with HTTP 200, so that only the body says no.
fn goal(fields: &Fields, without: Value) -> Result<&str, Fault> {
    match fields.given("goal") {
        None => Err(Fault::new(StatusCode::OK, without)),
        Some(Value::String(goal)) => Ok(goal),
        Some(_) => Err(Fault::uncaught("goal.toLowerCase is not a function")),
    }
}

fn factors(goal: &str, fields: &Fields, memory: Option<&Memory>) -> Result<Factors, Fault> {
    let context = match fields.get("context") {
        None | Some(Value::Null) => 0.0,
        Some(Value::String(context)) if context.is_empty() => 0.0,
        Some(Value::String(_)) => 30.0,
        Some(_) => return Err(Fault::uncaught("context?.toLowerCase is not a function")),
    };
    let remembered = if memory.is_some_and(|memory| memory.knowledge > 0) {
        20.0
    } else {
        0.0
    };
    let word = |key, otherwise: &str| {
        fields
            .given(key)
            .map_or_else(|| otherwise.to_owned(), js::text)
    };
    Ok(Factors {
        context: 50.0 + context + remembered,
        urgency: decision::urgency(&word("urgency", "medium")),
        domain: importance(&word("domain", "operations")),
        feasibility: feasibility(goal),
    })
}

/// How the decision came about, in the order it was thought.
fn trace(
    goal: &str,
    guard: &Guard,
    factors: &Factors,
    memory: Option<&Memory>,
    decision: &Decision,
) -> Vec<Thought> {
    let safety = format!(
        "Safety assessment: {}. Risk score: {}/100",
        guard.reasoning, guard.risk_score
    );
    let weighed = format!(
        "Context relevance: {}%, Urgency: {}, Domain importance: {}%, Feasibility: {}%",
        factors.context,
        percent(factors.urgency),
        factors.domain,
        factors.feasibility
    );
    let mut thoughts = vec![
        (
            "Understanding",
            format!("Analyzing goal: \"{goal}\""),
            Some(95.0),
        ),
        ("Safety Check", safety, Some(90.0)),
        ("Multi-Factor Analysis", weighed, Some(85.0)),
    ];
    if let Some(memory) = memory {
        thoughts.push(("Memory Context", memory.thought(), Some(80.0)));
    }
    thoughts.push((
        "Final Decision",
        decision.reasoning.clone(),
        decision.confidence,
    ));
    let timestamp = now();
    let number = |(index, (phase, thought, confidence))| Thought {
        step: index + 1,
        phase,
        thought,
        confidence,
        timestamp: timestamp.clone(),
    };
    thoughts.into_iter().enumerate().map(number).collect()
}
