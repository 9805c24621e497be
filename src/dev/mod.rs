//! Local editions of the Codex services, so that `codex-mesh dev` can run plans end to end on one
//! machine. They decide as the real services were recorded to decide, also where those are wrong,
//! keep everything in bounded memory, and never reach further than the configured peers.
//!
//! They are a stand-in, not an oracle: where a rule here and a real service differ, the service
//! is right.
//!
//! - one file a service: `autonomy`, `srl`, `hardening`, `workflow`, `ops`, `strategy`,
//!   `simulation`, `trends`, `campaign`, `brain`; each offers `routes` and keeps its own state
//! - the rules they judge by: `guard` (what a goal may not ask for), `decision` (may it be acted
//!   on), `decompose` with its `templates` (a goal into steps), `findings` (the verdict of a
//!   check), `plays` (what strategy answers with), `topics` (what trends answers with)
//! - what carries them: `fastify` (bodies and faults), `js` (what JavaScript makes of a value),
//!   `peers` (is a service up), `shelf` (bounded memory)

mod autonomy;
mod brain;
mod campaign;
mod decision;
mod decompose;
mod fastify;
mod findings;
mod guard;
mod hardening;
mod js;
mod ops;
mod peers;
mod plays;
mod shelf;
mod simulation;
mod srl;
mod strategy;
mod templates;
#[cfg(test)]
mod tests;
mod topics;
mod trends;
mod workflow;

pub use peers::Peers;

/// The services that have a local edition.
pub const NAMES: [&str; 10] = [
    "autonomy",
    "srl",
    "hardening",
    "workflow",
    "ops",
    "strategy",
    "simulation",
    "trends",
    "campaign",
    "brain",
];

/// The routes of the local edition of one service; none where it has no local edition.
/// Each call makes an edition with a memory of its own.
pub fn router(name: &str, peers: &Peers) -> Option<axum::Router> {
    let routes = match name {
        "autonomy" => autonomy::routes(),
        "srl" => srl::routes(),
        "hardening" => hardening::routes(peers),
        "workflow" => workflow::routes(),
        "ops" => ops::routes(peers),
        "strategy" => strategy::routes(),
        "simulation" => simulation::routes(),
        "trends" => trends::routes(),
        "campaign" => campaign::routes(),
        "brain" => brain::routes(),
        _ => return None,
    };
    let routes = fastify::with_faults(routes);
    Some(match name {
        "brain" => brain::open(routes),
        _ => routes,
    })
}

/// Where a service, local or real, says that it is up.
pub fn health_path(name: &str) -> &'static str {
    match name {
        "ops" => "/ops/health",
        "brain" => "/v2/health",
        _ => "/health",
    }
}

/// The time as the services write it: RFC 3339, UTC, milliseconds.
fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}
