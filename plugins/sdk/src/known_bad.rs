//! The settings `knownBad` and `knownBadMeans` of checks that look at services: the services about
//! which the check is known to be wrong. A no that is owed to these alone is set aside; any other
//! stays a no.

use serde_json::{Map, Value, json};

use crate::answer::quote;
use crate::{Context, Response, Reviewed, Verdict};

/// The settings' names.
const SERVICES: &str = "knownBad";
const MEANS: &str = "knownBadMeans";

/// What a no means that is set aside.
const APPROVAL: &str = "needs-approval";
const DONE: &str = "done";

/// The most services, and the longest name of one.
const MOST: usize = 100;
const NAME: usize = 100;

/// Where a result says what was set aside.
const NOTE: &str = "setAside";

/// What the operator knows of a check.
pub struct KnownBad {
    services: Vec<String>,
    is_done: bool,
}

/// What a check found, where it says no.
#[derive(Default)]
pub struct Found {
    /// Of everything that stops the plan, the service that it is about, if it is about one.
    pub stopping: Vec<Option<String>>,
    /// Whether there is more that a person should look at.
    pub to_review: bool,
}

impl KnownBad {
    /// The properties of a JSON Schema that a check with these settings has.
    pub fn settings() -> Value {
        json!({
            SERVICES: {
                "description": "Services, as the check calls them, about which it is known to be \
                                wrong: what it finds of them stops no plan.",
                "type": "array",
                "maxItems": MOST,
                "items": {"type": "string", "minLength": 1, "maxLength": NAME, "pattern": "\\S"},
            },
            MEANS: {
                "description": "What a no means that is owed to these services alone.",
                "enum": [APPROVAL, DONE],
                "default": APPROVAL,
            },
        })
    }

    /// What is set for this step.
    pub fn of(context: &Context) -> Result<Self, String> {
        let means = context.choice_setting(MEANS, &[APPROVAL, DONE])?;
        Ok(Self {
            services: context.list_setting(SERVICES, MOST)?.unwrap_or_default(),
            is_done: means == Some(DONE),
        })
    }

    /// Whether this service is one of them.
    fn has(&self, service: &str) -> bool {
        let name = letters(service);
        !name.is_empty() && self.services.iter().any(|known| letters(known) == name)
    }

    /// What a no of `service`, a check, comes to, where it is owed to this.
    pub fn judge(&self, service: &str, response: &Response, no: String, found: &Found) -> Verdict {
        let mut aside: Vec<&str> = Vec::new();
        let stopping = found.stopping.iter().flatten();
        for name in stopping.filter(|name| self.has(name)) {
            if !aside.contains(&name.as_str()) {
                aside.push(name);
            }
        }
        let names = quote(&aside.join(", "));
        let known = |stop: &Option<String>| stop.as_ref().is_some_and(|name| self.has(name));
        if aside.is_empty() {
            return Verdict::Blocked(no);
        }
        if !found.stopping.iter().all(known) {
            return Verdict::Blocked(format!("{no} (set aside as known to be bad: {names})"));
        }
        let reason = format!(
            "{service} says no, and only services that are known to be bad ({SERVICES}) stop it: \
             {names}. It says: {no}"
        );
        let result = noted(response, &aside, &reason);
        if self.is_done && !found.to_review {
            Verdict::Done(result)
        } else {
            Verdict::NeedsApproval(Reviewed { result, reason })
        }
    }
}

/// What tells names apart, however they are written: `selfAudit` is `self-audit`.
fn letters(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// The answer with what was set aside.
fn noted(response: &Response, aside: &[&str], reason: &str) -> String {
    let mut fields: Map<String, Value> = serde_json::from_str(&response.body).unwrap_or_default();
    let note = json!({"services": aside, "note": reason});
    fields.insert(NOTE.to_owned(), note);
    Value::Object(fields).to_string()
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;
    use crate::testing::{response, with_settings};

    fn judged(settings: &Value, stopping: &[Option<&str>], to_review: bool) -> Verdict {
        let Ok(known) = KnownBad::of(&with_settings("hardening", &settings.to_string())) else {
            panic!("{settings} are right");
        };
        let stopping = stopping.iter().map(|name| name.map(str::to_owned));
        let found = Found {
            stopping: stopping.collect(),
            to_review,
        };
        let answer = response(200, "application/json", r#"{"ok":true}"#);
        known.judge("hardening", &answer, "no".to_owned(), &found)
    }

    #[test]
    fn only_a_no_that_is_owed_to_them_alone_is_set_aside() {
        let set = json!({"knownBad": ["Telemetry", "brain", "self-audit", "-"]});
        for stopping in [
            &[][..],
            &[None],
            &[Some("orchestrator")],
            &[Some("telemetry2")],
            &[Some("")],
            &[Some("-")],
            &[Some("self audits")],
        ] {
            let no = Verdict::Blocked("no".to_owned());
            assert_eq!(judged(&set, stopping, false), no, "{stopping:?}");
        }
        for stopping in [
            &[Some("telemetry"), None][..],
            &[Some("telemetry"), Some("orchestrator")],
        ] {
            let no = "no (set aside as known to be bad: telemetry)".to_owned();
            assert_eq!(judged(&set, stopping, false), Verdict::Blocked(no));
        }
        let stopping = [Some("telemetry"), Some("selfAudit"), Some("telemetry")];
        let Verdict::NeedsApproval(reviewed) = judged(&set, &stopping, false) else {
            panic!("a person has to look");
        };
        assert!(
            reviewed
                .reason
                .contains("telemetry, selfAudit. It says: no")
        );
    }

    #[test]
    fn what_else_was_found_is_looked_at_whatever_it_means() {
        let set = json!({"knownBad": ["telemetry"], "knownBadMeans": "done"});
        let Verdict::Done(result) = judged(&set, &[Some("telemetry")], false) else {
            panic!("it is done");
        };
        let result: Value = serde_json::from_str(&result).unwrap_or_default();
        assert_eq!(result["ok"], true);
        assert_eq!(result["setAside"]["services"], json!(["telemetry"]));
        let verdict = judged(&set, &[Some("telemetry")], true);
        assert!(matches!(verdict, Verdict::NeedsApproval(_)));
    }

    #[test]
    fn without_the_setting_a_no_is_a_no() {
        for settings in [
            json!({}),
            json!({"knownBadMeans": "done"}),
            json!({"knownBad": []}),
        ] {
            let no = Verdict::Blocked("no".to_owned());
            assert_eq!(judged(&settings, &[Some("telemetry")], false), no);
        }
    }
}
