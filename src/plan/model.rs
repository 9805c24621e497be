//! What a plan is: the form that clients see, which is also the form that is stored.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use super::{Json, Timestamp};

/// A name that is none of a vocabulary; the message lists what is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be one of {0}")]
pub struct UnknownName(pub String);

/// An enum whose variants have names: the same in JSON, in the store, in messages and in Rust.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every name, in order.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, UnknownName> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(UnknownName(Self::NAMES.join(", "))),
                }
            }
        }
    };
}

named! {
    /// What a plan is about.
    Domain {
        /// Social media.
        Social = "social",
        /// Shops.
        Ecomm = "ecomm",
        /// Video.
        Video = "video",
        /// Strategy.
        Strategy = "strategy",
        /// Trends.
        Trends = "trends",
        /// Campaigns.
        Campaign = "campaign",
        /// Monetization.
        Monetization = "monetization",
        /// The system itself.
        System = "system",
    }
}

named! {
    /// How far a plan may go.
    Mode {
        /// Reads are called; a simulation stands in for writes.
        Simulation = "SIMULATION",
        /// Reads are called; writes are shaped and not sent.
        DryRun = "DRY_RUN",
        /// Everything is called.
        Live = "LIVE",
    }
}

named! {
    /// What a plan's steps add up to.
    PlanStatus {
        /// No step has begun.
        Pending = "PENDING",
        /// Some steps have begun, and none has failed.
        Running = "RUNNING",
        /// Every step is done.
        Done = "DONE",
        /// A step failed; the plan is stopped until a person acts.
        Error = "ERROR",
    }
}

named! {
    /// Where a step stands.
    StepStatus {
        /// Not begun.
        Pending = "PENDING",
        /// Under way.
        InProgress = "IN_PROGRESS",
        /// Finished.
        Done = "DONE",
        /// Failed.
        Error = "ERROR",
    }
}

named! {
    /// What a request does to its service.
    Effect {
        /// Changes nothing that lasts.
        Read = "read",
        /// Has a lasting effect.
        Write = "write",
    }
}

named! {
    /// The HTTP methods a step may use.
    Method {
        /// GET
        Get = "GET",
        /// POST
        Post = "POST",
        /// PUT
        Put = "PUT",
        /// PATCH
        Patch = "PATCH",
        /// DELETE
        Delete = "DELETE",
    }
}

impl Mode {
    /// The mode with this name, in any case: clients and operators write both.
    ///
    /// # Errors
    /// Which names there are.
    pub fn named(text: &str) -> Result<Self, UnknownName> {
        text.to_ascii_uppercase().parse()
    }
}

/// A person has to look at what a step found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Always true so far.
    pub required: bool,
    /// Why, for the person who decides.
    pub reason: String,
}

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
    /// For people.
    pub label: String,
    /// The service that it asks.
    pub service: String,
    /// The method of its request.
    pub method: Method,
    /// The path of its request.
    pub endpoint: String,
    /// Whether its request reads or writes.
    pub effect: Effect,
    /// Whether its service honours idempotency keys, so that a request may be sent again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeatable: bool,
    /// Which time this is that the step is meant to run: 1, and one more each time a person asks
    /// for it again. Trying a request again within a step does not count.
    #[serde(default = "first")]
    pub attempt: u32,
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

/// What is there is there, `null` too: only a missing field is `None`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
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
    /// What its steps add up to.
    pub status: PlanStatus,
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

    /// What the steps add up to.
    pub(super) fn sum_up(&self) -> PlanStatus {
        let all = |status| self.steps.iter().all(|step| step.status == status);
        if self.first(StepStatus::Error).is_some() {
            PlanStatus::Error
        } else if all(StepStatus::Done) {
            PlanStatus::Done
        } else if all(StepStatus::Pending) {
            PlanStatus::Pending
        } else {
            PlanStatus::Running
        }
    }
}
