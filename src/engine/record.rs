//! The last steps of the kinds that are recorded, each as a case for the plugin's author. They are
//! kept in memory alone, so they end with the host, and within bounds: the oldest are let go of.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::kept::Keeper;
use crate::cases::{CASE_BYTES, Recorded, Recorder};
use crate::config::PluginConfig;
use crate::plan::{Plan, Step, Timestamp};
use crate::sandbox::Clock;
use crate::sandbox::bindings::Context;
use crate::store::now;

/// All cases that are kept, in bytes.
const BYTES: usize = 32 << 20;

/// An attempt of a step, recorded.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recording {
    #[serde(skip)]
    kind: String,
    /// The plan.
    pub plan_id: String,
    /// The step.
    pub step_id: String,
    /// Which try of it.
    pub attempt: u32,
    /// The digest of the component that ran it.
    pub sha256: String,
    /// When it ended.
    pub at: Timestamp,
    /// How the plugin failed, if it did: then the case's last expectation is to be corrected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The case.
    pub case: Box<RawValue>,
}

/// What is recorded.
pub struct Recordings {
    /// How many of which kind are kept; of others none are.
    most: BTreeMap<String, usize>,
    /// Newest first.
    kept: Mutex<VecDeque<Arc<Recording>>>,
}

impl Recordings {
    pub(super) fn new(plugins: &BTreeMap<String, PluginConfig>) -> Self {
        let recorded = plugins.iter().filter(|(_, plugin)| plugin.record > 0);
        Self {
            most: recorded
                .map(|(kind, plugin)| (kind.clone(), plugin.record))
                .collect(),
            kept: Mutex::default(),
        }
    }

    /// Whether steps of this kind are recorded.
    pub fn are_on(&self, kind: &str) -> bool {
        self.most.contains_key(kind)
    }

    /// Those of a kind, newest first.
    pub fn of(&self, kind: &str) -> Vec<Arc<Recording>> {
        let kept = self.kept();
        let of_kind = kept.iter().filter(|recording| recording.kind == kind);
        of_kind.cloned().collect()
    }

    /// What takes a step down that is told this and begins now, if its kind is recorded.
    pub(super) fn begin(&self, kind: &str, context: &Context, clock: Clock) -> Option<Recorder> {
        self.are_on(kind)
            .then(|| Recorder::new(context, clock.read()))
    }

    /// Keeps what was taken down of a step that has ended, without the values of secrets.
    pub(super) fn keep(
        &self,
        plan: &Plan,
        step: &Step,
        sha256: &str,
        recorded: Recorded,
        keeper: &Keeper<'_>,
    ) {
        let case = to_raw_value(&recorded.case);
        let case = case.and_then(|case| RawValue::from_string(keeper.text(case.get().to_owned())));
        let case = match case {
            Ok(case) if u64::try_from(case.get().len()).is_ok_and(|size| size <= CASE_BYTES) => {
                case
            }
            Ok(_) => {
                let (plan, step) = (&plan.id, &step.id);
                return tracing::warn!(
                    "{step} of plan {plan} is not recorded: a case has up to {CASE_BYTES} bytes"
                );
            }
            Err(error) => return tracing::error!("a step can't be recorded: {error}"),
        };
        let mut kept = self.kept();
        kept.push_front(Arc::new(Recording {
            kind: step.kind.clone(),
            plan_id: plan.id.clone(),
            step_id: step.id.clone(),
            attempt: step.attempt,
            sha256: sha256.to_owned(),
            at: now(),
            fault: recorded.fault.map(|fault| keeper.text(fault)),
            case,
        }));
        self.let_go(&mut kept);
    }

    /// Lets go of what is too old to be kept.
    fn let_go(&self, kept: &mut VecDeque<Arc<Recording>>) {
        let (mut counts, mut bytes) = (BTreeMap::<String, usize>::new(), 0_usize);
        kept.retain(|recording| {
            let count = counts.entry(recording.kind.clone()).or_default();
            let with_it = bytes.saturating_add(recording.case.get().len());
            let most = self.most.get(&recording.kind).copied().unwrap_or(0);
            let stays = *count < most && with_it <= BYTES;
            if stays {
                *count = count.saturating_add(1);
                bytes = with_it;
            }
            stays
        });
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Arc<Recording>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
