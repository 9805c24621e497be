//! Which steps a plan gets, and what each of them would send.

use std::sync::Arc;

use uuid::Uuid;

use super::{Engine, EngineError};
use crate::plan::{Domain, Effect, Mode, Plan, PlanStatus, Step, StepStatus, Timestamp};
use crate::registry::Kind;

/// The steps of a plan that names none.
const DEFAULT_STEPS: [&str; 4] = ["autonomy", "srl", "hardening", "workflow"];

/// What stands in for a write in a SIMULATION.
const SIMULATION: &str = "simulation";

/// What a client asks for.
#[derive(Debug, Clone)]
pub struct NewPlan {
    /// The client's session.
    pub session_id: String,
    /// What it is about.
    pub domain: Domain,
    /// What it is for.
    pub goal: String,
    /// How far it may go; the configured default if it says nothing.
    pub mode: Option<Mode>,
    /// The kinds of its steps; the default ones if it says nothing.
    pub steps: Option<Vec<String>>,
}

impl Engine {
    /// Creates a plan. Every step is shaped, so that the plan can be reviewed before anything
    /// happens.
    ///
    /// # Errors
    /// When it asks for what there is not, or for what the policy forbids.
    pub async fn create(&self, new: NewPlan, now: Timestamp) -> Result<Arc<Plan>, EngineError> {
        let mode = new.mode.unwrap_or(self.default_mode);
        let names = match &new.steps {
            Some(names) => names.clone(),
            None => DEFAULT_STEPS.map(str::to_owned).to_vec(),
        };
        let kinds = self.kinds(&names, mode)?;
        let steps = kinds
            .iter()
            .enumerate()
            .map(|(index, kind)| self.pending_step(index, kind));
        let mut plan = Plan {
            id: Uuid::now_v7().to_string(),
            session_id: new.session_id,
            domain: new.domain,
            goal: new.goal,
            mode,
            approvals: self.approvals,
            status: PlanStatus::Pending,
            waiting: Vec::new(),
            run: None,
            cancelled: None,
            created_at: now,
            updated_at: now,
            steps: steps.collect(),
        };
        self.shape_all(&mut plan, &kinds).await;
        self.policy.check(&plan).map_err(EngineError::Invalid)?;
        let plan = Arc::new(plan);
        self.store.create(Arc::clone(&plan)).await?;
        Ok(plan)
    }

    fn kinds(&self, names: &[String], mode: Mode) -> Result<Vec<Arc<Kind>>, EngineError> {
        let find = |(index, name): (usize, &String)| {
            let kind = self
                .kind(name)
                .map_err(|error| EngineError::Invalid(format!("steps[{index}].kind {error}")))?;
            if mode == Mode::Simulation && self.usual_effect(&kind) == Effect::Write {
                return self.kind(SIMULATION).map_err(|error| {
                    EngineError::Invalid(format!("mode SIMULATION needs a kind that {error}"))
                });
            }
            Ok(kind)
        };
        names.iter().enumerate().map(find).collect()
    }

    fn kind(&self, name: &str) -> Result<Arc<Kind>, String> {
        self.registry.get(name).cloned().ok_or_else(|| {
            let loaded: Vec<&str> = self
                .registry
                .iter()
                .map(|kind| kind.manifest.kind.as_str())
                .collect();
            let name: String = name.chars().take(64).collect();
            format!(
                "{name:?} is not loaded: it must be one of {}",
                loaded.join(", ")
            )
        })
    }

    /// What the request that the manifest names would do.
    fn usual_effect(&self, kind: &Kind) -> Effect {
        let manifest = &kind.manifest;
        self.catalogue
            .get(&manifest.service)
            .map_or(Effect::Write, |service| {
                service.routes.effect(manifest.method, &manifest.endpoint)
            })
    }

    fn pending_step(&self, index: usize, kind: &Kind) -> Step {
        let manifest = &kind.manifest;
        Step {
            id: format!("step-{}", index + 1),
            kind: manifest.kind.clone(),
            label: manifest.label.clone(),
            domain: None,
            settings: None,
            after: None,
            service: manifest.service.clone(),
            method: manifest.method,
            endpoint: manifest.endpoint.clone(),
            effect: self.usual_effect(kind),
            repeatable: false,
            sent: false,
            attempt: 1,
            payload: None,
            payload_reason: None,
            status: StepStatus::Pending,
            result: None,
            error: None,
            approval: None,
            skipped: None,
            retry: None,
            log: Vec::new(),
            started_at: None,
            finished_at: None,
        }
    }

    /// Fills in what each step would send now. One that can't say yet says why.
    async fn shape_all(&self, plan: &mut Plan, kinds: &[Arc<Kind>]) {
        let mut shaped = Vec::with_capacity(kinds.len());
        for (step, kind) in plan.steps.iter().zip(kinds) {
            shaped.push(self.shape(plan, step, kind).await);
        }
        for (step, shaped) in plan.steps.iter_mut().zip(shaped) {
            match shaped {
                Ok(request) => {
                    step.method = request.method;
                    step.endpoint = request.path;
                    step.payload = request.body;
                    // A step that may write is a step that writes, whatever it says today.
                    if request.effect == Effect::Write {
                        step.effect = Effect::Write;
                    }
                }
                Err(reason) => step.payload_reason = Some(reason),
            }
        }
    }
}
