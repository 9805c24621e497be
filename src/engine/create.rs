//! Creates plans: which steps they get, and what each of them would send.

use std::sync::Arc;

use uuid::Uuid;

use super::assemble::{Assembler, Draft, apart};
use super::recipes::Wanted;
use super::request::FIRST;
use super::room::Room;
use super::{Engine, EngineError};
use crate::plan::{ApprovalMode, Domain, Mode, Plan, PlanStatus, Timestamp};
use crate::registry::PluginVersion;

/// What a client asks for.
#[derive(Debug, Clone)]
pub struct NewPlan {
    /// The client's session.
    pub session_id: String,
    /// What it is about.
    pub domain: Domain,
    /// What its writes are made for, one step each; nothing if there are none.
    pub domains: Vec<Domain>,
    /// What it is for.
    pub goal: String,
    /// How far it may go; the configured default if it says nothing.
    pub mode: Option<Mode>,
    /// What it is made of.
    pub wanted: Wanted,
}

impl Engine {
    /// Creates a plan. Every step is shaped, so that the plan can be reviewed before anything
    /// happens.
    ///
    /// # Errors
    /// When it asks for what there is not, or for what the policy forbids.
    pub async fn create(&self, new: NewPlan, now: Timestamp) -> Result<Arc<Plan>, EngineError> {
        let mode = new.mode.unwrap_or(self.default_mode);
        if let Some(loading) = self.awaited(&new, mode) {
            return Err(EngineError::Loading(loading));
        }
        let drafts = self.drafts(&new, mode).await;
        let (recipe, drafts) = drafts.map_err(EngineError::Invalid)?;
        let mut plan = pending_plan(new, mode, self.approvals, now);
        plan.recipe = recipe;
        let (steps, kinds) = apart(drafts);
        plan.steps = steps;
        self.shape_all(&mut plan, &kinds).await;
        self.policy
            .check(&plan, &kinds, &self.registry)
            .map_err(EngineError::Invalid)?;
        let plan = Arc::new(plan);
        self.store.create(Arc::clone(&plan)).await?;
        Ok(plan)
    }

    /// The steps of the plan, and the name of the recipe that they are of, if any.
    async fn drafts(
        &self,
        new: &NewPlan,
        mode: Mode,
    ) -> Result<(Option<String>, Vec<Draft>), String> {
        let (recipe, steps) = self.wanted(new, mode)?;
        let wrong = |error| match recipe {
            // Its steps are not in the request: the client has to be told whose they are.
            Some(recipe) => format!("the recipe {:?}: {error}", recipe.name),
            None => error,
        };
        let assembled = self.assembler().assemble(steps, &new.domains, mode);
        let assembled = assembled.map_err(wrong)?;
        let settings = self.turns.check(assembled.settings).await;
        settings.map_err(wrong)?;
        Ok((recipe.map(|recipe| recipe.name.clone()), assembled.drafts))
    }

    pub(super) fn assembler(&self) -> Assembler<'_> {
        Assembler {
            registry: &self.registry,
            catalogue: &self.catalogue,
            most: self.limits.steps,
        }
    }

    /// Fills in what each step would send now. One that can't say yet says why.
    async fn shape_all(&self, plan: &mut Plan, kinds: &[Arc<PluginVersion>]) {
        let mut room = Room::of(plan, self.limits.plan_bytes);
        let mut shaped = Vec::with_capacity(kinds.len());
        for (step, kind) in plan.steps.iter().zip(kinds) {
            let keeper = self.keeper(plan, step);
            let request = self.shape(plan, step, kind).await;
            shaped.push(match request {
                Ok(request) => {
                    let mut sending = request.sending(false, FIRST, &keeper);
                    let unknown = room.take(sending.payload.as_ref()).err();
                    sending.payload.take_if(|_| unknown.is_some());
                    (Some(sending), unknown)
                }
                Err(reason) => (None, Some(keeper.text(reason))),
            });
        }
        for (step, (sending, reason)) in plan.steps.iter_mut().zip(shaped) {
            step.payload_reason = reason;
            if let Some(sending) = sending {
                step.headers = sending.headers;
                step.method = sending.method;
                step.endpoint = sending.endpoint;
                step.payload = sending.payload;
                // A step that may write is a step that writes, whatever it says today.
                step.effect = step.effect.max(sending.effect);
            }
        }
    }
}

/// A plan without its steps, before anything happens.
pub(super) fn pending_plan(
    new: NewPlan,
    mode: Mode,
    approvals: ApprovalMode,
    now: Timestamp,
) -> Plan {
    Plan {
        id: Uuid::now_v7().to_string(),
        session_id: new.session_id,
        domain: new.domain,
        goal: new.goal,
        mode,
        recipe: None,
        approvals,
        status: PlanStatus::Pending,
        waiting: Vec::new(),
        run: None,
        cancelled: None,
        created_at: now,
        updated_at: now,
        steps: Vec::new(),
    }
}
