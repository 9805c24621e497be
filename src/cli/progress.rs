//! Shows a plan as it goes: on a terminal with a line that moves, elsewhere as plain lines, for
//! scripts as JSON.

use std::io;
use std::time::Instant;

use super::watch::Event;
use crate::output;
use crate::plan::{Plan, PlanStatus};
use crate::text::{json_line, plain};

/// What the moving line begins with, in turn.
const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// Clears the line that is moving.
const CLEAR: &str = "\r\x1b[2K";

/// Lines that are too long are cut by the terminal, which knows its width, instead of going on in
/// the next, where they could not be cleared.
const CUT: (&str, &str) = ("\x1b[?7l", "\x1b[?7h");

const GREEN: &str = "32";
const RED: &str = "31";
const YELLOW: &str = "33";

/// For whom it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// A person, on a terminal.
    Terminal { colours: bool },
    /// A file or a pipe.
    Plain,
    /// A script.
    Json,
}

impl Style {
    pub(super) fn detect(json: bool) -> Self {
        if json {
            Self::Json
        } else if output::moves(&io::stdout()) {
            Self::Terminal {
                colours: output::has_colours(&io::stdout()),
            }
        } else {
            Self::Plain
        }
    }
}

/// Shows a plan as it goes.
pub(super) struct Progress {
    style: Style,
    /// By id, in order.
    labels: Vec<(String, String)>,
    running: Vec<(String, Instant)>,
    /// What is waited for where nothing runs.
    waits: String,
    frame: usize,
}

impl Progress {
    /// # Errors
    /// When stdout can't be written, like everything here.
    pub(super) fn begin(style: Style, plan: &Plan) -> io::Result<Self> {
        let label = |step: &crate::plan::Step| (step.id.clone(), plain(&step.label));
        let progress = Self {
            style,
            labels: plan.steps.iter().map(label).collect(),
            running: Vec::new(),
            waits: String::new(),
            frame: 0,
        };
        let (id, goal) = (plain(&plan.id), plain(&plan.goal));
        progress.line(&format!("plan {id} ({}): {goal}", plan.mode))?;
        Ok(progress)
    }

    /// A line for a person; scripts don't get it.
    pub(super) fn line(&self, line: &str) -> io::Result<()> {
        match self.style {
            Style::Terminal { .. } => output::write(&format!("{CLEAR}{line}\n")),
            Style::Plain => output::write(&format!("{line}\n")),
            Style::Json => Ok(()),
        }
    }

    /// A line for a person whom it may concern that reads what a script writes.
    pub(super) fn note(&self, line: &str) -> io::Result<()> {
        match self.style {
            Style::Json => output::complain(&format!("{line}\n")),
            Style::Terminal { .. } | Style::Plain => self.line(line)?,
        }
        Ok(())
    }

    /// A line for scripts.
    pub(super) fn json(&self, json: &str) -> io::Result<()> {
        match self.style {
            Style::Json => output::write(&format!("{}\n", json_line(json))),
            Style::Terminal { .. } | Style::Plain => Ok(()),
        }
    }

    /// A transition.
    pub(super) fn event(&mut self, event: &Event) -> io::Result<()> {
        if let Some(step) = &event.step {
            self.running.retain(|(running, _)| running != step);
            if event.status == "IN_PROGRESS" {
                self.running.push((step.clone(), Instant::now()));
            }
        }
        let Some((told, colour)) = describe(event) else {
            return Ok(());
        };
        if event.transition == "postponed" {
            self.waits.clone_from(&told);
        }
        let is_beginning = event.transition == "started";
        if is_beginning && matches!(self.style, Style::Terminal { .. }) {
            return self.tick();
        }
        let told = self.coloured(&told, colour);
        match &event.step {
            Some(step) => self.line(&format!("  {}  {told}", self.named(step, true))),
            None => self.line(&format!("  {told}")),
        }
    }

    /// Moves the line of what is going on.
    pub(super) fn tick(&mut self) -> io::Result<()> {
        if !matches!(self.style, Style::Terminal { .. }) {
            return Ok(());
        }
        self.frame = self.frame.wrapping_add(1) % FRAMES.len();
        let frame = FRAMES.get(self.frame).unwrap_or(&"");
        let going_on: Vec<String> = self
            .running
            .iter()
            .map(|(step, since)| {
                let seconds = since.elapsed().as_secs_f64();
                format!("{}  {seconds:.1} s", self.named(step, false))
            })
            .collect();
        let going_on = if going_on.is_empty() {
            self.waits.clone()
        } else {
            going_on.join("   ")
        };
        let (cut, uncut) = CUT;
        output::write(&format!("{CLEAR}{cut}{frame} {going_on}{uncut}"))
    }

    /// Takes the moving line away, before something else is written.
    pub(super) fn pause(&self) -> io::Result<()> {
        match self.style {
            Style::Terminal { .. } => output::write(CLEAR),
            Style::Plain | Style::Json => Ok(()),
        }
    }

    /// How it ended.
    pub(super) fn end(&self, plan: &Plan, json: &str) -> io::Result<()> {
        let ok = plan.status == PlanStatus::Done;
        let status = self.coloured(plan.status.as_str(), if ok { GREEN } else { RED });
        self.line(&format!("plan {} is {status}", plain(&plan.id)))?;
        self.json(&format!("{{\"ok\":{ok},\"plan\":{json}}}"))
    }

    fn named(&self, step: &str, aligned: bool) -> String {
        let label = self.labels.iter().find(|(id, _)| id == step);
        let label = label.map_or("", |(_, label)| label.as_str());
        let width = self.labels.iter().map(|(_, label)| label.chars().count());
        let width = width.max().filter(|_| aligned).unwrap_or(0);
        format!("{}  {label:width$}", plain(step))
    }

    fn coloured(&self, text: &str, colour: &str) -> String {
        match self.style {
            Style::Terminal { colours: true } if !colour.is_empty() => {
                format!("\x1b[{colour}m{text}\x1b[0m")
            }
            _ => text.to_owned(),
        }
    }
}

/// Milliseconds for a person.
pub(super) fn seconds(duration_ms: u64) -> String {
    format!("{}.{:02} s", duration_ms / 1_000, duration_ms % 1_000 / 10)
}

/// What a transition is in words, and their colour; `None` if it is nothing to tell.
fn describe(event: &Event) -> Option<(String, &'static str)> {
    let by = || plain(event.by.as_deref().unwrap_or("somebody"));
    let status = plain(&event.status);
    let took = event.duration_ms.map(|ms| format!(" {}", seconds(ms)));
    let ended = || format!("{status}{}", took.unwrap_or_default());
    let (told, colour) = match event.transition.as_str() {
        "created" | "sent" | "run" => return None,
        "started" => ("started".to_owned(), ""),
        "finished" if event.status == "DONE" => (ended(), GREEN),
        "finished" => (ended(), RED),
        "interrupted" => ("interrupted, because the host ended".to_owned(), YELLOW),
        "postponed" => ("is tried again later".to_owned(), YELLOW),
        "held" => (
            "is not sent: it is not what was approved".to_owned(),
            YELLOW,
        ),
        "released" => ("goes back".to_owned(), YELLOW),
        "reset" => ("goes back to its beginning".to_owned(), YELLOW),
        "approved" => (format!("approved by {}", by()), GREEN),
        "rejected" => (format!("rejected by {}", by()), RED),
        "skipped" => (format!("skipped by {}", by()), YELLOW),
        "cancelled" => (format!("cancelled by {}", by()), RED),
        other => (plain(other), ""),
    };
    // A rejection's error says again who and why.
    let why = event.reason.as_ref().or(event.error.as_ref());
    let why = why.map(|why| format!(": {}", plain(why)));
    Some((told + &why.unwrap_or_default(), colour))
}
