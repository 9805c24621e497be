//! `codex-mesh run`: creates a plan, has the host drive it to its end, and shows how it goes.

use std::io::{self, IsTerminal};
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::approve::{self, Decision};
use super::client::{Client, HostArgs, PlanAnswer, Refused};
use super::progress::{Progress, Style};
use super::watch::{Told, Watch};
use crate::output::print;
use crate::plan::{Domain, Mode, Plan, PlanStatus, Step, StepStatus};
use crate::text::{json_line, plain};

/// The exit code when a person has to approve something, and there is none.
const WAITS: u8 = 3;

/// The exit code after Ctrl-C, as shells have it.
const INTERRUPTED: u8 = 130;

/// How often the moving line moves.
const TICK: Duration = Duration::from_millis(100);

/// Exits with 0 once the plan is DONE, with 1 if it failed, was rejected or cancelled, and with 3 if
/// it waits for an approval that can't be asked for here.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    host: HostArgs,
    /// What the plan is for
    #[arg(long)]
    goal: String,
    /// What it is about: social, ecomm, video, strategy, trends, campaign, monetization or system
    #[arg(long)]
    domain: Domain,
    /// How far it may go: SIMULATION, DRY_RUN or LIVE [default: the host's]
    #[arg(long, value_parser = Mode::named)]
    mode: Option<Mode>,
    /// The session it belongs to
    #[arg(long, default_value = "cli")]
    session: String,
    /// The recipe that says which steps it has [default: the host's]
    #[arg(long)]
    recipe: Option<String>,
    /// Who approves or rejects [default: asked, with the variable USER proposed]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// One JSON object a line: every event, and at last {"ok", "plan"}
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let outcome = create_and_follow(args).await;
    if let (true, Err(error)) = (args.json, &outcome) {
        let line = json!({"ok": false, "error": format!("{error:#}")});
        // Where this can't be written either, that is said on stderr.
        let _ = print(&format!("{}\n", json_line(&line.to_string())));
    }
    outcome
}

async fn create_and_follow(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.host)?;
    let created: PlanAnswer = client.post("/mesh/create", &body(args)).await?;
    let plan = created.plan()?;
    let mut follower = Follower {
        client: &client,
        id: &plan.id,
        by: args.by.as_deref(),
        is_asked: !args.json && io::stdin().is_terminal() && io::stdout().is_terminal(),
        progress: Progress::begin(Style::detect(args.json), &plan)?,
    };
    tokio::select! {
        exit = follower.follow() => {
            return exit;
        }
        signal = tokio::signal::ctrl_c() => signal?,
    }
    follower.leave()?;
    Ok(ExitCode::from(INTERRUPTED))
}

fn body(args: &RunArgs) -> Value {
    let mut body = json!({
        "sessionId": args.session,
        "domain": args.domain.as_str(),
        "goal": args.goal,
    });
    let more = [
        ("mode", args.mode.map(|mode| mode.as_str().to_owned())),
        ("recipe", args.recipe.clone()),
    ];
    if let Some(fields) = body.as_object_mut() {
        let given = more
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        fields.extend(given.map(|(name, value)| (name.to_owned(), value.into())));
    }
    body
}

/// Follows one plan to its end.
struct Follower<'a> {
    client: &'a Client,
    id: &'a str,
    by: Option<&'a str>,
    /// There is a person to ask.
    is_asked: bool,
    progress: Progress,
}

impl Follower<'_> {
    async fn follow(&mut self) -> anyhow::Result<ExitCode> {
        let mut watch = Watch::open(self.client, self.id).await?;
        self.go_on().await?;
        let mut ticks = tokio::time::interval(TICK);
        loop {
            let next = {
                let mut next = pin!(watch.next());
                loop {
                    tokio::select! {
                        next = &mut next => break next?,
                        _ = ticks.tick() => self.progress.tick()?,
                    }
                }
            };
            let Some(told) = next else {
                let lost = "the connection to the host is lost, and made again";
                self.progress.note(lost)?;
                continue;
            };
            self.progress.json(&told.json)?;
            self.progress.event(&told.event)?;
            if stands(&told)
                && let Some(exit) = self.settle(&told.event.at).await?
            {
                return Ok(exit);
            }
        }
    }

    /// Has the host drive the plan on. If it can't go on, that was told, or is about to be.
    async fn go_on(&self) -> anyhow::Result<()> {
        let body = json!({"planId": self.id});
        match self.client.post::<IgnoredAny>("/mesh/run", &body).await {
            Err(error) if !is_conflict(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// What is to be done about a plan that did not go on by itself at that moment; the exit code
    /// if nothing is.
    async fn settle(&mut self, at: &str) -> anyhow::Result<Option<ExitCode>> {
        let mut answer = self.client.plan(self.id).await?;
        if answer.plan()?.updated_at.to_string() != at {
            // Something has happened since then, which is about to be told.
            return Ok(None);
        }
        loop {
            let plan = answer.plan()?;
            match plan.status {
                PlanStatus::Done => return self.end(&plan, &answer, ExitCode::SUCCESS),
                PlanStatus::Error | PlanStatus::Cancelled => {
                    return self.end(&plan, &answer, ExitCode::FAILURE);
                }
                _ if plan.run.is_some() || plan.first(StepStatus::InProgress).is_some() => {
                    return Ok(None);
                }
                _ => {}
            }
            match self.decide(&plan).await? {
                Decided::Well => {
                    self.go_on().await?;
                    return Ok(None);
                }
                Decided::Otherwise => answer = self.client.plan(self.id).await?,
                Decided::Not => return self.end(&plan, &answer, ExitCode::from(WAITS)),
            }
        }
    }

    fn end(
        &self,
        plan: &Plan,
        answer: &PlanAnswer,
        exit: ExitCode,
    ) -> anyhow::Result<Option<ExitCode>> {
        for note in notes(plan) {
            self.progress.note(&note)?;
        }
        self.progress.end(plan, answer.json())?;
        Ok(Some(exit))
    }

    /// Lets a person decide about the approval that is missing, if one is.
    async fn decide(&self, plan: &Plan) -> anyhow::Result<Decided> {
        let Some(step) = approve::missing(plan) else {
            return Ok(Decided::Well);
        };
        self.progress.pause()?;
        for line in approve::shown(plan, step) {
            self.progress.note(&line)?;
        }
        let decision = if self.is_asked {
            approve::ask(self.by).await?
        } else {
            Decision::Nothing
        };
        let (path, body) = match decision {
            Decision::Approve { by } => (
                "/mesh/approve",
                json!({"planId": plan.id, "stepId": step.id, "approvedBy": by,
                       "reviewed": plan.would_approve(&step.id)}),
            ),
            Decision::Reject { by, reason } => (
                "/mesh/reject",
                json!({"planId": plan.id, "stepId": step.id, "rejectedBy": by, "reason": reason}),
            ),
            Decision::Nothing => {
                for line in approve::instructions(self.client, plan, step) {
                    self.progress.note(&line)?;
                }
                return Ok(Decided::Not);
            }
        };
        match self.client.post::<IgnoredAny>(path, &body).await {
            Ok(_) => Ok(Decided::Well),
            // Somebody else was faster, or it is not what was shown any more: it is looked at again.
            Err(error) if is_conflict(&error) => {
                self.progress.note(&error.to_string())?;
                Ok(Decided::Otherwise)
            }
            Err(error) => Err(error),
        }
    }

    fn leave(&self) -> io::Result<()> {
        self.progress.pause()?;
        self.progress.note(&format!(
            "plan {id} goes on. Look at it with `codex-mesh plan {id}`; end it with\n  curl -s '{}' \
             -H 'content-type: application/json' -d '{{\"planId\":\"{id}\",\"by\":\"<your \
             name>\",\"reason\":\"<why>\"}}'",
            self.client.url("/mesh/cancel"),
            id = plain(self.id),
        ))
    }
}

/// What came of asking a person.
enum Decided {
    /// They decided, or need not.
    Well,
    /// The plan is not what they were shown any more.
    Otherwise,
    /// There is nobody to ask.
    Not,
}

/// What a person should know of steps that are done: that nothing was simulated, that a check was set
/// aside.
fn notes(plan: &Plan) -> Vec<String> {
    let note = |step: &Step| {
        let result: Value = serde_json::from_str(step.result.as_ref()?.as_str()).ok()?;
        let why = match result.get("simulated") {
            Some(Value::Bool(false)) => result.get("reason"),
            _ => result.pointer("/setAside/note"),
        };
        Some(format!("{}: {}", step.id, plain(why?.as_str()?)))
    };
    plan.steps.iter().filter_map(note).collect()
}

/// Whether the plan does not go on by itself after this.
fn stands(told: &Told) -> bool {
    let status = told.event.plan_status.as_deref();
    told.is_last && matches!(status, Some("DONE" | "ERROR" | "CANCELLED" | "WAITING"))
}

fn is_conflict(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<Refused>()
        .is_some_and(|refused| refused.status == 409)
}
