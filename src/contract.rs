//! Between the contract's types and the project's own: the one edge where they meet.

use crate::plan::{Effect, HeaderValue, Json, LogLine, Method, Mode, Plan, Step, StepStatus};
use crate::sandbox::bindings as wit;
use crate::sandbox::{self, LogLevel};
use crate::services::Answer;

impl From<wit::Method> for Method {
    fn from(method: wit::Method) -> Self {
        match method {
            wit::Method::Get => Self::Get,
            wit::Method::Post => Self::Post,
            wit::Method::Put => Self::Put,
            wit::Method::Patch => Self::Patch,
            wit::Method::Delete => Self::Delete,
        }
    }
}

impl From<Method> for wit::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::Get,
            Method::Post => Self::Post,
            Method::Put => Self::Put,
            Method::Patch => Self::Patch,
            Method::Delete => Self::Delete,
        }
    }
}

impl From<Effect> for wit::Effect {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Read => Self::Read,
            // The contract has no third word, and a plugin had better take it for too much.
            Effect::Simulate | Effect::Write => Self::Write,
        }
    }
}

impl From<wit::Effect> for Effect {
    fn from(effect: wit::Effect) -> Self {
        match effect {
            wit::Effect::Read => Self::Read,
            wit::Effect::Write => Self::Write,
        }
    }
}

impl From<Mode> for wit::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Simulation => Self::Simulation,
            Mode::DryRun => Self::DryRun,
            Mode::Live => Self::Live,
        }
    }
}

impl From<wit::Mode> for Mode {
    fn from(mode: wit::Mode) -> Self {
        match mode {
            wit::Mode::Simulation => Self::Simulation,
            wit::Mode::DryRun => Self::DryRun,
            wit::Mode::Live => Self::Live,
        }
    }
}

impl From<sandbox::LogLine> for LogLine {
    fn from(line: sandbox::LogLine) -> Self {
        let level = match line.level {
            LogLevel::Trace => "trace",
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        };
        Self {
            level: level.to_owned(),
            message: line.message,
        }
    }
}

impl From<Answer> for wit::Response {
    fn from(answer: Answer) -> Self {
        Self {
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
            elapsed_ms: u64::try_from(answer.elapsed.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// The request that the plan shows for this step, as its plugin made it.
pub fn request(step: &Step) -> wit::Request {
    let headers = step.headers.iter().map(|(name, value)| wit::Header {
        name: name.to_owned(),
        value: match value.clone() {
            HeaderValue::Text(text) => wit::HeaderValue::Text(text),
            HeaderValue::Secret { secret } => wit::HeaderValue::Secret(secret),
        },
    });
    wit::Request {
        method: step.method.into(),
        path: step.endpoint.clone(),
        headers: headers.collect(),
        body: step.payload.as_ref().map(|body| body.as_str().to_owned()),
    }
}

/// Everything the plugin of this step is told. `settings` are what the step has now, as JSON.
pub fn context(plan: &Plan, step: &Step, settings: String) -> wit::Context {
    let before = plan.before(&step.id).into_iter();
    let done = before.filter(|step| step.status == StepStatus::Done);
    let finished = done.map(|step| wit::FinishedStep {
        id: step.id.clone(),
        kind: step.kind.clone(),
        // A step that was skipped has none.
        result: step.result.as_ref().map_or("null", Json::as_str).to_owned(),
    });
    wit::Context {
        plan: wit::PlanInfo {
            id: plan.id.clone(),
            session_id: plan.session_id.clone(),
            domain: plan.domain.to_string(),
            goal: plan.goal.clone(),
            mode: plan.mode.into(),
        },
        steps: plan.steps.iter().map(planned).collect(),
        step: wit::ThisStep {
            id: step.id.clone(),
            domain: step.domain.unwrap_or(plan.domain).to_string(),
            attempt: step.attempt,
            settings,
        },
        finished: finished.collect(),
    }
}

fn planned(step: &Step) -> wit::PlannedStep {
    wit::PlannedStep {
        id: step.id.clone(),
        kind: step.kind.clone(),
        service: step.service.clone(),
        endpoint: step.endpoint.clone(),
        effect: step.effect.into(),
    }
}
