//! Takes a step down as a case while it runs. What the same component makes of the case is what it
//! made of the step; only where it failed there is nothing that a case could expect.

use super::model::{Case, CaseContext, Exchange, Request, Shape};
use super::told;
use super::verdict::{Expected, Reviewed, Verdict, Word};
use crate::sandbox::bindings as wit;
use crate::sandbox::{Fault, Moment};

/// Takes one attempt of a step down.
#[derive(Debug)]
pub struct Recorder {
    recorded: Recorded,
    /// What the last answer made it ask for.
    asked: Option<Request>,
}

/// An attempt of a step as a case.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recorded {
    /// What it was told, and what it gave.
    pub case: Case,
    /// How the plugin failed, if it did. Then the case expects that its answer says so, which is
    /// for the author to correct: no plugin can give it.
    pub fault: Option<String>,
}

impl Recorder {
    /// Of a step that is told this, and began then.
    pub fn new(context: &wit::Context, begun: Moment) -> Self {
        let case = Case {
            context: CaseContext::told(context, begun),
            ..Case::default()
        };
        Self {
            recorded: Recorded { case, fault: None },
            asked: None,
        }
    }

    /// What `shape` gave.
    pub fn shaped(&mut self, outcome: &Result<Result<wit::Request, String>, Fault>) {
        let shape = match outcome {
            Ok(Ok(request)) => told::request(request).map(Shape::Request),
            Ok(Err(reason)) => Ok(Shape::Error(reason.clone())),
            Err(fault) => Err(fault.to_string()),
        };
        let shape = shape.unwrap_or_else(|fault| Shape::Error(self.failed(fault)));
        self.recorded.case.shape = Some(shape);
    }

    /// What the service answered, and what `interpret` made of it.
    pub fn answered(&mut self, response: &wit::Response, outcome: &Result<wit::Verdict, Fault>) {
        let exchange = Exchange {
            request: self.asked.take(),
            response: response.into(),
        };
        let verdict = match outcome {
            Ok(verdict) => told::verdict(verdict),
            Err(fault) => Err(fault.to_string()),
        };
        let verdict = verdict.unwrap_or_else(|fault| Verdict::Failed(self.failed(fault)));
        if let Verdict::Call(request) = &verdict {
            self.asked = Some(request.clone());
        }
        self.recorded.case.verdict = Some(shortened(verdict, &exchange));
        self.recorded.case.exchanges.push(exchange);
    }

    fn failed(&mut self, fault: String) -> String {
        self.recorded.fault = Some(fault.clone());
        fault
    }

    /// The case.
    pub fn end(self) -> Recorded {
        self.recorded
    }
}

/// Without a result that is just the service's answer.
fn shortened(verdict: Verdict, last: &Exchange) -> Expected {
    let answer = &last.response.body;
    Expected::Verdict(match verdict {
        Verdict::Done(result) if result == *answer => return Expected::Word(Word::Done),
        Verdict::NeedsApproval(Reviewed { result, reason }) => {
            let result = result.filter(|result| result != answer);
            Verdict::NeedsApproval(Reviewed { result, reason })
        }
        verdict => verdict,
    })
}
