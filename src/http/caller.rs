//! Who asks: [`serve`](super::serve) says so with every request.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::caller::Caller;

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let caller = parts.extensions.get().copied();
        // Only a router that is not served has no connections.
        Ok(caller.unwrap_or(Self::Host))
    }
}
