//! The HTTP API. One file a route; every error in one shape.

mod access;
mod activate_plugin;
mod approve_step;
mod authority;
mod body;
mod caller;
mod cancel_plan;
mod charset;
mod create_plan;
mod deactivate_plugin;
mod decision;
mod delete_plugin;
mod error;
mod fault;
mod get_health;
mod get_history;
mod get_plan;
mod get_plugin;
mod get_status;
mod hang_up;
mod json;
mod line;
mod list_parked;
mod list_plans;
mod list_plugins;
mod list_recipes;
mod list_recordings;
mod page;
mod query;
mod reader;
mod reject_step;
mod resend_parked;
mod retry_plan;
mod rollback_plugin;
mod run_plan;
mod run_step;
mod segments;
mod server;
mod skip_step;
mod strict;
mod upload_plugin;
mod visitors;
mod watch_events;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::routing::{delete, get, post};

use crate::background::Healths;
use crate::brain::AuditLog;
use crate::config::{HttpConfig, UnknownFields};
use crate::engine::Engine;
use error::HttpError;

pub use access::Access;
pub use authority::Authority;
pub use server::{Manners, serve};
pub use upload_plugin::SIGNATURE_HEADER;
pub use visitors::Visitors;

/// What the handlers work with.
#[derive(Clone)]
pub struct App {
    /// Plans and steps.
    pub engine: Arc<Engine>,
    /// The audit log.
    pub audit: Arc<AuditLog>,
    /// What callers share of the API.
    pub visitors: Visitors,
    /// Who may ask.
    pub access: Arc<Access>,
    /// How strictly requests are read.
    pub http: HttpConfig,
    /// How the work in the background does.
    pub(crate) healths: Healths,
}

impl FromRef<App> for Arc<Engine> {
    fn from_ref(app: &App) -> Self {
        Arc::clone(&app.engine)
    }
}

/// Reads a body as the routes that take one do: a way in for a fuzz target.
#[doc(hidden)]
pub fn read_body(body: &[u8], most_steps: usize) {
    let Ok(body) = body::JsonBody::parse(body, UnknownFields::Ignore) else {
        return;
    };
    let Ok(fields) = body.fields(&create_plan::FIELDS) else {
        return;
    };
    // Whether it is accepted does not matter, only that reading it ends well.
    let _ = create_plan::parse(&fields, most_steps);
    let _ = fields.text("planId");
    let _ = fields.optional("ids").map(resend_parked::ids);
}

/// Every route there is.
pub fn router(app: App) -> Router {
    let routes = Router::new()
        .route("/health", get(get_health::get_health))
        .route("/mesh/create", post(create_plan::create_plan))
        .route("/mesh/step", post(run_step::run_step))
        .route("/mesh/run", post(run_plan::run_plan))
        .route("/mesh/approve", post(approve_step::approve_step))
        .route("/mesh/reject", post(reject_step::reject_step))
        .route("/mesh/retry", post(retry_plan::retry_plan))
        .route("/mesh/skip", post(skip_step::skip_step))
        .route("/mesh/cancel", post(cancel_plan::cancel_plan))
        .route("/mesh/plan", get(get_plan::get_plan))
        .route("/mesh/plans", get(list_plans::list_plans))
        .route("/mesh/history", get(get_history::get_history))
        .route("/mesh/events", get(watch_events::watch_events))
        .route("/mesh/status", get(get_status::get_status))
        .route("/mesh/brain/parked", get(list_parked::list_parked))
        .route("/mesh/brain/resend", post(resend_parked::resend_parked))
        .route(
            "/plugins",
            get(list_plugins::list_plugins).post(upload_plugin::upload_plugin),
        )
        .route("/plugins/{kind}", get(get_plugin::get_plugin))
        .route(
            "/plugins/{kind}/activate",
            post(activate_plugin::activate_plugin),
        )
        .route(
            "/plugins/{kind}/deactivate",
            post(deactivate_plugin::deactivate_plugin),
        )
        .route(
            "/plugins/{kind}/rollback",
            post(rollback_plugin::rollback_plugin),
        )
        .route(
            "/plugins/{kind}/recordings",
            get(list_recordings::list_recordings),
        )
        .route(
            "/plugins/{kind}/{sha256}",
            delete(delete_plugin::delete_plugin),
        )
        .route("/recipes", get(list_recipes::list_recipes))
        .fallback(HttpError::no_route)
        .method_not_allowed_fallback(HttpError::wrong_method)
        .layer(from_fn_with_state(app.http.unknown_fields, query::checked))
        .layer(from_fn(fault::answered));
    let access = Arc::clone(&app.access);
    let routes = match access.cors() {
        Some(cors) => routes.layer(cors),
        None => routes,
    };
    // Of what these refuse, no page learns more than that.
    let checked = routes.layer(from_fn_with_state(access, access::checked));
    checked.layer(map_response(charset::named)).with_state(app)
}
