//! `GET /mesh/plans`: plans, newest first, a page at a time.

use std::str::FromStr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Serialize, Serializer};

use super::error::HttpError;
use super::query::Parameters;
use crate::engine::Engine;
use crate::plan::{Plan, UnknownName};
use crate::store::{Query, Unreadable};

/// Plans of a page that names no limit.
const DEFAULT_LIMIT: usize = 100;

/// Plans of one page at the most.
const LONGEST: usize = 1_000;

/// `{ok, plans, unreadable?, nextCursor?}`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlansAnswer {
    ok: bool,
    #[serde(serialize_with = "shared")]
    plans: Vec<Arc<Plan>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<Unreadable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

fn shared<S: Serializer>(plans: &[Arc<Plan>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(plans.iter().map(Arc::as_ref))
}

/// `limit`, `cursor`, `domain`, `sessionId`, `status` → `{ok, plans, unreadable?: [{id, error}], nextCursor?}`.
pub(super) async fn list_plans(
    State(engine): State<Arc<Engine>>,
    parameters: Parameters,
) -> Result<Json<PlansAnswer>, HttpError> {
    let query = Query {
        limit: parameters.parse("limit", limit)?.unwrap_or(DEFAULT_LIMIT),
        cursor: parameters.parse("cursor", cursor)?,
        domain: parameters.parse("domain", name)?,
        session_id: parameters.get("sessionId").map(str::to_owned),
        status: parameters.parse("status", name)?,
    };
    let page = engine.store.plans(query).await?;
    let next_cursor = page.next_cursor.map(|cursor| cursor.to_string());
    Ok(Json(PlansAnswer {
        ok: true,
        plans: page.plans,
        unreadable: page.unreadable,
        next_cursor,
    }))
}

fn limit(text: &str) -> Result<usize, String> {
    let limit = text
        .parse()
        .ok()
        .filter(|limit| (1..=LONGEST).contains(limit));
    limit.ok_or_else(|| format!("must be a number from 1 to {LONGEST}"))
}

fn cursor(text: &str) -> Result<i64, String> {
    let cursor = text.parse().ok().filter(|cursor| *cursor >= 0);
    cursor.ok_or_else(|| "must be the nextCursor of the page before".to_owned())
}

fn name<T: FromStr<Err = UnknownName>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: UnknownName| error.to_string())
}
