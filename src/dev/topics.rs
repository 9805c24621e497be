//! The topics trends chooses from.

use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Topic {
    pub(super) platform: &'static str,
    pub(super) topic: &'static str,
    examples: [&'static str; 2],
    metric_summary: &'static str,
}

impl Topic {
    /// Everything in it that words of a niche can be found in.
    pub(super) fn text(&self) -> String {
        let [first, second] = self.examples;
        format!("{} {first} {second}", self.topic)
    }
}

pub(super) const TOPICS: [Topic; 12] = [
    Topic {
        platform: "tiktok",
        topic: "Problem and solution in fifteen seconds",
        examples: ["The thing nobody tells you", "UGC testimonial templates"],
        metric_summary: "Watched to the end twice as often as last month",
    },
    Topic {
        platform: "tiktok",
        topic: "Trending audio with a text overlay",
        examples: [
            "A song's drop as the punchline",
            "Lip sync to a customer review",
        ],
        metric_summary: "Posts with it grow by a third each week",
    },
    Topic {
        platform: "tiktok",
        topic: "A day with a pet",
        examples: ["Pet care routines", "Cats that refuse"],
        metric_summary: "Steady for a year",
    },
    Topic {
        platform: "youtube",
        topic: "Shorts that open with the result",
        examples: ["Hook variations, compared", "Before and after"],
        metric_summary: "Retention in the first 3 seconds is up by a fifth",
    },
    Topic {
        platform: "youtube",
        topic: "Long comparisons of products",
        examples: ["Five bottles, one winner", "A year with a cheap laptop"],
        metric_summary: "Searched for all year, most in November",
    },
    Topic {
        platform: "youtube",
        topic: "Beginner tutorials in one take",
        examples: ["Your first sourdough", "Fitness without equipment"],
        metric_summary: "Rising every January",
    },
    Topic {
        platform: "instagram",
        topic: "Carousels that teach one thing",
        examples: ["Ten slides of skincare", "A recipe a slide"],
        metric_summary: "Saved three times as often as single pictures",
    },
    Topic {
        platform: "instagram",
        topic: "Behind the scenes of a small shop",
        examples: ["Packing an order", "Launching a store on a weekend"],
        metric_summary: "Comments are up by half",
    },
    Topic {
        platform: "instagram",
        topic: "Reels made of travel moments",
        examples: ["A city in seven seconds", "Where to eat"],
        metric_summary: "Peaks before every holiday",
    },
    Topic {
        platform: "google",
        topic: "Reusable bottles",
        examples: ["smart bottle", "bottle that keeps cold"],
        metric_summary: "Searches doubled since spring",
    },
    Topic {
        platform: "google",
        topic: "Gifts for people who have everything",
        examples: ["personalised gift", "gift bundle"],
        metric_summary: "Rising until December",
    },
    Topic {
        platform: "google",
        topic: "How to start a content business",
        examples: ["content calendar", "grow a channel"],
        metric_summary: "A tenth more searches each quarter",
    },
];
