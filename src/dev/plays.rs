//! The plays strategy answers with: those of its playbooks, and those that each of its models is
//! said to suggest.

use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Play {
    /// A plan has a name of its own for what a model suggests.
    #[serde(skip)]
    pub(super) id: &'static str,
    pub(super) domain: &'static str,
    description: &'static str,
    rationale: &'static str,
    /// What a model suggests names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    prerequisites: Option<&'static [&'static str]>,
    risk_level: &'static str,
}

/// Most plays; the others say what differs.
const PLAY: Play = Play {
    id: "",
    domain: "",
    description: "",
    rationale: "",
    prerequisites: None,
    risk_level: "low",
};

/// In the order of the playbooks.
pub(super) static PLAYBOOK: [Play; 17] = [
    Play {
        id: "social-tiktok-cadence",
        domain: "social",
        description: "Post 2 TikToks/day using UGC templates (problem-solution, testimonial)",
        rationale: "A steady rhythm with proven templates is what the algorithm favors.",
        prerequisites: Some(&["TikTok account", "Content templates"]),
        ..PLAY
    },
    Play {
        id: "social-shorts-hook-test",
        domain: "social",
        description: "Test 3 hook variations on YouTube Shorts in same niche",
        rationale: "The opening decides who stays; testing finds the hook that holds.",
        prerequisites: Some(&["YouTube channel", "Base content"]),
        ..PLAY
    },
    Play {
        id: "social-trend-hijack",
        domain: "social",
        description: "Create 5 posts hijacking trending audio/format in your niche",
        rationale: "Many more people see a post while its trend peaks.",
        prerequisites: Some(&["Trend monitoring system"]),
        risk_level: "medium",
    },
    Play {
        id: "social-engagement-loop",
        domain: "social",
        description: "Reply to all comments within 1 hour for 7 days straight",
        rationale: "Early replies start conversations, and conversations carry reach.",
        prerequisites: Some(&[]),
        ..PLAY
    },
    Play {
        id: "social-cross-platform",
        domain: "social",
        description: "Repurpose top-performing TikTok to Shorts, Reels, and Twitter",
        rationale: "What worked on one platform often works on the next.",
        prerequisites: Some(&["At least 1 viral post"]),
        ..PLAY
    },
    Play {
        id: "ecomm-ugc-test",
        domain: "ecomm",
        description: "Launch 3 UGC ads testing 3 different hooks for a single product",
        rationale: "Testing hooks early finds the angle that sells.",
        prerequisites: Some(&["Product selected", "UGC templates ready"]),
        ..PLAY
    },
    Play {
        id: "ecomm-landing-page",
        domain: "ecomm",
        description: "Create a 1-page landing page with focused CTA and product benefits",
        rationale: "One simple page is enough while still testing.",
        prerequisites: Some(&["Product copy", "Product images"]),
        ..PLAY
    },
    Play {
        id: "ecomm-competitor-research",
        domain: "ecomm",
        description: "Research top 5 competitors' pricing, positioning, and offers",
        rationale: "Who knows the field makes fewer mistakes with prices.",
        prerequisites: Some(&[]),
        ..PLAY
    },
    Play {
        id: "ecomm-product-bundle",
        domain: "ecomm",
        description: "Create a bundle offer with 2-3 complementary products at 15% discount",
        rationale: "A bundle raises the order value and makes the choice easier.",
        prerequisites: Some(&["Multiple products in catalog"]),
        risk_level: "medium",
    },
    Play {
        id: "trading-backtesting",
        domain: "trading",
        description: "Backtest strategy on 3 years of historical data with strict entry/exit rules",
        rationale: "Old data shows the drawdown before any money is at risk.",
        prerequisites: Some(&["Trading strategy defined", "Historical data"]),
        ..PLAY
    },
    Play {
        id: "trading-paper-trade",
        domain: "trading",
        description: "Execute 30 paper trades following exact strategy rules",
        rationale: "Paper trades show whether the rules are kept.",
        prerequisites: Some(&["Backtested strategy"]),
        ..PLAY
    },
    Play {
        id: "trading-micro-position",
        domain: "trading",
        description: "Start with 1% of target position size for first 10 live trades",
        rationale: "Small positions survive a wrong idea.",
        prerequisites: Some(&["Paper trading complete"]),
        risk_level: "medium",
    },
    Play {
        id: "kingmaker-influence-map",
        domain: "kingmaker",
        description: "Map the top 20 influencers in target niche with engagement rates",
        rationale: "A map shows whom to work with.",
        prerequisites: Some(&[]),
        ..PLAY
    },
    Play {
        id: "kingmaker-strategic-collab",
        domain: "kingmaker",
        description: "Propose value-add collaboration to 3 mid-tier influencers",
        rationale: "The middle of the field answers more often than the top.",
        prerequisites: Some(&["Influence map complete"]),
        risk_level: "medium",
    },
    Play {
        id: "creative-concept-batch",
        domain: "creative",
        description: "Generate 10 video concepts in 30 minutes using templates",
        rationale: "Many ideas at once, and then the best of them.",
        prerequisites: Some(&["Video templates available"]),
        ..PLAY
    },
    Play {
        id: "creative-remix-winner",
        domain: "creative",
        description: "Create 3 remixes of your best-performing content",
        rationale: "What worked once is the safest source of the next idea.",
        prerequisites: Some(&["Analytics on past performance"]),
        ..PLAY
    },
    Play {
        id: "creative-ai-image-gen",
        domain: "creative",
        description: "Generate 20 product images with AI for A/B testing different styles",
        rationale: "Styles can be compared before a designer draws any.",
        prerequisites: Some(&["Product info", "AI image tools"]),
        ..PLAY
    },
];

/// What a model suggests for a plan whose first domain this is.
pub(super) static SUGGESTED: [Play; 7] = [
    Play {
        id: "social-viral-hooks",
        domain: "social",
        description: "Test 5 viral hook patterns in first 3 seconds of videos",
        rationale: "The opening decides who stays.",
        ..PLAY
    },
    Play {
        id: "social-post-schedule",
        domain: "social",
        description: "Post at 7am, 12pm, and 7pm daily to maximize engagement windows",
        rationale: "Posts start faster while people are online.",
        ..PLAY
    },
    Play {
        id: "ecomm-ad-testing",
        domain: "ecomm",
        description: "Launch 5 ad variations with different value propositions",
        rationale: "Several promises find the right one sooner than one polished ad.",
        risk_level: "medium",
        ..PLAY
    },
    Play {
        id: "ecomm-upsell",
        domain: "ecomm",
        description: "Add one-click upsell at checkout for complementary product",
        rationale: "Who has just bought buys more easily.",
        ..PLAY
    },
    Play {
        id: "trading-risk-management",
        domain: "trading",
        description: "Set max 2% risk per trade with hard stop-loss rules",
        rationale: "Many losses in a row have to be survived.",
        ..PLAY
    },
    Play {
        id: "kingmaker-network",
        domain: "kingmaker",
        description: "Reach out to 10 creators per day with personalized collaboration ideas",
        rationale: "A few of many answer.",
        ..PLAY
    },
    Play {
        id: "creative-template",
        domain: "creative",
        description: "Build 3 content templates that can be reused with variable product/topic",
        rationale: "Templates save most of the time, and keep the quality.",
        ..PLAY
    },
];

/// Who and which model: the real service names both, and asks neither.
pub(super) const MODELS: [(&str, &str); 4] = [
    ("openai", "gpt-4o"),
    ("anthropic", "claude-sonnet-4-20250514"),
    ("google", "gemini-2.0-flash-exp"),
    ("xai", "grok-2-latest"),
];
