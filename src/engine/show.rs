//! What a step would send now, without sending it: for whoever reviews the plan.

use std::sync::Arc;

use super::Engine;
use super::kept::{GUESSED, Keeper};
use super::request::{Checked, FIRST};
use super::room::Room;
use super::verdict::{failed, shorten};
use crate::contract;
use crate::plan::{Effect, Plan, Sending, Step, Transition, WaitingFor};
use crate::registry::PluginVersion;
use crate::sandbox::Clock;

impl Engine {
    /// The plan, with what waits for an approval shown as it would be sent now. That the plan is
    /// only as old as its last step is a help for the reviewer: a write that is not what was
    /// approved is held in any case, so a failure here costs a second approval and nothing else.
    pub(super) async fn with_current_payloads(&self, mut plan: Arc<Plan>) -> Arc<Plan> {
        for waiting in plan.waiting.clone() {
            if waiting.what != WaitingFor::Approval {
                continue;
            }
            let Some(sending) = self.would_send(&plan, &waiting.step).await else {
                continue;
            };
            let show = Transition::Show(waiting.step, sending);
            match self.store.apply(&plan.id, &show).await {
                Ok(shown) => plan = shown,
                Err(error) => tracing::warn!("plan {} is not shown anew: {error}", plan.id),
            }
        }
        plan
    }

    /// What the step would send now, if that is not what the plan shows. One that is held sends what
    /// it shows.
    async fn would_send(&self, plan: &Plan, id: &str) -> Option<Sending> {
        let step = plan.step(id).filter(|step| step.held.is_none())?;
        let plugin = self.plugin(step).await.ok()?;
        let request = self.shape(plan, step, &plugin).await.ok()?;
        if request.effect == Effect::Read {
            // It reads before it writes; the plan shows the write that was held, if there was one.
            return None;
        }
        let sending = request.sending(false, FIRST, &self.keeper(plan, step));
        let mut room = Room::instead_of(plan, step, self.limits.plan_bytes);
        room.take(sending.payload.as_ref()).ok()?;
        let same = step.method == sending.method
            && step.endpoint == sending.endpoint
            && step.headers == sending.headers
            && step.payload == sending.payload
            && step.payload_reason.is_none();
        (!same).then_some(sending)
    }

    /// What keeps the values of secrets out of what is shown of a step.
    pub(super) fn keeper<'a>(&'a self, plan: &Plan, step: &Step) -> Keeper<'a> {
        Keeper::new(self.gateway.redactor(), plan, step)
    }

    /// The request that the step would make now, or why there is none yet.
    pub(super) async fn shape(
        &self,
        plan: &Plan,
        step: &Step,
        plugin: &Arc<PluginVersion>,
    ) -> Result<Checked, String> {
        let service = self
            .catalogue
            .get(&step.service)
            .ok_or("its service is not configured")?;
        let settings = self.settings(step, plugin).await?;
        let context = self
            .registry
            .handed(plugin, contract::context(plan, step, settings));
        let mut keeper = self.keeper(plan, step);
        keeper.hands(&context);
        let called = plugin.shape(&context, Clock::IDLE).await;
        if keeper.is_guess(&called) {
            plugin.gave_away();
            return Err(GUESSED.to_owned());
        }
        let request = called
            .outcome
            .map_err(|fault| failed(&fault))?
            .map_err(|reason| shorten(&reason))?;
        Checked::new(&request, service)
            .map_err(|error| format!("the plugin's request is refused: {error}"))
    }
}
