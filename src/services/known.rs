//! The services that ship with an address and routes. Everything else is the operator's to name.

use crate::plan::Effect::{self, Read, Simulate};

/// What the routes of a service do.
pub type KnownRoutes = &'static [(&'static str, Effect)];

/// Name, default base URL, and what requests do. Every `GET` reads; what is not listed writes.
pub const SERVICES: [(&str, &str, KnownRoutes); 10] = [
    (
        "autonomy",
        "http://localhost:5420",
        &[
            ("POST /autonomy/evaluate", Read),
            ("POST /autonomy/decompose", Read),
        ],
    ),
    ("srl", "http://localhost:5540", &[("POST /srl/check", Read)]),
    (
        "hardening",
        "http://localhost:5555",
        &[("POST /hardening/check", Read)],
    ),
    ("workflow", "http://localhost:5430", &[]),
    ("ops", "http://localhost:5350", &[]),
    (
        "strategy",
        "http://localhost:5050",
        &[
            ("POST /strategy/plan", Read),
            ("POST /strategy/evaluate", Read),
        ],
    ),
    (
        "simulation",
        "http://localhost:5070",
        &[("POST /sim/run", Simulate)],
    ),
    (
        "trends",
        "http://localhost:5060",
        &[("POST /trends/query", Read), ("POST /trends/summary", Read)],
    ),
    ("campaign", "http://localhost:5120", &[]),
    (
        BRAIN,
        "http://localhost:4100",
        &[("POST /v2/memory/search", Read)],
    ),
];

/// The service that keeps the audit log.
pub const BRAIN: &str = "brain";

/// Services that no plan asks and that checks look at, with their base URLs. The Codex checks probe
/// telemetry twice, the second time as stability.
pub const NEIGHBOURS: [(&str, &str); 3] = [
    ("orchestrator", "http://localhost:4200"),
    ("telemetry", "http://localhost:4950"),
    ("stability", "http://localhost:4950"),
];

/// Where a service says how it is.
pub fn health_path(service: &str) -> &'static str {
    match service {
        "ops" => "/ops/health",
        "telemetry" | "stability" => "/telemetry/health",
        BRAIN => "/v2/health",
        _ => "/health",
    }
}
