//! The content type of every JSON answer says that it is UTF-8: clients of the earlier mesh read it so.

use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// The answer, with the character set named if it is JSON.
pub(super) async fn named(mut answer: Response) -> Response {
    if let Some(content_type) = answer.headers_mut().get_mut(CONTENT_TYPE)
        && content_type == "application/json"
    {
        *content_type = JSON;
    }
    answer
}
