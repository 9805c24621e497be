//! A client that looks at a plan and does something about it: mostly what makes sense, sometimes
//! anything, now and then without waiting for the answer.

use std::time::Instant;

use serde_json::{Value, json};

use super::services::hang_up;
use super::world::{Heard, Request, What, World};
use crate::support::Random;

/// Acts until the host is gone.
pub async fn act(world: &World, url: &str, mut random: Random) {
    loop {
        let id = world.any_plan(&mut random);
        let Some(plan) = world.plan(url, &id).await else {
            return;
        };
        let (path, mut body, what) = choose(&plan, &mut random);
        body["planId"] = json!(id);
        let impatient = (random.below(6) == 0).then(|| hang_up(&mut random));
        let sent = Instant::now();
        let answer = world.post(url, path, &body, impatient).await;
        let (heard, answered, gone) = match answer {
            Ok((200, mut answer)) => (Heard::Yes(answer["plan"].take()), true, false),
            Ok((404 | 409, _)) => (Heard::No, true, false),
            Ok((503, _)) => (Heard::Nothing, false, false),
            Ok((status, answer)) => panic!("{path} {body}: {status} {answer}"),
            Err(error) => (Heard::Nothing, false, !error.is_timeout()),
        };
        if let Some(what) = what {
            world.note(Request {
                plan: id,
                what,
                sent,
                answered: answered.then(Instant::now),
                heard,
            });
        }
        if gone {
            return;
        }
    }
}

/// What to do about the plan: where, with which fields, and what of it the test has to remember.
fn choose(plan: &Value, random: &mut Random) -> (&'static str, Value, Option<What>) {
    let step = format!("step-{}", 1 + random.below(4));
    let why = json!({"by": "Ada", "reason": "because"});
    match random.below(40) {
        0..14 => ("/mesh/step", json!({}), None),
        14..20 => {
            let body = json!({"wait": random.below(2) == 0, "timeoutMs": 50});
            ("/mesh/run", body, None)
        }
        20..30 => approve(plan, step, random),
        30 => {
            let body = json!({"stepId": step, "rejectedBy": "Ada", "reason": "no"});
            ("/mesh/reject", body, None)
        }
        31..37 => retry(step, random),
        37 | 38 => {
            let body = json!({"stepId": step, "by": why["by"], "reason": why["reason"]});
            ("/mesh/skip", body, Some(What::Skip(step)))
        }
        // A plan that is over is of no use to the others.
        _ if random.below(3) == 0 => ("/mesh/cancel", why, None),
        _ => ("/mesh/step", json!({}), None),
    }
}

/// What waits for somebody, as far as something does; half of the time only as it was seen.
fn approve(plan: &Value, step: String, random: &mut Random) -> (&'static str, Value, Option<What>) {
    let waiting = &plan["waiting"][0];
    let step = match waiting["approve"][0].as_str() {
        Some(missing) if random.below(8) != 0 => missing.to_owned(),
        _ => step,
    };
    let mut body = json!({"stepId": step, "approvedBy": "Ada"});
    if let (Some(write), Some(digest)) = (waiting["step"].as_str(), waiting["digest"].as_str())
        && random.below(2) == 0
    {
        body["reviewed"] = json!({write: digest});
    }
    ("/mesh/approve", body, Some(What::Approve(step)))
}

fn retry(step: String, random: &mut Random) -> (&'static str, Value, Option<What>) {
    let step = (random.below(2) == 0).then_some(step);
    let repeat = random.below(3) == 0;
    let mut body = json!({"repeatWrites": repeat});
    if let Some(step) = &step {
        body["stepId"] = json!(step);
    }
    ("/mesh/retry", body, repeat.then_some(What::Repeat(step)))
}
