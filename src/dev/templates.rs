//! The steps goals are taken apart into: by the words in the goal, or the general ones.

pub(super) struct Template {
    /// `{n}` stands for the number of pieces the goal asks for.
    pub(super) description: &'static str,
    pub(super) action: &'static str,
    pub(super) service: &'static str,
    pub(super) seconds: u32,
    /// Whether the time is for one piece.
    pub(super) each: bool,
    /// Whether the step has an effect outside, and so needs a person to agree.
    pub(super) acts: bool,
}

/// The steps of the first rule whose words all occur in the goal.
pub(super) fn matching(goal: &str) -> &'static [Template] {
    let goal = goal.to_lowercase();
    let rule = RULES
        .iter()
        .find(|(words, _)| words.iter().all(|word| goal.contains(word)));
    rule.map_or(&GENERAL, |(_, steps)| steps)
}

const RULES: [(&[&str], &[Template]); 3] = [
    (&["tiktok", "post"], &POSTING),
    (&["campaign"], &CAMPAIGN),
    (&["analyze"], &ANALYSIS),
];

/// A step that only looks.
const LOOK: Template = Template {
    description: "",
    action: "",
    service: "",
    seconds: 30,
    each: false,
    acts: false,
};

const ACT: Template = Template { acts: true, ..LOOK };

const POSTING: [Template; 5] = [
    Template {
        description: "Retrieve TikTok credentials from vault",
        action: "vault_retrieve_credentials",
        service: "codex-vault",
        seconds: 10,
        ..LOOK
    },
    Template {
        description: "Generate content strategy and themes",
        action: "generate_content_strategy",
        service: "codex-strategy",
        ..LOOK
    },
    Template {
        description: "Create {n} video concepts",
        action: "create_video_concepts",
        service: "codex-creative-suite",
        seconds: 60,
        ..LOOK
    },
    Template {
        description: "Post {n} videos to TikTok",
        action: "post_tiktok_videos",
        service: "codex-hands-v5",
        seconds: 20,
        each: true,
        ..ACT
    },
    Template {
        description: "Monitor engagement and track performance",
        action: "monitor_engagement",
        service: "codex-social",
        ..LOOK
    },
];

const CAMPAIGN: [Template; 4] = [
    Template {
        description: "Define campaign objectives and targets",
        action: "define_campaign",
        service: "codex-strategy",
        seconds: 60,
        ..LOOK
    },
    Template {
        description: "Create content for campaign",
        action: "create_campaign_content",
        service: "codex-creative-suite",
        seconds: 120,
        ..LOOK
    },
    Template {
        description: "Schedule distribution across platforms",
        action: "schedule_distribution",
        service: "codex-distribution-v2",
        seconds: 45,
        ..ACT
    },
    Template {
        description: "Set up tracking and monitoring",
        action: "setup_tracking",
        service: "codex-campaign",
        ..LOOK
    },
];

const ANALYSIS: [Template; 3] = [
    Template {
        description: "Gather relevant data and context",
        action: "gather_data",
        service: "codex-knowledge",
        seconds: 45,
        ..LOOK
    },
    Template {
        description: "Analyze data and generate insights",
        action: "analyze_data",
        service: "codex-strategy",
        seconds: 60,
        ..LOOK
    },
    Template {
        description: "Generate report and recommendations",
        action: "generate_report",
        service: "codex-strategy",
        ..LOOK
    },
];

const GENERAL: [Template; 4] = [
    Template {
        description: "Understand and validate goal",
        action: "validate_goal",
        service: "codex-strategy",
        ..LOOK
    },
    Template {
        description: "Research and gather context",
        action: "research_context",
        service: "codex-knowledge",
        seconds: 60,
        ..LOOK
    },
    Template {
        description: "Execute primary action",
        action: "execute_primary",
        service: "codex-ops",
        seconds: 60,
        ..ACT
    },
    Template {
        description: "Validate results and report",
        action: "validate_results",
        service: "codex-ops",
        ..LOOK
    },
];
