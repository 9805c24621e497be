//! The HTTP API as its clients know it.

use serde_json::json;

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_live_plan_runs_to_its_end() {
    let app = TestApp::start().await;
    let plan = app.create(&json!({})).await;
    assert_eq!(plan["status"], "PENDING");
    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
}
