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
async fn hardening_stops_a_plan_whose_services_are_down() {
    let refusing = stub(Some(StatusCode::SERVICE_UNAVAILABLE)).await;
    let (_taken, down) = dead();
    let others = [("trends", down), ("campaign", refusing)];
    let services = Services::start_with(&others).await;
    let check = async |involved: &[&str]| {
        let body = json!({"sessionId": "s1", "servicesInvolved": involved});
        services.post("hardening", "/hardening/check", body).await
    };

    let all = check(&[]).await;
    let down = [
        "Service trends is not healthy.",
        "Service campaign is not healthy.",
    ];
    assert_eq!(issues(&all), down);
    assert_eq!(all["allowExecution"], false);
    assert_eq!(all["confidence"], 0.3);
    let summary = "[CRITICAL] SERVICE_DOWN: Service trends is not healthy. | \
                   [CRITICAL] SERVICE_DOWN: Service campaign is not healthy.";
    assert_eq!(all["summary"], summary);

    let involved = check(&["brain", "trends", "nobody-configured-it"]).await;
    assert_eq!(issues(&involved), ["Service trends is not healthy."]);
    let healthy = check(&["brain", "ops"]).await;
    assert_eq!(healthy["allowExecution"], true);
    assert_eq!(healthy["requireApproval"], false);
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
async fn ops_turns_yellow_and_then_red() {
    let green = Services::start().await;
    let health = green.get("ops", "/ops/health").await;
    assert_eq!(health["status"], "GREEN");
    let named = health["services"].as_array().unwrap();
    assert_eq!(named.len(), 9);
    assert!(named.iter().all(|service| service["service"] != "ops"));

    let (_taken, down) = dead();
    let yellow = Services::start_with(&[("brain", down.clone())]).await;
    let status = yellow.get("ops", "/ops/status").await;
    assert_eq!(status["opsStatus"], "YELLOW");
    assert_eq!(
        status["services"],
        json!({"total": 9, "healthy": 8, "unhealthy": 1})
    );
    let brain = &status["details"][0];
    assert_eq!(brain["healthy"], false);
    assert!(
        brain["error"].as_str().unwrap().contains("refused"),
        "{brain}"
    );

    let others =
        ["brain", "srl", "strategy", "simulation", "trends"].map(|name| (name, down.clone()));
    let red = Services::start_with(&others).await;
    assert_eq!(red.get("ops", "/ops/health").await["status"], "RED");
}
