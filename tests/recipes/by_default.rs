//! Without `recipe` or `steps` a plan gets the default of its domain and mode.

use codex_mesh::plan::{Domain, Mode};
use serde_json::json;

use super::{each, with};
use crate::support::TestApp;

const CHECKS: [&str; 3] = ["autonomy", "srl", "hardening"];

/// The kinds of a plan of this domain and mode, and the recipe it says it is of.
async fn kinds(app: &TestApp, domain: &str, mode: &str) -> (Vec<String>, String) {
    let plan = app.create(&json!({"domain": domain, "mode": mode})).await;
    let kinds = each(&plan, "kind").into_iter().map(str::to_owned).collect();
    (
        kinds,
        plan["recipe"].as_str().unwrap_or_default().to_owned(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn every_domain_has_one_in_every_mode() {
    let app = TestApp::start().await;
    for domain in Domain::NAMES {
        for mode in Mode::NAMES {
            let (kinds, recipe) = kinds(&app, domain, mode).await;
            let acting = if *mode == "SIMULATION" {
                "simulation"
            } else {
                "workflow"
            };
            assert_eq!(kinds, [&CHECKS[..], &[acting]].concat(), "{domain} {mode}");
            assert_eq!(recipe, "default", "{domain} {mode}");
        }
    }
}

/// What clients have always done: create, and step four times, whatever comes back.
#[tokio::test(flavor = "multi_thread")]
async fn four_steps_are_enough_for_every_domain_and_mode() {
    let app = TestApp::start().await;
    for domain in Domain::NAMES {
        for mode in Mode::NAMES {
            let mut plan = app.create(&json!({"domain": domain, "mode": mode})).await;
            for _ in 0..4 {
                plan = app.step(&plan).await;
            }
            assert_eq!(plan["status"], "DONE", "{domain} {mode}: {plan:#}");
        }
    }
    assert_eq!(app.asked("workflow"), Domain::NAMES.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn shipped_recipes_run_to_their_end() {
    let app = TestApp::start().await;
    for recipe in ["default", "system", "strategy"] {
        let plan = app.run(&app.create(&json!({"recipe": recipe})).await).await;
        assert_eq!(plan["status"], "DONE", "{plan:#}");
    }
    assert_eq!((app.asked("ops"), app.asked("strategy")), (1, 1));
    assert_eq!(app.asked("workflow"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_goes_before_the_shipped_ones() {
    let app = with(
        r#"
        [[recipe]]
        name = "look"
        domains = ["social", "system"]
        modes = ["DRY_RUN", "simulation"]
        steps = [{ kind = "ops" }]
        "#,
    )
    .start()
    .await;
    for (domain, mode, expected) in [
        ("social", "DRY_RUN", "look"),
        ("social", "SIMULATION", "look"),
        ("system", "DRY_RUN", "look"),
        ("social", "LIVE", "default"),
        ("system", "LIVE", "default"),
        ("video", "DRY_RUN", "default"),
    ] {
        let (kinds, recipe) = kinds(&app, domain, mode).await;
        assert_eq!(recipe, expected, "{domain} {mode}");
        assert_eq!(kinds == ["ops"], expected == "look", "{domain} {mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_that_names_the_mode_goes_before_the_one_for_all() {
    let app = with(
        r#"
        [[recipe]]
        name = "all"
        domains = ["video"]
        steps = [{ kind = "ops" }]
        [[recipe]]
        name = "dry"
        domains = ["video"]
        modes = ["DRY_RUN"]
        steps = [{ kind = "srl" }]
        "#,
    )
    .start()
    .await;
    assert_eq!(kinds(&app, "video", "DRY_RUN").await.1, "dry");
    assert_eq!(kinds(&app, "video", "LIVE").await.1, "all");
    assert_eq!(kinds(&app, "social", "LIVE").await.1, "default");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_with_the_name_of_a_shipped_one_replaces_it() {
    let app = with(
        r#"
        [[recipe]]
        name = "system"
        domains = ["system", "trends"]
        steps = [{ kind = "ops", label = "Are we well?" }]
        "#,
    )
    .start()
    .await;
    for domain in ["system", "trends"] {
        let plan = app.create(&json!({"domain": domain})).await;
        assert_eq!(each(&plan, "label"), ["Are we well?"]);
        assert_eq!(plan["recipe"], "system");
    }
    let (_, answer) = app.get("/recipes").await;
    let recipes = answer["recipes"].as_array().unwrap();
    assert_eq!(recipes.len(), 4, "{answer:#}");
}

/// It has the steps of the shipped one where it names none: the one line of the documented
/// configuration.
#[tokio::test(flavor = "multi_thread")]
async fn a_shipped_one_may_be_made_a_default() {
    let example = include_str!("../../docs/mesh.example.toml");
    let line = example.lines().find_map(|line| {
        line.strip_prefix("# ")
            .filter(|l| l.starts_with("recipe = "))
    });
    let app = with(line.unwrap()).start().await;
    let (steps, recipe) = kinds(&app, "system", "LIVE").await;
    assert_eq!(recipe, "system");
    assert_eq!(steps, [&["ops"], &CHECKS[..], &["workflow"]].concat());
    assert_eq!(kinds(&app, "strategy", "LIVE").await.1, "default");

    let strategy =
        r#"recipe = [{ name = "strategy", domains = ["strategy"], modes = ["DRY_RUN"] }]"#;
    let app = with(strategy).start().await;
    let (steps, recipe) = kinds(&app, "strategy", "DRY_RUN").await;
    assert_eq!(recipe, "strategy");
    assert_eq!(steps, [&CHECKS[..], &["strategy", "workflow"]].concat());
    assert_eq!(kinds(&app, "strategy", "LIVE").await.1, "default");
}

/// What the operator has changed elsewhere may not fit a shipped recipe: that is no reason not to
/// start, and is told when it is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_shipped_one_that_the_policy_refuses_is_told_when_it_is_asked_for() {
    let app = TestApp::builder()
        .configure(|config| config.policy.live_requires = vec!["ops".to_owned()])
        .start()
        .await;
    let plan = app.create(&json!({"recipe": "system"})).await;
    assert_eq!(plan["recipe"], "system");
    let error = super::error(&app, &json!({})).await;
    crate::support::assert_has(&error, &["step-4 (workflow)", "add ops before it"]);
}
