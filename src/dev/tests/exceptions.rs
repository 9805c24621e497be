//! The recorded calls that the local editions don't answer as the real services did, and why.

/// How a recording is not followed in full.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Except {
    /// Replayed, and only the status, the fields and their types are compared.
    Shape,
    /// Not replayed.
    All,
}
use Except::{All, Shape};

const AUDIT: &str = "srl warned because its self-audit was down, and the local edition has none";
const OWN_GOAL_CHECK: &str = "the local srl stands in for its self-audit and refuses the goal";
const STUBBED: &str = "an answer or a load of a service that srl or hardening depends on";
const ABSENT: &str = "services outside the mesh were down";
const FASTIFY: &str = "brain runs another version of Fastify, whose parser answers with a code";

/// File, names of calls, what is left out, and why.
pub(super) const EXCEPTIONS: [(&str, &[&str], Except, &str); 15] = [
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
            "repeated_plannedActions_nonadjacent",
            "plannedActions_missing",
            "missing_sessionId",
            "unknown_domain",
        ],
        Shape,
        AUDIT,
    ),
    ("srl-check.json", &["dangerous_goal"], Shape, OWN_GOAL_CHECK),
    (
        "srl-check-dependencies-stubbed.json",
        &["dangerous_goal_audit_silent"],
        Shape,
        OWN_GOAL_CHECK,
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
    ("brain-memory.json", &["non_json_body"], All, FASTIFY),
    (
        "brain-memory.json",
        &["search_after_missing_content_record"],
        All,
        "a record without content spoils searches of the real service",
    ),
    (
        "brain-memory.json",
        &["search_good_domain_system"],
        Shape,
        "finds what the real srl wrote to brain",
    ),
    (
        "brain-memory.json",
        &["event_bad_shape_as_strategy_sends"],
        All,
        "a route of brain that the mesh has no use for",
    ),
    (
        "workflow.json",
        &["continue_1", "continue_2"],
        All,
        "the orchestrator was down; the local edition needs none",
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
        "the orchestrator was down; the stubbed recordings have it up",
    ),
    (
        "sim-run-orchestrator-stubbed.json",
        &["orchestrator_404"],
        All,
        "a fault of the orchestrator, which the local edition has no use for",
    ),
];
