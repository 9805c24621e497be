//! `GET /health`: who answers here.

use axum::Json;
use serde_json::{Value, json};

/// The service's name, version and mode, as its clients have always known them.
pub(super) async fn get_health() -> Json<Value> {
    Json(json!({
        "ok": true,
        "service": "codex-mesh",
        "version": "1.0.0",
        "mode": "SEMI_AUTONOMOUS_MESH",
    }))
}
