//! Query parameters, taken one by one like the fields of a body.

use std::str::FromStr;

use axum::extract::{FromRequestParts, MatchedPath, Query, Request, State};
use axum::http::Uri;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::create_plan;
use super::error::HttpError;
use super::strict::{self, Place};
use crate::config::UnknownFields;
use crate::names::misspelt;
use crate::plan::UnknownName;

/// The parameters of the routes that take any. Every other route takes none.
const TAKEN: [(&str, &[&str]); 5] = [
    ("/mesh/plan", &["id", "view"]),
    (
        "/mesh/plans",
        &[
            "limit",
            "cursor",
            "order",
            "domain",
            "sessionId",
            "status",
            "view",
        ],
    ),
    ("/mesh/history", &["id", "limit", "cursor"]),
    ("/mesh/events", &["id", "lastEventId"]),
    ("/plugins/{kind}/recordings", &["planId", "stepId"]),
];

/// What bodies take beside those that create a plan. In a query it would go unnoticed where unknown
/// parameters are ignored.
const IN_BODIES: [&str; 14] = [
    "ids",
    "planId",
    "stepId",
    "wait",
    "timeoutMs",
    "approvedBy",
    "rejectedBy",
    "note",
    "reviewed",
    "reason",
    "by",
    "repeatWrites",
    "version",
    "sha256",
];

/// Lets no request by with a parameter that its route does not take.
pub(super) async fn checked(
    State(unknown): State<UnknownFields>,
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    // Without a route it is a 404, which says more.
    let checked = route.map_or(Ok(()), |route| {
        let Parameters(pairs) = Parameters::read(request.uri())?;
        let route = TAKEN.iter().find(|(path, _)| *path == route.as_str());
        let known = route.map_or::<&[&str], _>(&[], |(_, known)| known);
        let names = || pairs.iter().map(|(name, _)| name.as_str());
        let is_of_a_body = |name| {
            let is_like = |fields| misspelt(name, fields).is_some();
            !known.contains(&name) && (is_like(&create_plan::FIELDS) || is_like(&IN_BODIES))
        };
        let unknown = if names().any(is_of_a_body) {
            UnknownFields::Refuse
        } else {
            unknown
        };
        strict::check(names(), known, Place::Query, unknown)
    });
    match checked {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// The parameters of a request.
pub(super) struct Parameters(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, HttpError> {
        Self::read(&parts.uri)
    }
}

impl Parameters {
    fn read(uri: &Uri) -> Result<Self, HttpError> {
        let Query(pairs) = Query::try_from_uri(uri)
            .map_err(|error| HttpError::bad(format!("the query can't be read: {error}")))?;
        Ok(Self(pairs))
    }

    /// The parameter with this name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name)?;
        Some(found.1.as_str())
    }

    /// A parameter that is parsed, if it is there.
    pub(super) fn parse<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, HttpError> {
        let parsed = self.get(name).map(parse).transpose();
        parsed.map_err(|error| HttpError::bad(format!("{name} {error}")))
    }

    /// A parameter that is a name of a vocabulary, if it is there.
    pub(super) fn name<T: FromStr<Err = UnknownName>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, HttpError> {
        self.parse(name, |text| {
            text.parse().map_err(|error: UnknownName| error.to_string())
        })
    }

    /// How much a page may have at the most, if that is said.
    pub(super) fn limit(&self, longest: usize) -> Result<Option<usize>, HttpError> {
        self.parse("limit", |text| {
            let limit = text.parse().ok();
            let limit = limit.filter(|limit| (1..=longest).contains(limit));
            limit.ok_or_else(|| format!("must be a number from 1 to {longest}"))
        })
    }
}
