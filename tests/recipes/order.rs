//! Whatever was asked for: made for many domains, every step comes after exactly what it came
//! after before.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Random, TestApp};

const PLANS: usize = 100;
const DOMAINS: [&str; 3] = ["ecomm", "video", "trends"];

/// By step, counted from 0, all the steps before it.
type Before = Vec<BTreeSet<usize>>;

fn index(id: &Value) -> usize {
    let number = id.as_str().unwrap().strip_prefix("step-").unwrap();
    number.parse::<usize>().unwrap() - 1
}

/// What comes before each of these steps, worked out from what each says itself.
fn before(steps: &[Value]) -> Before {
    let mut all: Before = Vec::new();
    for (place, step) in steps.iter().enumerate() {
        let named: Vec<usize> = match step.get("after").and_then(Value::as_array) {
            Some(ids) => ids.iter().map(index).collect(),
            None => place.checked_sub(1).into_iter().collect(),
        };
        let mut before = BTreeSet::new();
        for earlier in named {
            before.insert(earlier);
            before.extend(&all[earlier]);
        }
        all.push(before);
    }
    all
}

fn random_steps(random: &mut Random) -> Vec<Value> {
    let count = 1 + random.below(7);
    let mut steps = Vec::new();
    for place in 0..count {
        let kind = ["workflow", "ops", "srl"][usize::try_from(random.below(3)).unwrap()];
        let mut step = json!({"kind": kind});
        if random.below(2) == 0 {
            let named = (0..place).filter(|_| random.below(3) == 0);
            let ids: Vec<String> = named
                .map(|earlier| format!("step-{}", earlier + 1))
                .collect();
            step["after"] = json!(ids);
        }
        if random.below(5) == 0 {
            step["domain"] = json!("social");
        }
        steps.push(step);
    }
    steps.push(json!({"kind": "workflow"}));
    steps
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_survives_many_domains() {
    let app = TestApp::start().await;
    let mut random = Random::seeded("steps for many domains");
    for _ in 0..PLANS {
        let steps = random_steps(&mut random);
        let domains = &DOMAINS[..1 + usize::try_from(random.below(3)).unwrap()];
        let body = json!({"mode": "DRY_RUN", "domains": domains, "steps": steps});
        let plan = app.create(&body).await;
        let made = plan["steps"].as_array().unwrap();

        // Which of the steps asked for each step was made of.
        let mut origins = Vec::new();
        for (origin, step) in steps.iter().enumerate() {
            let many = step["kind"] == "workflow" && step.get("domain").is_none();
            origins.extend(vec![origin; if many { domains.len() } else { 1 }]);
        }
        assert_eq!(made.len(), origins.len(), "{body}");
        let (asked, got) = (before(&steps), before(made));
        for (place, step) in made.iter().enumerate() {
            assert_eq!(index(&step["id"]), place);
            assert_eq!(step["kind"], steps[origins[place]]["kind"], "{body}");
            let expected: BTreeSet<usize> = (0..origins.len())
                .filter(|other| asked[origins[place]].contains(&origins[*other]))
                .collect();
            assert_eq!(got[place], expected, "step {place} of {body}: {plan:#}");
        }
    }
}
