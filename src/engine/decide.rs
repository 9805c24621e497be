//! What people decide about a plan, carried out.

use std::sync::Arc;

use super::{Engine, EngineError};
use crate::plan::{Plan, Transition};
use crate::store::StoreError;

impl Engine {
    /// Changes a plan as a person decided; the plan after it.
    ///
    /// # Errors
    /// When there is no such plan, or the state machine says no.
    pub async fn decide(
        self: &Arc<Self>,
        id: &str,
        decision: Transition,
    ) -> Result<Arc<Plan>, EngineError> {
        let (engine, id) = (Arc::clone(self), id.to_owned());
        // In a task of its own: a change that ends halfway, because its client hangs up, takes with
        // it what the store has in memory of the steps under way, which could then begin twice.
        let deciding = tokio::spawn(async move {
            let plan = engine.store.apply(&id, &decision).await?;
            engine.runs.wake(&id);
            Ok(engine.with_current_payloads(plan).await)
        });
        deciding.await.unwrap_or(Err(EngineError::Stopping))
    }

    /// Skips a step, as a person decided.
    ///
    /// # Errors
    /// When there is no such plan, or the state machine says no.
    pub async fn skip(
        self: &Arc<Self>,
        id: &str,
        step: String,
        by: String,
        reason: String,
    ) -> Result<Arc<Plan>, EngineError> {
        let plan = self.store.plan(id).await?.ok_or(StoreError::NotFound)?;
        // The kind of a step never changes.
        let required = plan
            .step(&step)
            .is_some_and(|step| self.policy.requires(&step.kind));
        let skip = Transition::Skip {
            step,
            required,
            by,
            reason,
        };
        self.decide(id, skip).await
    }

    /// Takes a plan back to a step, as a person decided.
    ///
    /// # Errors
    /// When there is no such plan, the state machine says no, a step of it was tried as often as may
    /// be, or a plugin that the plan was created with is gone, which may be once a plan is over.
    pub async fn retry(
        self: &Arc<Self>,
        id: &str,
        step: Option<String>,
        repeat_writes: bool,
    ) -> Result<Arc<Plan>, EngineError> {
        let plan = self.store.plan(id).await?.ok_or(StoreError::NotFound)?;
        let mut plugins = plan.steps.iter().filter_map(|step| step.plugin.as_ref());
        if let Some(gone) = plugins.find(|plugin| !self.registry.keeps(plugin)) {
            return Err(StoreError::PluginGone(gone.clone()).into());
        }
        let most = self.limits.attempts;
        if let Some(step) = plan.steps.iter().find(|step| step.attempt >= most) {
            return Err(EngineError::TriedOut(step.id.clone(), step.attempt));
        }
        let retry = Transition::Retry {
            step,
            repeat_writes,
        };
        self.decide(id, retry).await
    }
}
