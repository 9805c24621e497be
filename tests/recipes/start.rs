//! A recipe that can't be used keeps the host from starting, which says which and what to do.

use codex_mesh::config::Config;
use serde_json::json;

use super::{refused, with};
use crate::support::assert_has;

/// A recipe `mine` with this after its name.
fn mine(rest: &str) -> String {
    format!("[[recipe]]\nname = \"mine\"\n{rest}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipe_of_a_wrong_form_is_named() {
    let many = format!("steps = [{}]", "{ kind = \"ops\" },".repeat(51));
    let unnamed = "[[recipe]]\nsteps = [{ kind = \"ops\" }]";
    let cases: [(String, &[&str]); 18] = [
        (
            unnamed.to_owned(),
            &["the recipe \"\"", "name must be 1 to 64"],
        ),
        (
            unnamed.replace("steps", "name = \"My recipe\"\nsteps"),
            &["\"My recipe\"", "a-z, 0-9"],
        ),
        (mine(""), &["the recipe \"mine\"", "0 entries", "1 to 50"]),
        (mine("steps = []"), &["the recipe \"mine\"", "0 entries"]),
        (
            mine(&many),
            &["the recipe \"mine\"", "51 entries", "1 to 50"],
        ),
        (
            mine("steps = [\"ops\"]"),
            &["\"mine\"", "steps[0] must be an object"],
        ),
        (
            mine("steps = [{ kin = \"ops\" }]"),
            &["\"mine\"", "steps[0].kin is not known"],
        ),
        (
            mine("steps = [{ label = \"x\" }]"),
            &["\"mine\"", "steps[0].kind must be a text"],
        ),
        (
            mine("steps = [{ kind = \"ops\", label = \"\" }]"),
            &["\"mine\"", "steps[0].label"],
        ),
        (
            mine("steps = [{ kind = \"ops\", domain = \"x\" }]"),
            &["steps[0].domain", "social"],
        ),
        (
            mine("steps = [{ kind = \"ops\", after = [\"step-1\"] }]"),
            &["\"mine\"", "steps[0].after[0]", "no step comes before"],
        ),
        (
            mine("steps = [{ kind = \"ops\", settings = { at = 1979-05-27 } }]"),
            &["recipe.0.steps.0.settings.at is a time", "quotation marks"],
        ),
        (
            mine("steps = [{ kind = \"ops\", settings = { at = [nan] } }]"),
            &["\"mine\"", "steps[0]", "JSON does not have"],
        ),
        (mine("domains = [\"trading\"]"), &["trading", "social"]),
        (
            mine("domains = [\"social\"]\nmodes = [\"FAST\"]"),
            &["modes", "SIMULATION, DRY_RUN, LIVE"],
        ),
        (
            mine("modes = [\"LIVE\"]\nsteps = [{ kind = \"ops\" }]"),
            &["\"mine\"", "modes and no domains"],
        ),
        (mine("step = []"), &["the key recipe.0.step is not known"]),
        (
            mine("steps = [{ kind = \"ops\" }]").repeat(2),
            &["\"mine\" is there twice", "rename"],
        ),
    ];
    for (text, parts) in cases {
        assert_has(&refused(&text).await, parts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipe_that_does_not_fit_the_plugins_is_named() {
    let kinds = "autonomy, hardening, ops, simulation, srl, strategy, workflow";
    for (steps, parts) in [
        (
            "{ kind = \"ops\" }, { kind = \"trends\" }",
            ["steps[1].kind \"trends\" is not loaded", kinds],
        ),
        (
            "{ kind = \"strategy\", settings = { horizonDays = 366 } }",
            ["steps[0].settings at /horizonDays: 366", "maximum of 365"],
        ),
        (
            "{ kind = \"strategy\", settings = { days = 1 } }",
            ["steps[0].settings: ", "(the settings are horizonDays)"],
        ),
        (
            "{ kind = \"srl\", settings = { days = 1 } }",
            ["steps[0].settings: ", "this kind has no settings"],
        ),
    ] {
        let said = refused(&mine(&format!("steps = [{steps}]"))).await;
        assert_has(&said, &["[[recipe]] the recipe \"mine\": "]);
        assert_has(&said, &parts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_default_that_writes_unchecked_is_refused() {
    let steps = "steps = [{ kind = \"autonomy\" }, { kind = \"workflow\" }]";
    for modes in ["", "modes = [\"LIVE\", \"DRY_RUN\"]"] {
        let said = refused(&mine(&format!("domains = [\"video\"]\n{modes}\n{steps}"))).await;
        let parts = [
            "the recipe \"mine\": it is the default of video plans in mode LIVE",
            "step-2 (workflow) writes",
            "add srl, hardening before it",
        ];
        assert_has(&said, &parts);
    }
    // What no plan gets by itself in LIVE is no reason not to start.
    for rest in [
        "",
        "domains = [\"video\"]\nmodes = [\"DRY_RUN\", \"SIMULATION\"]",
    ] {
        with(&mine(&format!("{rest}\n{steps}"))).start().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_default_whose_writes_are_not_granted_is_refused() {
    let kinds = ["autonomy", "srl", "hardening", "workflow"];
    let steps = kinds
        .map(|kind| format!("{{ kind = \"{kind}\" }}"))
        .join(", ");
    let recipe = |modes: &str| {
        mine(&format!(
            "domains = [\"video\"]\n{modes}\nsteps = [{steps}]"
        ))
    };
    let grants = "[plugin.workflow.grants]\nworkflow = [\"reads\"]\n";
    let said = refused(&(recipe("") + grants)).await;
    assert_has(
        &said,
        &["\"mine\"", "video plans in mode LIVE", "is not granted"],
    );
    // The shipped recipes that don't fit are reported, and keep nobody from starting.
    let text = recipe("modes = [\"DRY_RUN\"]") + grants;
    let config = super::config(&text).unwrap();
    with(&text)
        .configure(|set| set.plugin = config.plugin)
        .start()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_defaults_of_the_same_plans_are_refused() {
    let recipe = |name: &str, modes: &str| {
        let steps = "steps = [{ kind = \"ops\" }]";
        format!("[[recipe]]\nname = \"{name}\"\ndomains = [\"video\"]\n{modes}\n{steps}\n")
    };
    for (one, other) in [
        ("", ""),
        ("modes = [\"DRY_RUN\"]", "modes = [\"LIVE\", \"DRY_RUN\"]"),
    ] {
        let said = refused(&(recipe("one", one) + &recipe("other", other))).await;
        assert_has(
            &said,
            &["\"one\"", "\"other\"", "both the default of video plans"],
        );
    }
    let apart = recipe("one", "modes = [\"DRY_RUN\"]") + &recipe("other", "modes = [\"LIVE\"]");
    with(&apart).start().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_without_a_default_are_refused() {
    let replaced = "[[recipe]]\nname = \"default\"\nsteps = [{ kind = \"ops\" }]";
    let parts = [
        "no recipe is the default of social plans",
        "add social to the domains of one",
    ];
    assert_has(&refused(replaced).await, &parts);
}

#[test]
fn a_recipe_may_come_in_a_variable() {
    let variable = |value: &str| Config::load(None, [("MESH_RECIPE".to_owned(), value.to_owned())]);
    let loaded = variable(r#"[{ name = "look", steps = [{ kind = "ops" }] }]"#).unwrap();
    assert_eq!(loaded.config.recipe[0].name, "look");
    let error = variable(r#"[{ name = "look", steps = [{ kin = "ops" }] }]"#).unwrap_err();
    assert_has(
        &error.to_string(),
        &["\"look\"", "steps[0].kin is not known"],
    );
}

/// The recipe that the documented configuration shows, without its `#`.
#[tokio::test(flavor = "multi_thread")]
async fn the_example_is_one() {
    let example = include_str!("../../docs/mesh.example.toml");
    let lines = example.lines().skip_while(|line| *line != "# [[recipe]]");
    let lines: Vec<&str> = lines.map_while(|line| line.strip_prefix("# ")).collect();
    let app = with(&lines.join("\n")).start().await;
    let plan = app.create(&json!({"domain": "video"})).await;
    assert_eq!(plan["recipe"], "weekly");
    assert_eq!(plan["steps"].as_array().unwrap().len(), 5);
}
