//! What a plan is: the form that clients see, which is also the form that is stored.

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    Approval, ApprovalMode, Cancelled, Domain, Effect, HeaderValue, Headers, Held, Json, Method,
    Mode, PlanStatus, Skipped, StepStatus, Timestamp, Waiting,
};

/// One remark of a step's plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// `trace`, `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// The remark.
    pub message: String,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// `step-1`, `step-2`, …
    pub id: String,
    /// The step kind.
    pub kind: String,
    /// The digest of the plugin component that runs it: a plan keeps what it was created with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// For people.
    pub label: String,
    /// The domain it was made for; it works for the plan's if it was made for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Domain>,
    /// Its settings, a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Json>,
    /// The steps that must be done before it begins: the one before it unless it says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Vec<String>>,
    /// The service that it asks.
    pub service: String,
    /// The method of its request.
    pub method: Method,
    /// The path of its request.
    pub endpoint: String,
    /// What its request does.
    pub effect: Effect,
    /// Whether its service honours idempotency keys, so that a request may be sent again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeatable: bool,
    /// Whether a write of this attempt was sent, as far as the host knows: it was put on record,
    /// and nothing proves that it did not arrive.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sent: bool,
    /// The round trips of this attempt that wrote, as they were put on record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<u32>,
    /// How often one attempt of it may write without being approved each time: once, unless its
    /// setting `writes` says more.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub writes: u32,
    /// It wrote, and would write again: it goes on with the request that the plan shows, once that is
    /// approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// Which time this is that the step is meant to run: 1, and one more each time it is asked
    /// for again. Trying a request again within a step does not count.
    #[serde(default = "first")]
    pub attempt: u32,
    /// Headers of its request beside those that the host sets, by name.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub headers: Headers,
    /// What was or will be sent; null when that is not known yet, or nothing is sent.
    pub payload: Option<Json>,
    /// Why the payload is not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_reason: Option<String>,
    /// Where it stands.
    pub status: StepStatus,
    /// What the plugin made of the service's answer. `null` is a result as well.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub result: Option<Json>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// A person has to look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// A person decided against running it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Skipped>,
    /// Its service asked to be tried again later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// What the plugin said while it worked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<LogLine>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

fn first() -> u32 {
    1
}

pub(super) fn is_first(number: &u32) -> bool {
    *number == 1
}

fn enforce() -> ApprovalMode {
    ApprovalMode::Enforce
}

/// What is there is there, `null` too: only a missing field is `None`.
pub(super) fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

/// A step whose service asked to be tried again later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// How often that happened since a person last asked for the step.
    pub count: u32,
    /// When it may be tried again.
    pub not_before: Timestamp,
    /// How long that was then, in milliseconds; not known of the waits of an earlier host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_ms: Option<u64>,
    /// What the service said.
    pub reason: String,
}

/// A plan that the host drives to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Since when.
    pub since: Timestamp,
}

/// A goal turned into steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// A UUID.
    pub id: String,
    /// The client's session.
    pub session_id: String,
    /// What it is about.
    pub domain: Domain,
    /// What it is for.
    pub goal: String,
    /// How far it may go.
    pub mode: Mode,
    /// The recipe it was made of, if it was made of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<String>,
    /// Whether its writes wait for the approvals before them.
    #[serde(default = "enforce")]
    pub approvals: ApprovalMode,
    /// What its steps add up to.
    pub status: PlanStatus,
    /// The steps that could begin now, but for what they wait for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Waiting>,
    /// The host drives it to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// A person ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<Cancelled>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Its steps, in order.
    pub steps: Vec<Step>,
}

impl Plan {
    /// The first step that stands so.
    pub fn first(&self, status: StepStatus) -> Option<&Step> {
        self.steps.iter().find(|step| step.status == status)
    }

    /// The step with this id.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// What it carries, in bytes: all that can make it large.
    pub fn carried(&self) -> usize {
        let carried = self.steps.iter().map(Step::carried);
        carried.fold(self.goal.len(), usize::saturating_add)
    }
}

impl Step {
    /// What it carries, in bytes: what it is set to, sends and gets, and what its plugin said.
    pub fn carried(&self) -> usize {
        let json = [&self.settings, &self.payload, &self.result];
        let json = json.into_iter().flatten().map(|json| json.as_str().len());
        let headers = self.headers.iter().map(|(name, value)| match value {
            HeaderValue::Text(value) | HeaderValue::Secret { secret: value } => {
                name.len().saturating_add(value.len())
            }
        });
        let log = self.log.iter().map(|line| line.message.len());
        let all = json.chain(headers).chain(log);
        all.fold(0, usize::saturating_add)
    }
}
