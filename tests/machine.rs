//! No sequence of changes leads a plan where it must not be. What is legal is said here a second
//! time ([`legal`]), with a memory of what people saw and what was sent that is the test's own
//! ([`record`]).

mod change;
mod legal;
mod record;
mod story;

use std::collections::BTreeMap;

use codex_mesh::plan::{
    Finished, Json, Outcome, Plan, PlanStatus, Refused, Starter, StepStatus, Timestamp, Transition,
};
use proptest::prelude::*;

use change::assert_change;
use legal::{assert_legal, is_allowed};
use record::Record;
use story::{Act, CREATED, STEPS, plan, story};

fn assert_round_trip(plan: &Plan) {
    let text = serde_json::to_string(plan).unwrap();
    let again: Plan = serde_json::from_str(&text).unwrap();
    assert_eq!(&again, plan);
    assert_eq!(serde_json::to_string(&again).unwrap(), text);
}

/// A plan, and what the test remembers of it.
struct Told {
    plan: Plan,
    record: Record,
}

impl Told {
    fn new(plan: Plan) -> Self {
        let record = Record::default();
        Self { plan, record }
    }

    /// Tries a change; whether it was legal. What came of it is checked either way.
    fn on(&mut self, transition: &Transition, now: Timestamp) -> bool {
        let allowed = is_allowed(&self.record, &self.plan, transition, now);
        match self.plan.apply(transition, now) {
            Err(refused) => {
                assert!(!allowed, "{transition:?} of {:?}: {refused}", self.plan);
                self.assert_reason(&refused);
            }
            Ok(applied) => {
                assert!(allowed, "{transition:?} of {:?}", self.plan);
                assert_change(&self.record, &self.plan, transition, &applied, now);
                self.record.note(&self.plan, transition);
                self.plan = applied.plan;
                assert_legal(&self.record, &self.plan);
                assert_round_trip(&self.plan);
            }
        }
        allowed
    }

    /// A refusal says what is so.
    fn assert_reason(&self, refused: &Refused) {
        assert!(!refused.to_string().is_empty());
        match refused {
            Refused::Finished => assert_eq!(self.plan.status, PlanStatus::Done),
            Refused::Waiting(waiting) => assert_eq!(waiting, &self.plan.waiting),
            Refused::Stopped { step, .. } => {
                assert_eq!(self.plan.step(step).unwrap().status, StepStatus::Error);
            }
            Refused::BeingRun => assert!(self.plan.run.is_some()),
            Refused::Cancelled(_) => assert_eq!(self.plan.status, PlanStatus::Cancelled),
            _ => {}
        }
    }

    /// Everything of a story; how much of it was legal.
    fn all(&mut self, story: &[(Act, i64)]) -> usize {
        let mut now = CREATED;
        let legal = story.iter().filter(|(act, passed)| {
            now += passed;
            let transition = act.of(&self.plan);
            self.on(&transition, Timestamp::from_millis(now))
        });
        legal.count()
    }
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// When every story is over, and nothing has to be waited for any more.
fn afterwards() -> Timestamp {
    Timestamp::from_millis(CREATED + 1_000_000_000)
}

fn person() -> (String, String) {
    ("Ada".to_owned(), "because".to_owned())
}

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn no_sequence_of_changes_leads_astray(plan in plan(), story in story()) {
        let mut told = Told::new(plan);
        told.all(&story);
    }
}

proptest! {
    #![proptest_config(config(500))]

    /// However far it came, a plan can be brought to its end, and then nothing begins any more.
    #[test]
    fn every_plan_can_be_ended(plan in plan(), story in story(), more in story()) {
        let mut told = Told::new(plan);
        told.all(&story);
        let now = afterwards();
        let (by, reason) = person();
        told.on(&Transition::Cancel { by, reason }, now);
        prop_assert!(matches!(told.plan.status, PlanStatus::Done | PlanStatus::Cancelled));
        // One that is done can still be gone back over, which is another story.
        let more = if told.plan.cancelled.is_some() { more } else { Vec::new() };
        for (act, _) in &more {
            let transition = act.of(&told.plan);
            let legal = told.on(&transition, now);
            prop_assert!(!legal || !matches!(transition, Transition::Start(_)));
        }
        told.on(&Transition::Interrupt, now);
        prop_assert!(told.plan.first(StepStatus::InProgress).is_none());
    }

    /// Steps that end well, approvals where they are asked for, and a skip of what fails: nothing
    /// else is needed to get through any plan that nobody cancelled.
    #[test]
    fn every_plan_can_be_done(plan in plan(), story in story()) {
        let story: Vec<_> = story
            .into_iter()
            .filter(|(act, _)| !matches!(act, Act::Cancel))
            .collect();
        let mut told = Told::new(plan);
        told.all(&story);
        let now = afterwards();
        for _ in 0..4 * STEPS {
            go_on(&mut told, now);
        }
        prop_assert_eq!(told.plan.status, PlanStatus::Done, "{:?}", told.plan);
    }
}

/// One more step of a plan whose services and people say yes.
fn go_on(told: &mut Told, now: Timestamp) {
    let (by, reason) = person();
    told.on(&Transition::Interrupt, now);
    if let Some(failed) = told.plan.first(StepStatus::Error) {
        let step = failed.id.clone();
        told.on(
            &Transition::Skip {
                step,
                required: false,
                by,
                reason,
            },
            now,
        );
        return;
    }
    let waiting = told.plan.waiting.clone();
    for step in waiting.into_iter().flat_map(|waiting| waiting.approve) {
        let approve = Transition::Approve {
            step,
            by: by.clone(),
            note: None,
            reviewed: BTreeMap::new(),
        };
        told.on(&approve, now);
    }
    if told.plan.run.is_none() {
        told.on(&Transition::Run, now);
    }
    let next = told.plan.runnable(now).first().map(|step| step.id.clone());
    let Some(step) = next else { return };
    let start = Transition::Start(Starter::Run(step.clone()));
    told.on(&start, now);
    let result = Json::parse("1".to_owned()).unwrap();
    let finished = Finished {
        step,
        outcome: Outcome::Done {
            result,
            approval: None,
        },
        log: Vec::new(),
        requests: 1,
        nothing_written: false,
        most_bytes: usize::MAX,
    };
    told.on(&Transition::Finish(finished), now);
}
