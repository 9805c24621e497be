//! The steps goals are taken apart into: by the words in the goal, or the general ones.

use super::guard::has_any;

pub(super) struct Template {
    /// `{n}` stands for the number of pieces the goal asks for.
    pub(super) description: &'static str,
    pub(super) action: &'static str,
    /// The service that does it; none where the goal tells (`service`).
    pub(super) service: Option<&'static str>,
    pub(super) seconds: f64,
    /// Whether the time is for one piece.
    pub(super) each: bool,
    /// Whether the step has an effect outside, and so needs a person to agree.
    pub(super) acts: bool,
}

/// The steps of the first rule that fits the goal.
pub(super) fn matching(goal: &str) -> &'static [Template] {
    let goal = goal.to_lowercase();
    if goal.contains("post") && goal.contains("tiktok") {
        &POSTING
    } else if has_any(&goal, &["analyze", "report"]) {
        &ANALYSIS
    } else if has_any(&goal, &["campaign", "schedule"]) {
        &CAMPAIGN
    } else {
        &GENERAL
    }
}

/// The service that a goal without a rule of its own is for.
pub(super) fn service(goal: &str) -> &'static str {
    const SERVICES: [(&[&str], &str); 6] = [
        (&["post", "social"], "codex-hands-v5"),
        (&["analyze", "strategy"], "codex-strategy"),
        (&["image", "visual"], "codex-vision-2.6"),
        (&["shop", "product"], "codex-ecom"),
        (&["campaign"], "codex-campaign"),
        (&["distribute"], "codex-distribution-v2"),
    ];
    let goal = goal.to_lowercase();
    let found = SERVICES.iter().find(|(words, _)| has_any(&goal, words));
    found.map_or("codex-ops", |(_, service)| service)
}

/// A step that only looks.
const LOOK: Template = Template {
    description: "",
    action: "",
    service: None,
    seconds: 30.0,
    each: false,
    acts: false,
};

const ACT: Template = Template { acts: true, ..LOOK };

const POSTING: [Template; 5] = [
    Template {
        description: "Retrieve TikTok credentials from vault",
        action: "vault_retrieve_credentials",
        service: Some("codex-vault"),
        seconds: 10.0,
        ..LOOK
    },
    Template {
        description: "Generate content strategy and themes",
        action: "generate_content_strategy",
        service: Some("codex-strategy"),
        ..LOOK
    },
    Template {
        description: "Create {n} video concepts",
        action: "create_video_concepts",
        service: Some("codex-creative-suite"),
        seconds: 60.0,
        ..LOOK
    },
    Template {
        description: "Post {n} videos to TikTok",
        action: "post_tiktok_videos",
        service: Some("codex-hands-v5"),
        seconds: 20.0,
        each: true,
        ..ACT
    },
    Template {
        description: "Monitor engagement and track performance",
        action: "monitor_engagement",
        service: Some("codex-social"),
        ..LOOK
    },
];

const CAMPAIGN: [Template; 4] = [
    Template {
        description: "Define campaign objectives and targets",
        action: "define_campaign",
        service: Some("codex-strategy"),
        seconds: 60.0,
        ..LOOK
    },
    Template {
        description: "Create content for campaign",
        action: "create_campaign_content",
        service: Some("codex-creative-suite"),
        seconds: 120.0,
        ..LOOK
    },
    Template {
        description: "Schedule distribution across platforms",
        action: "schedule_distribution",
        service: Some("codex-distribution-v2"),
        seconds: 45.0,
        ..ACT
    },
    Template {
        description: "Set up tracking and monitoring",
        action: "setup_tracking",
        service: Some("codex-campaign"),
        ..LOOK
    },
];

const ANALYSIS: [Template; 3] = [
    Template {
        description: "Gather relevant data and context",
        action: "gather_data",
        service: Some("codex-knowledge"),
        seconds: 45.0,
        ..LOOK
    },
    Template {
        description: "Analyze data and generate insights",
        action: "analyze_data",
        service: Some("codex-strategy"),
        seconds: 60.0,
        ..LOOK
    },
    Template {
        description: "Generate report and recommendations",
        action: "generate_report",
        service: Some("codex-strategy"),
        ..LOOK
    },
];

const GENERAL: [Template; 4] = [
    Template {
        description: "Understand and validate goal",
        action: "validate_goal",
        service: Some("codex-strategy"),
        ..LOOK
    },
    Template {
        description: "Research and gather context",
        action: "research_context",
        service: Some("codex-knowledge"),
        seconds: 60.0,
        ..LOOK
    },
    Template {
        description: "Execute primary action",
        action: "execute_primary",
        seconds: 60.0,
        ..ACT
    },
    Template {
        description: "Validate results and report",
        action: "validate_results",
        service: Some("codex-ops"),
        ..LOOK
    },
];
