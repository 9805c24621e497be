//! Runs a case: every call on a fresh instance within the host's limits, and the recorded answers
//! in place of the service.

use std::time::Instant;

use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Case, Exchange, Response};
use super::{diff, shown};
use crate::plan::Effect;
use crate::registry::Manifest;
use crate::sandbox::bindings as wit;
use crate::sandbox::{Called, Fault, LogLine, Plugin};

/// Runs cases on one plugin.
pub struct Runner<'a> {
    /// The plugin.
    pub plugin: &'a Plugin,
    /// What it says of itself.
    pub manifest: &'a Manifest,
    /// What its usual request does, as the catalogue says.
    pub effect: Effect,
    /// How many round trips one step may make.
    pub rounds: u32,
}

/// What came of a case.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Every call, in order.
    pub calls: Vec<Call>,
    /// Where it did something else than the case expects; nowhere if it passed.
    pub mismatches: Vec<Mismatch>,
}

/// One call into the plugin.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// `shape` or `interpret`.
    pub function: &'static str,
    /// How long it took, making the instance included, in microseconds of wall time.
    pub micros: u64,
    /// The linear memory that it came to have, in bytes.
    pub memory_bytes: usize,
    /// What it logged and printed.
    pub log: Vec<LogLine>,
}

/// Something else than was expected.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mismatch {
    /// Of what, for a person.
    pub what: String,
    /// What was expected, as a case writes it.
    pub expected: Value,
    /// What came instead, as a case writes it; `fault` where the host would not have taken it.
    pub actual: Value,
    /// The lines that differ, with some around them.
    pub diff: Vec<String>,
}

impl Report {
    /// Whether all was as expected.
    pub fn passed(&self) -> bool {
        self.mismatches.is_empty()
    }

    fn keep<T>(
        &mut self,
        function: &'static str,
        begun: Instant,
        called: Called<T>,
    ) -> Result<T, Fault> {
        self.calls.push(Call {
            function,
            micros: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            memory_bytes: called.memory_bytes,
            log: called.log,
        });
        called.outcome
    }

    fn compare(&mut self, what: String, expected: Value, actual: Value) {
        if expected == actual {
            return;
        }
        let diff = diff::lines(&format!("{expected:#}"), &format!("{actual:#}"));
        self.mismatches.push(Mismatch {
            what,
            expected,
            actual,
            diff,
        });
    }
}

impl Runner<'_> {
    /// Runs one case, up to the first thing that makes the rest meaningless.
    pub async fn run(&self, case: &Case) -> Report {
        let mut report = Report {
            calls: Vec::new(),
            mismatches: Vec::new(),
        };
        let context = case.context.complete(self.manifest, self.effect);
        let begun = Instant::now();
        let called = self.plugin.shape(&context, case.context.clock()).await;
        let outcome = report.keep("shape", begun, called);
        let shaped = shown::shaped(&outcome);
        if let Some(expected) = &case.shape {
            let expected = shown::expected_shape(expected);
            report.compare("shape".to_owned(), expected, shaped.clone());
        }
        if case.exchanges.is_empty() {
            return report;
        }
        let Ok(Ok(request)) = outcome else {
            // Where the case expects another shape, that has been said.
            if case.shape.is_none() {
                let expected = json!({"request": "(any)"});
                report.compare("shape".to_owned(), expected, shaped);
            }
            return report;
        };
        self.exchange(case, &context, request, &mut report).await;
        report
    }

    /// The round trips, each asked for by what the one before it meant.
    async fn exchange(
        &self,
        case: &Case,
        context: &wit::Context,
        mut request: wit::Request,
        report: &mut Report,
    ) {
        if let Some(expected) = case
            .exchanges
            .first()
            .and_then(|first| first.request.as_ref())
        {
            let expected = shown::expected_call(Some(expected));
            let actual = shown::judged(&Ok(wit::Verdict::Call(request.clone())));
            report.compare("the request of exchange 1".to_owned(), expected, actual);
        }
        let most = usize::try_from(self.rounds).unwrap_or(usize::MAX);
        if case.exchanges.len() > most {
            let what = "the number of exchanges, which the host limits".to_owned();
            report.compare(what, json!(case.exchanges.len()), json!(most));
            return;
        }
        for (index, exchange) in case.exchanges.iter().enumerate() {
            let begun = Instant::now();
            let response = answer(&exchange.response);
            let clock = case.context.clock();
            let calling = self.plugin.interpret(context, &request, &response, clock);
            let outcome = report.keep("interpret", begun, calling.await);
            let actual = shown::judged(&outcome);
            let Some(next) = case.exchanges.get(index.saturating_add(1)) else {
                self.conclude(case, exchange, actual, report);
                return;
            };
            let what = format!("the request of exchange {}", index.saturating_add(2));
            let called_for = matches!(&outcome, Ok(wit::Verdict::Call(_)));
            if next.request.is_some() || !called_for {
                report.compare(what, shown::expected_call(next.request.as_ref()), actual);
            }
            let Ok(wit::Verdict::Call(asked)) = outcome else {
                return;
            };
            request = asked;
        }
    }

    fn conclude(&self, case: &Case, last: &Exchange, actual: Value, report: &mut Report) {
        if let Some(expected) = &case.verdict {
            let expected = shown::expected_verdict(expected, &last.response.body);
            report.compare("verdict".to_owned(), expected, actual);
        }
    }
}

fn answer(response: &Response) -> wit::Response {
    let headers = response.headers.iter();
    wit::Response {
        status: response.status,
        headers: headers
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        body: response.body.text(),
        elapsed_ms: response.elapsed_ms,
    }
}
