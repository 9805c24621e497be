//! The round trips of one step: shape, judge, send, interpret, until there is a verdict.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Engine;
use super::doubt::Judged;
use super::kept::{GUESSED, Keeper, Said};
use super::policy::Gate;
use super::request::{CallIdentity, Checked, FIRST};
use super::room::Room;
use super::verdict::{Next, Patience, failed, judge, shorten};
use crate::cases::Recorder;
use crate::contract;
use crate::plan::{Effect, Finished, LogLine, Outcome, Plan, Refused, Sending, Step, Transition};
use crate::registry::{PluginVersion, RegistryError};
use crate::sandbox::bindings::{Context, Request};
use crate::sandbox::{Called, Clock};
use crate::services::{Call, CallError, Service};
use crate::store::StoreError;

/// How a step ended.
pub(super) enum Ended {
    /// With an outcome.
    Finished(Finished),
    /// It goes back, because somebody has to approve this first.
    Held {
        sending: Sending,
        /// A write of it was sent before that, so that it can't begin anew.
        written: bool,
    },
    /// It goes back, because its write could not be recorded, or the plan was cancelled; nothing was
    /// written.
    Unrecorded(StoreError),
}

/// One step under way.
struct Run<'a> {
    engine: &'a Engine,
    plan: &'a Plan,
    step: &'a Step,
    plugin: Arc<PluginVersion>,
    service: &'a Service,
    context: Context,
    keeper: Keeper<'a>,
    /// Takes it down, if its kind is recorded.
    recorder: Option<Recorder>,
    log: Vec<LogLine>,
    requests: u32,
    deadline: Instant,
    /// The time that the plugin is told.
    clock: Clock,
    /// Whether the plan shows a request of it.
    shown: bool,
    /// Whether a write of it may have reached its service.
    written: bool,
    /// Why it goes back instead of ending.
    back: Option<Ended>,
}

impl Engine {
    /// Runs this step, which is under way.
    pub(super) async fn run_step(&self, plan: &Plan, id: &str) -> Ended {
        let finished = |outcome| Finished {
            step: id.to_owned(),
            outcome,
            log: Vec::new(),
            requests: 0,
            nothing_written: plan.step(id).is_some_and(|step| !step.sent),
            most_bytes: self.limits.plan_bytes,
        };
        let mut run = match self.prepare(plan, id).await {
            Ok(run) => run,
            Err(error) => return Ended::Finished(finished(Outcome::Error { error })),
        };
        let outcome = run.reach_verdict().await;
        if let Some(back) = run.back {
            return back;
        }
        let nothing_written = !run.may_have_written();
        if let Some(recorder) = run.recorder {
            let sha256 = &run.plugin.sha256;
            let recorded = recorder.end();
            self.recordings
                .keep(plan, run.step, sha256, recorded, &run.keeper);
        }
        let outcome = outcome.unwrap_or_else(|error| Outcome::Error {
            error: if nothing_written {
                error
            } else {
                // For whoever reads nothing but the error.
                format!(
                    "{error} (its {} may have happened: look at the service before anything is \
                     repeated)",
                    run.step.what_was_sent()
                )
            },
        });
        let finished = Finished {
            log: run.log,
            requests: run.requests,
            nothing_written,
            ..finished(outcome)
        };
        Ended::Finished(run.keeper.finished(finished))
    }

    /// The version that a step's plan was created with.
    pub(super) async fn plugin(&self, step: &Step) -> Result<Arc<PluginVersion>, RegistryError> {
        match &step.plugin {
            Some(digest) => self.registry.version(digest).await,
            // The plan is older than this rule.
            None => self.registry.current(&step.kind),
        }
    }

    async fn prepare<'a>(&'a self, plan: &'a Plan, id: &str) -> Result<Run<'a>, String> {
        let step = plan.step(id).ok_or("the plan has no such step")?;
        let plugin = self.plugin(step).await.map_err(|error| error.to_string())?;
        let service = &plugin.manifest.service;
        let service = self
            .catalogue
            .get(service)
            .ok_or_else(|| format!("the service {service} is not configured any more"))?;
        let settings = self.settings(step, &plugin).await?;
        let context = self
            .registry
            .handed(&plugin, contract::context(plan, step, settings));
        let mut keeper = self.keeper(plan, step);
        keeper.hands(&context);
        let deadline = Instant::now() + Duration::from_millis(self.limits.step_ms);
        let clock = Clock::Host {
            deadline: Some(deadline),
        };
        Ok(Run {
            engine: self,
            plan,
            step,
            plugin,
            service,
            keeper,
            // What goes on halfway makes no case.
            recorder: match step.held {
                None => self.recordings.begin(&step.kind, &context, clock),
                Some(_) => None,
            },
            context,
            log: Vec::new(),
            requests: 0,
            clock,
            deadline,
            shown: false,
            written: false,
            back: None,
        })
    }
}

impl Run<'_> {
    /// The error is a message for a person.
    async fn reach_verdict(&mut self) -> Result<Outcome, String> {
        let (first, mut request) = match &self.step.held {
            Some(held) => (held.round, contract::request(self.step)),
            None => (FIRST, self.shape().await?),
        };
        let own = self
            .engine
            .plugins
            .get(&self.step.kind)
            .and_then(|plugin| plugin.rounds);
        let rounds = own.unwrap_or(self.engine.limits.rounds);
        for round in first..=rounds {
            match self.round(round, &request).await? {
                Next::Ended(outcome) => return Ok(outcome),
                Next::Call(next) => request = next,
            }
        }
        Err(format!(
            "the plugin asked for more than {rounds} round trips, which is the limit"
        ))
    }

    async fn shape(&mut self) -> Result<Request, String> {
        let called = self.plugin.shape(&self.context, self.clock).await;
        if let Some(recorder) = &mut self.recorder {
            recorder.shaped(&called.outcome);
        }
        self.take(called)?.map_err(|reason| shorten(&reason))
    }

    async fn round(&mut self, round: u32, request: &Request) -> Result<Next, String> {
        let checked = Checked::new(request, self.service)
            .map_err(|error| format!("the plugin's request is refused: {error}"))?;
        let trusted = self.engine.trusted(self.plan, checked.effect).await;
        let grant = self.engine.registry.grant(&self.plugin);
        let policy = &self.engine.policy;
        let gate = policy.gate(self.plan, self.step, &checked, &grant, &trusted);
        let refused = |reason| format!("the plugin's request is refused: {reason}");
        if let Gate::Refuse(reason) = gate {
            return Err(refused(reason));
        }
        let most = self.engine.limits.plan_bytes;
        let mut room = Room::instead_of(self.plan, self.step, most);
        room.take(checked.body.as_ref()).map_err(refused)?;
        if gate == Gate::Send && checked.effect.acts() {
            checked.is_shown_whole(&self.keeper).map_err(refused)?;
        }
        self.show(&checked, &gate, round).await?;
        if let Gate::ShowOnly(unsent) = gate {
            let result = checked
                .would_send(self.service, unsent)
                .map_err(|error| error.to_string())?;
            return Ok(Next::Ended(Outcome::Done {
                result,
                approval: None,
            }));
        }
        let identity = CallIdentity {
            plan: self.plan.id.clone(),
            step: self.step.id.clone(),
            attempt: self.step.attempt,
            round,
        };
        let mut outgoing = checked.outgoing(&identity, &self.engine.secrets)?;
        outgoing.told = self.keeper.told().clone();
        if checked.effect == Effect::Simulate {
            outgoing.timeout = Some(self.time_to_simulate());
        }
        let repeatable = checked.effect == Effect::Read || checked.repeatable;
        let call = Call {
            kind: &self.step.kind,
            service: self.service,
            request: &outgoing,
            repeatable,
            deadline: self.deadline,
        };
        let called = self.engine.gateway.call(call).await;
        self.requests = self.requests.saturating_add(called.tries);
        self.written |= checked.effect.acts() && called.arrived;
        let answer = match called.outcome {
            Ok(answer) => answer,
            Err(error) => return self.unanswered(&error),
        };
        // A gateway says so: the answer of the service itself is lost.
        let lost = checked.effect.acts() && matches!(answer.status, 502 | 504);
        let answer = answer.into();
        self.keeper.answers(&answer);
        let plugin = &self.plugin;
        let called = plugin
            .interpret(&self.context, request, &answer, self.clock)
            .await;
        if let Some(recorder) = &mut self.recorder {
            recorder.answered(&answer, &called.outcome);
        }
        let verdict = self.take(called)?;
        let judged = Judged {
            plugin: &self.plugin,
            context: &self.context,
            request,
            answer: &answer,
            clock: self.clock,
            deadline: self.deadline,
        };
        let verdict = self.engine.doubted(verdict, &judged).await;
        match judge(verdict, &self.patience())? {
            Next::Ended(Outcome::Error { error }) if lost => Err(error),
            next => Ok(next),
        }
    }

    /// Whether a write may have reached the service. A host before this one may have sent it, and
    /// not have lived to see the answer.
    fn may_have_written(&self) -> bool {
        self.written || self.step.sent
    }

    /// What comes of a call without an answer. Where its service got nothing, the step may be tried
    /// again like one whose service asks for that.
    fn unanswered(&self, error: &CallError) -> Result<Next, String> {
        let mut reason = error.to_string();
        if error.nothing_arrived() && !self.may_have_written() {
            reason.push_str(" (nothing was sent)");
        }
        if !error.nothing_arrived() || !error.may_pass() {
            return Err(reason);
        }
        let patience = self.patience();
        let left_alone = error.left_alone().map_or(0, |left| {
            u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
        });
        Ok(Next::Ended(Outcome::Later {
            reason,
            after_ms: patience.wait_ms.max(left_alone).min(patience.longest_ms),
            most: patience.most,
        }))
    }

    /// How long a simulation may take: beside the step's own time, of which it takes nothing.
    fn time_to_simulate(&mut self) -> Duration {
        let longest = Duration::from_millis(self.engine.limits.simulation_ms);
        self.deadline += longest;
        self.clock = Clock::Host {
            deadline: Some(self.deadline),
        };
        longest
    }

    /// How a wish to be tried again later is met.
    fn patience(&self) -> Patience {
        let waited = self.step.retry.as_ref().map_or(0, |retry| retry.count);
        self.engine.patience(&self.step.kind, waited)
    }

    /// Puts what is about to be sent on record; a write's record is on disk when this returns. Of
    /// several requests the plan shows the last write, or the first if none writes.
    async fn show(&mut self, checked: &Checked, gate: &Gate, round: u32) -> Result<(), String> {
        if self.shown && checked.effect == Effect::Read {
            return Ok(());
        }
        self.shown = true;
        let shown_only = matches!(gate, Gate::ShowOnly(_));
        let sending = checked.sending(shown_only, round, &self.keeper);
        let send = Transition::Send(self.step.id.clone(), sending.clone());
        let Err(error) = self.engine.store.apply(&self.plan.id, &send).await else {
            return Ok(());
        };
        let message = format!("nothing was sent, because {error}");
        let written = self.written;
        self.back = match error {
            StoreError::Refused(Refused::Unapproved(_)) => Some(Ended::Held { sending, written }),
            _ if written => None,
            StoreError::Refused(Refused::Cancelled(_)) => Some(Ended::Unrecorded(error)),
            error if error.may_pass() => Some(Ended::Unrecorded(error)),
            _ => None,
        };
        Err(message)
    }

    /// Keeps what the plugin said, within the limit of the whole step.
    fn take<T: Said>(&mut self, called: Called<T>) -> Result<T, String> {
        if self.keeper.is_guess(&called) {
            self.plugin.gave_away();
            self.log.clear();
            self.recorder = None;
            return Err(GUESSED.to_owned());
        }
        let size = |log: &[LogLine]| log.iter().map(|line| line.message.len()).sum::<usize>();
        if size(&self.log) < self.plugin.plugin.limits().log_bytes {
            self.log.extend(called.log.into_iter().map(LogLine::from));
        }
        called.outcome.map_err(|fault| failed(&fault))
    }
}
