//! What hardening and ops say of their peers: who is down, and that a peer which never answers
//! holds up nobody.

use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};

use super::Services;

/// The address of a service that is down: the port stays taken as long as the socket lives, so
/// that no other test can come to listen there.
fn dead() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let base = format!("http://{}", socket.local_addr().unwrap());
    (socket, base)
}

/// A service that answers its health route with this status, or never.
async fn stub(status: Option<StatusCode>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let health = move || async move {
        match status {
            Some(status) => status,
            None => std::future::pending().await,
        }
    };
    let routes = Router::new()
        .route("/health", get(health))
        .route("/v2/health", get(health));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    base
}

fn issues(answer: &Value) -> Vec<&str> {
    let issues = answer["issues"].as_array().unwrap().iter();
    issues
        .map(|issue| issue["message"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn hardening_stops_every_plan_while_a_service_on_its_list_is_down() {
    let refusing = stub(Some(StatusCode::SERVICE_UNAVAILABLE)).await;
    let (_taken, down) = dead();
    let others = [
        ("telemetry", refusing),
        ("srl", down.clone()),
        ("trends", down),
    ];
    let services = Services::start_with(&others).await;
    for involved in [json!([]), json!(["brain"]), json!("srl")] {
        let body = json!({"sessionId": "s1", "servicesInvolved": involved});
        let answer = services.post("hardening", "/hardening/check", body).await;
        let down = [
            "Service telemetry is not healthy.",
            "Service srl is not healthy.",
        ];
        assert_eq!(issues(&answer), down);
        assert_eq!(answer["allowExecution"], false);
        assert_eq!(answer["requireApproval"], true);
        assert_eq!(answer["confidence"], 0.3);
        let summary = "[CRITICAL] SERVICE_DOWN: Service telemetry is not healthy. | \
                       [CRITICAL] SERVICE_DOWN: Service srl is not healthy.";
        assert_eq!(answer["summary"], summary);
    }
}

#[tokio::test]
async fn a_hanging_service_holds_up_nobody_and_does_not_drag_ops_down() {
    let services = Services::start_with(&[("brain", stub(None).await)]).await;
    let began = Instant::now();
    let answer = services
        .post("hardening", "/hardening/check", json!({}))
        .await;
    assert_eq!(issues(&answer), ["Service brain is not healthy."]);
    assert!(began.elapsed() < Duration::from_secs(6));
}

#[tokio::test]
async fn ops_is_yellow_without_some_services_and_red_without_a_critical_one() {
    let (_taken, down) = dead();
    let light = async |others: &[&str]| {
        let others: Vec<_> = others.iter().map(|name| (*name, down.clone())).collect();
        let services = Services::start_with(&others).await;
        let health = services.get("ops", "/ops/health").await;
        let status = services.get("ops", "/ops/status").await;
        assert_eq!(health["status"], status["opsStatus"]);
        assert_eq!(health["services"].as_array().unwrap().len(), 21);
        (health, status)
    };
    // What has no local edition is as it was when the real one was recorded.
    let recorded = json!({"total": 21, "healthy": 10, "unhealthy": 11});
    // It doesn't look at those that decide about a plan.
    for others in [&[][..], &["autonomy", "srl"]] {
        let (health, status) = light(others).await;
        assert_eq!(health["status"], "YELLOW");
        assert_eq!(status["services"], recorded);
    }

    let (health, status) = light(&["strategy", "trends", "simulation", "campaign"]).await;
    assert_eq!(health["status"], "YELLOW");
    let counted = json!({"total": 21, "healthy": 6, "unhealthy": 15});
    assert_eq!(status["services"], counted);
    let strategy = &status["details"][10];
    assert_eq!(
        (&strategy["service"], &strategy["healthy"]),
        (&json!("Strategy"), &json!(false))
    );
    let error = strategy["error"].as_str().unwrap();
    assert!(error.contains("refused"), "{error}");

    assert_eq!(light(&["brain"]).await.0["status"], "RED");
}
