//! The recorded calls that the local editions don't answer as the real services did, and why.

/// How a recording is not followed in full.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Except {
    /// Replayed, and only the status, the fields and their types are compared.
    Shape,
    /// Compared without this field of our plan.
    Without(&'static str),
    /// Not replayed.
    All,
}
use Except::{All, Shape, Without};

const AUDIT: &str = "srl warned because its self-audit was down, and the local edition has none";
const STUBBED: &str = "an answer or a load of a service that srl or hardening depends on";
const ABSENT: &str = "services outside the mesh were down";
const ORCHESTRATOR: &str = "the orchestrator was down; the other recordings have it up";
const TRENDS: &str = "trends was down; the other recordings have it up";
const SRL_WROTE: &str = "tells what the real srl wrote to brain";

/// File, names of calls, what is left out, and why.
pub(super) const EXCEPTIONS: [(&str, &[&str], Except, &str); 14] = [
    (
        "autonomy-evaluate.json",
        &["domain_prototype_key"],
        All,
        "JavaScript finds a function under a domain that is named like a member of Object",
    ),
    (
        "srl-check.json",
        &[
            "good_as_mesh_sends",
            "repeated_plannedActions_3",
            "repeated_plannedActions_4",
            "repeated_plannedActions_nonadjacent",
            "plannedActions_missing",
            "dangerous_goal",
            "empty_goal",
            "short_goal_7_chars",
            "missing_contentSummary",
            "missing_sessionId",
            "unknown_domain",
            "missing_fields_empty_object",
            "json_array_body",
            "text_plain_body",
        ],
        Shape,
        AUDIT,
    ),
    (
        "srl-check-dependencies-stubbed.json",
        &[
            "self_audit_CRITICAL_block",
            "self_audit_CRITICAL_plus_loop",
            "self_audit_not_json",
            "cpu_95_resource_stress",
            "self_audit_hangs",
        ],
        All,
        STUBBED,
    ),
    (
        "hardening-check.json",
        &[
            "good_as_mesh_sends",
            "with_plannedActions",
            "repeated_plannedActions_3",
            "repeated_plannedActions_4",
            "servicesInvolved_empty",
            "dangerous_goal",
            "empty_goal",
            "unknown_domain",
            "missing_fields_empty_object",
            "json_array_body",
            "text_plain_body",
        ],
        Shape,
        ABSENT,
    ),
    (
        "hardening-check-dependencies-stubbed.json",
        &[
            "crossval_3200ms",
            "two_services_3200ms_each",
            "selfAudit_503",
            "telemetry_503",
            "optimizer_hangs",
            "brain_down",
        ],
        All,
        STUBBED,
    ),
    (
        "health-all-services.json",
        &["mesh_/health"],
        All,
        "the mesh is not one of its own services",
    ),
    (
        "health-all-services.json",
        &["ops_/ops/health"],
        Shape,
        ABSENT,
    ),
    ("ops.json", &["health", "status"], Shape, ABSENT),
    (
        "brain-memory.json",
        &["search_good_domain_system", "all", "all_limit_ignored"],
        Shape,
        SRL_WROTE,
    ),
    (
        "workflow.json",
        &["continue_1", "continue_2"],
        All,
        ORCHESTRATOR,
    ),
    (
        "workflow.json",
        &[
            "get_by_id",
            "start_after_continue_fail",
            "approve_bad_step",
            "list",
        ],
        Shape,
        ORCHESTRATOR,
    ),
    (
        "strategy-plan.json",
        &[
            "good",
            "good_two_domains",
            "unknown_domain",
            "empty_domain_array",
            "dangerous_goal",
        ],
        Without("trendContext"),
        TRENDS,
    ),
    (
        "sim-run.json",
        &[
            "good_content_only",
            "good_launch",
            "good_store_only",
            "missing_niche",
        ],
        Shape,
        ORCHESTRATOR,
    ),
    (
        "sim-run-orchestrator-stubbed.json",
        &["orchestrator_404"],
        All,
        "a fault of the orchestrator, which the local edition has no use for",
    ),
];
