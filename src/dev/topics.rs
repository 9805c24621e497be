//! The topics trends answers with: some of their own for fitness, and one a platform for any
//! other niche, which only repeats it.

use serde::Serialize;

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Topic {
    pub(super) platform: &'static str,
    pub(super) topic: String,
    examples: [String; 3],
    metric_summary: &'static str,
    pub(super) confidence: f64,
}

/// `{niche}` stands for the niche, `{tag}` for the niche without spaces.
struct Template {
    platform: &'static str,
    topic: &'static str,
    examples: [&'static str; 3],
    metric_summary: &'static str,
    confidence: f64,
}

/// The topics of a niche, surest first. Those that are equally sure stay in the order of the
/// platforms.
pub(super) fn of(niche: &str) -> Vec<Topic> {
    let lower = niche.to_lowercase();
    let templates: &[Template] = if lower.contains("fitness") || lower.contains("workout") {
        &FITNESS
    } else {
        &GENERAL
    };
    let tag: String = niche.chars().filter(|c| !super::js::is_space(*c)).collect();
    let fill = |text: &str| text.replace("{tag}", &tag).replace("{niche}", niche);
    let topic = |template: &Template| Topic {
        platform: template.platform,
        topic: fill(template.topic),
        examples: template.examples.map(fill),
        metric_summary: template.metric_summary,
        confidence: template.confidence,
    };
    let mut topics: Vec<Topic> = templates.iter().map(topic).collect();
    topics.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    topics
}

const GENERAL: [Template; 4] = [
    Template {
        platform: "tiktok",
        topic: "#{tag}",
        examples: [
            "{niche} tips and tricks",
            "POV: you're new to {niche}",
            "{niche} transformation",
        ],
        metric_summary: "Some interest, and growing",
        confidence: 0.65,
    },
    Template {
        platform: "youtube",
        topic: "{niche} tutorial",
        examples: [
            "How to get started with {niche}",
            "{niche} for beginners",
            "Best {niche} tips",
        ],
        metric_summary: "Who explains is watched",
        confidence: 0.68,
    },
    Template {
        platform: "instagram",
        topic: "#{tag}community",
        examples: [
            "{niche} inspiration",
            "{niche} lifestyle",
            "{niche} aesthetic",
        ],
        metric_summary: "Followers of the niche talk to each other",
        confidence: 0.66,
    },
    Template {
        platform: "google",
        topic: "{niche} near me",
        examples: [
            "best {niche} services",
            "{niche} classes online",
            "how to start {niche}",
        ],
        metric_summary: "Searched for nearby and online",
        confidence: 0.7,
    },
];

const FITNESS: [Template; 9] = [
    Template {
        platform: "tiktok",
        topic: "#homeworkout",
        examples: [
            "Ten minutes without equipment",
            "The routine you keep",
            "Thirty days, before and after",
        ],
        metric_summary: "Nearly three times the views of last week",
        confidence: 0.85,
    },
    Template {
        platform: "tiktok",
        topic: "#fitnesstransformation",
        examples: [
            "A year without a gym",
            "Ninety days of keeping at it",
            "What to expect, honestly",
        ],
        metric_summary: "Steady, and often saved",
        confidence: 0.78,
    },
    Template {
        platform: "tiktok",
        topic: "Audio: 'Workout Mix 2024'",
        examples: [
            "Motivation with this audio",
            "The beat drops, the weight goes up",
            "A montage at home",
        ],
        metric_summary: "Used everywhere for two weeks",
        confidence: 0.72,
    },
    Template {
        platform: "youtube",
        topic: "10-minute workout routines",
        examples: [
            "The whole body in ten minutes",
            "A short morning routine",
            "Abs for beginners",
        ],
        metric_summary: "Watched to the end by most",
        confidence: 0.82,
    },
    Template {
        platform: "youtube",
        topic: "Home gym setup & reviews",
        examples: [
            "A cheap gym at home",
            "Resistance bands, compared",
            "A tour of a small gym",
        ],
        metric_summary: "Who watches it buys",
        confidence: 0.76,
    },
    Template {
        platform: "instagram",
        topic: "#fitspo",
        examples: [
            "What to wear today",
            "A split that works",
            "Progress in pictures",
        ],
        metric_summary: "Often saved; pictures do better than text",
        confidence: 0.74,
    },
    Template {
        platform: "instagram",
        topic: "Workout Reels with trending audio",
        examples: [
            "A routine in fifteen seconds",
            "How to do it right",
            "Motivation in clips",
        ],
        metric_summary: "Short is what wins",
        confidence: 0.79,
    },
    Template {
        platform: "google",
        topic: "home workout equipment",
        examples: ["resistance bands", "adjustable dumbbells", "small home gym"],
        metric_summary: "Searched for by people who buy",
        confidence: 0.88,
    },
    Template {
        platform: "google",
        topic: "no equipment workout",
        examples: [
            "bodyweight exercises",
            "calisthenics for beginners",
            "workout without gym",
        ],
        metric_summary: "Rising fast for three months",
        confidence: 0.91,
    },
];
