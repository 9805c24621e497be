//! Query parameters, taken one by one like the fields of a body.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use super::error::HttpError;

/// The parameters of a request.
pub(super) struct Parameters(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let Query(pairs) = Query::from_request_parts(parts, state)
            .await
            .map_err(|error| HttpError::bad(format!("the query can't be read: {error}")))?;
        Ok(Self(pairs))
    }
}

impl Parameters {
    /// The first parameter with this name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name)?;
        Some(found.1.as_str())
    }

    /// Refuses a parameter that is none of these.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), HttpError> {
        match self
            .0
            .iter()
            .find(|(key, _)| !known.contains(&key.as_str()))
        {
            None => Ok(()),
            Some((key, _)) => {
                let key: String = key.chars().take(64).collect();
                let known = known.join(", ");
                Err(HttpError::bad(format!(
                    "{key} is not known: the parameters are {known}"
                )))
            }
        }
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
}
