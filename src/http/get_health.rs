//! `GET /health`: who answers here.

use axum::Json;
use serde::Serialize;

/// `{ok, service, version, mode}`
#[derive(Serialize)]
pub(super) struct HealthAnswer {
    ok: bool,
    service: &'static str,
    version: &'static str,
    mode: &'static str,
}

/// The service's name, version and mode, as its clients have always known them.
pub(super) async fn get_health() -> Json<HealthAnswer> {
    Json(HealthAnswer {
        ok: true,
        service: "codex-mesh",
        version: "1.0.0",
        mode: "SEMI_AUTONOMOUS_MESH",
    })
}
