//! The services that ship with an address and routes. Everything else is the operator's to name.

/// Name, default base URL, and the requests that only read. Every `GET` reads; what is not
/// listed writes.
pub const SERVICES: [(&str, &str, &[&str]); 10] = [
    (
        "autonomy",
        "http://localhost:5420",
        &["POST /autonomy/evaluate", "POST /autonomy/decompose"],
    ),
    ("srl", "http://localhost:5540", &["POST /srl/check"]),
    (
        "hardening",
        "http://localhost:5555",
        &["POST /hardening/check"],
    ),
    ("workflow", "http://localhost:5430", &[]),
    ("ops", "http://localhost:5350", &[]),
    (
        "strategy",
        "http://localhost:5050",
        &["POST /strategy/plan", "POST /strategy/evaluate"],
    ),
    ("simulation", "http://localhost:5070", &["POST /sim/run"]),
    (
        "trends",
        "http://localhost:5060",
        &["POST /trends/query", "POST /trends/summary"],
    ),
    ("campaign", "http://localhost:5120", &[]),
    (BRAIN, "http://localhost:4100", &["POST /v2/memory/search"]),
];

/// The service that keeps the audit log.
pub const BRAIN: &str = "brain";
