//! The HTTP API. One file a route; every error in one shape.

mod body;
mod create_plan;
mod error;
mod get_health;
mod get_plan;
mod list_plans;
mod list_plugins;
mod query;
mod run_step;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::engine::Engine;
use error::HttpError;

/// Every route there is.
pub fn router(engine: Arc<Engine>) -> Router {
    Router::new()
        .route("/health", get(get_health::get_health))
        .route("/mesh/create", post(create_plan::create_plan))
        .route("/mesh/step", post(run_step::run_step))
        .route("/mesh/plan", get(get_plan::get_plan))
        .route("/mesh/plans", get(list_plans::list_plans))
        .route("/plugins", get(list_plugins::list_plugins))
        .fallback(HttpError::no_route)
        .method_not_allowed_fallback(HttpError::wrong_method)
        .with_state(engine)
}
