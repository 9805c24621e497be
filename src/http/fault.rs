//! A request on which the host fails is answered all the same, in the one shape.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::HttpError;
use crate::background::caught;

/// The answer of whoever takes the request, or that the host failed, which the panic hook has
/// reported by then.
pub(super) async fn answered(request: Request, next: Next) -> Response {
    let answer = caught(next.run(request)).await;
    answer.unwrap_or_else(|| HttpError::fault().into_response())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use axum::Router;
    use axum::middleware::from_fn;
    use axum::routing::get;

    use super::*;

    async fn fails() -> Response {
        panic!("a fault of the host")
    }

    #[tokio::test]
    async fn a_fault_of_the_host_is_answered() {
        crate::services::install_tls();
        let routes = Router::new().route("/fails", get(fails));
        let routes = routes.route("/works", get(async || "well"));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes.layer(from_fn(answered))).await });
        let answer = reqwest::get(format!("{url}/fails")).await.unwrap();
        assert_eq!(answer.status(), 500);
        let answer: serde_json::Value =
            serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let said = serde_json::json!({"ok": false, "error": "the host failed; its log says more"});
        assert_eq!(answer, said);
        let answer = reqwest::get(format!("{url}/works")).await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "well");
    }
}
