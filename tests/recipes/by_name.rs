//! `recipe` names one, for any domain and mode; `GET /recipes` lists them.

use serde_json::{Value, json};

use super::{Case, assert_all_bad, each, error, with, with_campaigns};
use crate::support::{TestApp, assert_has};

const LAUNCH: [&str; 6] = [
    "autonomy",
    "srl",
    "hardening",
    "strategy",
    "trends",
    "campaign",
];

const WEEKLY: &str = r#"
    [[recipe]]
    name = "weekly"
    steps = [
        { kind = "autonomy" },
        { kind = "srl", label = "Is it safe?" },
        { kind = "hardening", after = ["step-1"] },
        { kind = "strategy", domain = "video", settings = { horizonDays = 30 } },
        { kind = "workflow", after = ["step-2", "step-3"] },
    ]
    "#;

#[tokio::test(flavor = "multi_thread")]
async fn a_shipped_one_serves_any_domain_and_mode() {
    let app = TestApp::start().await;
    for mode in ["LIVE", "DRY_RUN", "SIMULATION"] {
        let body = json!({"domain": "video", "mode": mode, "recipe": "system"});
        let plan = app.create(&body).await;
        assert_eq!(
            (&plan["recipe"], &plan["domain"]),
            (&json!("system"), &json!("video"))
        );
        assert_eq!(each(&plan, "kind")[0], "ops");
        assert_eq!(app.plan(&plan).await, plan);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_has_labels_domains_settings_and_an_order_of_its_own() {
    let app = with(WEEKLY).start().await;
    let plan = app.create(&json!({"recipe": "weekly"})).await;
    assert_eq!(plan["steps"][1]["label"], "Is it safe?");
    assert_eq!(plan["steps"][2]["after"], json!(["step-1"]));
    assert_eq!(plan["steps"][3]["domain"], "video");
    assert_eq!(plan["steps"][3]["settings"], json!({"horizonDays": 30}));
    assert_eq!(plan["steps"][4]["after"], json!(["step-2", "step-3"]));
    assert_eq!(plan["steps"][0].get("after"), None);

    let plan = app.run(&plan).await;
    assert_eq!(plan["status"], "DONE", "{plan:#}");
    let sent = app.stub("strategy").requests()[0].json();
    assert_eq!(sent["horizonDays"], 30);
    assert_eq!(sent["domain"], json!(["creative", "social"]));
    assert_eq!(app.stub("srl").requests()[0].json()["domain"], "social");
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_of_the_clients_own_are_of_no_recipe() {
    let app = TestApp::start().await;
    let plan = app
        .create(&json!({"steps": [{"kind": "ops"}], "recipe": null}))
        .await;
    assert_eq!(plan.get("recipe"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_recipe_is_400() {
    let app = with(WEEKLY).start().await;
    let names = "campaign-launch, default, strategy, system, weekly";
    let cases: [Case; 6] = [
        (
            json!({"recipe": "wekly"}),
            &["recipe", "\"wekly\" is not known", names],
        ),
        (json!({"recipe": ""}), &["recipe", names]),
        (json!({"recipe": "x".repeat(1000)}), &["recipe", names]),
        (json!({"recipe": 1}), &["recipe must be a text"]),
        (json!({"recipe": ["weekly"]}), &["recipe must be a text"]),
        (
            json!({"recipe": "weekly", "steps": [{"kind": "ops"}]}),
            &["recipe and steps can't both be given"],
        ),
    ];
    assert_all_bad(&app, &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_kinds_are_not_loaded_says_which_and_how_to_get_them() {
    let app = TestApp::start().await;
    let said = error(&app, &json!({"recipe": "campaign-launch"})).await;
    let parts = [
        "\"campaign-launch\"",
        "trends, campaign",
        "codex-mesh plugin build",
        "--plugins",
    ];
    assert_has(&said, &parts);
    let listed = listed(&app, "campaign-launch").await;
    assert_eq!(listed["available"], false);
    assert_eq!(listed["missing"], json!(["trends", "campaign"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_launched_once_its_kinds_are_there() {
    let app = with_campaigns().await;
    for mode in ["LIVE", "DRY_RUN"] {
        let plan = app
            .create(&json!({"recipe": "campaign-launch", "mode": mode}))
            .await;
        assert_eq!(each(&plan, "kind"), LAUNCH);
        assert_eq!(each(&plan, "effect")[3..], ["read", "read", "write"]);
    }
    assert_eq!(listed(&app, "campaign-launch").await["available"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_them_are_listed() {
    let app = with(WEEKLY).start().await;
    let (status, answer) = app.get("/recipes").await;
    assert_eq!((status, &answer["ok"]), (200, &json!(true)));
    let recipes = answer["recipes"].as_array().unwrap();
    let names: Vec<_> = recipes
        .iter()
        .map(|recipe| recipe["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["campaign-launch", "default", "strategy", "system", "weekly"]
    );
    let kinds = ["ops", "autonomy", "srl", "hardening", "workflow"];
    let steps = kinds.map(|kind| json!({"kind": kind}));
    let every = json!(["SIMULATION", "DRY_RUN", "LIVE"]);
    assert_eq!(
        listed(&app, "system").await,
        json!({
            "name": "system",
            "domains": [],
            "modes": every,
            "steps": steps,
            "defaultFor": {},
            "origin": "shipped",
            "available": true,
            "missing": [],
        })
    );
    let weekly = listed(&app, "weekly").await;
    assert_eq!(
        (&weekly["origin"], &weekly["defaultFor"]),
        (&json!("configured"), &json!({}))
    );
    let strategy = json!({"kind": "strategy", "domain": "video", "settings": {"horizonDays": 30}});
    assert_eq!(weekly["steps"][3], strategy);
}

async fn listed(app: &TestApp, name: &str) -> Value {
    let (_, answer) = app.get("/recipes").await;
    let mut recipes = answer["recipes"].as_array().unwrap().iter();
    recipes
        .find(|recipe| recipe["name"] == name)
        .unwrap()
        .clone()
}
