//! `GET /mesh/status`: how the host is doing, for its operator.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::App;
use super::error::HttpError;
use crate::background::Health;
use crate::brain::LastError;
use crate::output;
use crate::places::Taken;
use crate::registry::PluginsState;
use crate::services::BreakerState;
use crate::store::now;

/// `{ok, steps, runs, places, store, brain, plugins, quarantined, background, log, services}`
#[derive(Serialize)]
pub(super) struct StatusAnswer {
    ok: bool,
    steps: Load,
    runs: Runs,
    /// Who has how many places, by what they are for.
    places: BTreeMap<&'static str, Taken>,
    store: Store,
    brain: Brain,
    plugins: PluginsState,
    /// The step kinds that new plans can't have, because of what they did.
    quarantined: Vec<String>,
    /// How the work in the background does, by name.
    background: BTreeMap<&'static str, Health>,
    log: Log,
    services: BTreeMap<String, Service>,
}

/// How many are under way, and how many may be.
#[derive(Serialize)]
struct Load {
    running: usize,
    limit: usize,
}

/// Plans that are driven to their end.
#[derive(Serialize)]
struct Runs {
    /// Those that go on now.
    running: usize,
    /// Those that only wait for a moment, which take no place of the others.
    waiting: usize,
    /// How many may go on at the same time.
    limit: usize,
}

/// Where plans are kept.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Store {
    /// Why nothing can be stored, as far as is known.
    trouble: Option<String>,
    /// What is not folded into the database yet, in bytes.
    log_bytes: u64,
}

/// The audit log.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Brain {
    /// Events that are stored and not delivered yet; null if that can't be read.
    backlog: Option<i64>,
    /// How long ago the oldest of them happened, in milliseconds.
    oldest_age_ms: Option<i64>,
    /// Events that Brain rejected and that wait for a person.
    parked: Option<i64>,
    /// What went wrong last, since the last success.
    last_error: Option<LastError>,
}

/// The log.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    /// Lines that nobody was told, because they could not be written.
    lost_lines: u64,
}

#[derive(Serialize)]
struct Service {
    /// The worst of its kinds'.
    breaker: BreakerState,
    /// What the breakers of the step kinds do for which it failed lately.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    kinds: BTreeMap<String, BreakerState>,
}

/// `{ok, steps: {running, limit}, runs: {running, waiting, limit},
/// places: {calls: {limit, taken, waiting, holders: [{who, taken, waiting}]}}, store: {trouble, logBytes}, brain: {backlog, oldestAgeMs, parked, lastError}, plugins: {loading, notices}, quarantined,
/// background: {<name>: {restarts, lastFault}}, log: {lostLines}, services: {<name>: {breaker, kinds?}}}`
pub(super) async fn get_status(State(app): State<App>) -> Result<Json<StatusAnswer>, HttpError> {
    let App { engine, audit, .. } = &app;
    let condition = engine.store.condition().await;
    let backlog = engine.store.backlog().await;
    // What can't be read is trouble as well, and all else is told.
    let unreadable = backlog.as_ref().err().map(ToString::to_string);
    let backlog = backlog.ok();
    let age = |at: crate::plan::Timestamp| now().as_millis().saturating_sub(at.as_millis()).max(0);
    let services = engine.gateway.states().map(|(name, kinds)| {
        let breaker = kinds.values().max().copied();
        let breaker = breaker.unwrap_or(BreakerState::Closed);
        (name.to_owned(), Service { breaker, kinds })
    });
    let quarantined = engine.registry.offered().into_iter();
    let quarantined = quarantined.filter(|version| version.calls.is_quarantined());
    let quarantined = quarantined
        .map(|version| version.manifest.kind.clone())
        .collect();
    Ok(Json(StatusAnswer {
        ok: true,
        steps: Load {
            running: engine.running(),
            limit: engine.limits().concurrent_steps,
        },
        runs: Runs {
            running: engine.driven(),
            waiting: engine.resting(),
            limit: engine.most_driven(),
        },
        places: places(&app),
        store: Store {
            trouble: condition.trouble.or(unreadable),
            log_bytes: condition.log_bytes,
        },
        brain: Brain {
            backlog: backlog.as_ref().map(|backlog| backlog.waiting),
            oldest_age_ms: backlog.as_ref().and_then(|backlog| backlog.oldest).map(age),
            parked: backlog.as_ref().map(|backlog| backlog.parked),
            last_error: audit.last_error(),
        },
        plugins: engine.registry.plugins_state(),
        quarantined,
        background: app.healths.all(),
        log: Log {
            lost_lines: output::lost_lines(),
        },
        services: services.collect(),
    }))
}

fn places(app: &App) -> BTreeMap<&'static str, Taken> {
    let mut places = app.visitors.taken();
    places.extend(app.engine.shares.taken());
    places.extend(app.engine.registry.taken());
    places
}
