//! The names that plans are made of: each the same in JSON, in the store, in messages and in Rust.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A name that is none of a vocabulary; the message lists what is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be one of {0}")]
pub struct UnknownName(pub String);

/// An enum whose variants have names.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every one, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

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
    /// In which order plans are listed.
    #[derive(Default)]
    Order {
        /// The one that was created last comes first.
        #[default]
        Newest = "newest",
        /// The one that was created first comes first.
        Oldest = "oldest",
    }
}

named! {
    /// How much of a plan is shown.
    #[derive(Default)]
    View {
        /// All of it.
        #[default]
        Full = "full",
        /// How it stands, without what its steps send, get and say.
        Summary = "summary",
    }
}

named! {
    /// What a plan's steps add up to.
    PlanStatus {
        /// No step has begun.
        Pending = "PENDING",
        /// Some steps have begun, and there is one that is under way or may begin.
        Running = "RUNNING",
        /// No step may begin before something happens, which the plan names.
        Waiting = "WAITING",
        /// Every step is done.
        Done = "DONE",
        /// A step failed; the plan is stopped until a person acts.
        Error = "ERROR",
        /// A person ended it before its end.
        Cancelled = "CANCELLED",
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
    /// Whether a write waits for the approvals before it.
    ApprovalMode {
        /// It does.
        Enforce = "enforce",
        /// It does not: approvals are only shown.
        Advise = "advise",
    }
}

named! {
    /// What a step waits for that may begin otherwise.
    WaitingFor {
        /// A person's approval.
        Approval = "approval",
        /// A service that asked to be left alone for a while.
        Retry = "retry",
    }
}

named! {
    /// What a request does to its service: nothing first, the most last.
    Effect {
        /// Changes nothing that lasts.
        Read = "read",
        /// Has a simulation engine play something through. Engines act for real while they do so, as
        /// far as the host knows.
        Simulate = "simulate",
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

impl Effect {
    /// Whether what it does may last: it is on record before it is sent, and not repeated by itself.
    pub fn acts(self) -> bool {
        self != Self::Read
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
