"""The step kind `trends-python`: asks the trends service what is trending for the plan's goal; once
more on every platform where there is nothing on one; and has a person look at an answer that the
service is not sure of.

The contract is wit/mesh.wit; names are written in snake_case here."""

import json

from componentize_py_types import Err
from mesh import Fault, answer, choice_setting, failed, number_setting
from wit_world import exports
from wit_world.exports.step import (
    Manifest,
    Method,
    Request,
    Reviewed,
    Verdict_Blocked,
    Verdict_Call,
    Verdict_Done,
    Verdict_NeedsApproval,
)

SERVICE = "trends"
ENDPOINT = "/trends/query"

# How much of a goal is looked for, in characters: it is a phrase to search by.
LONGEST_NICHE = 300

PLATFORM = {
    "description": "Where to look first.",
    "enum": ["tiktok", "youtube", "instagram", "google", "all"],
    "default": "all",
}

LEAST_CONFIDENCE = {
    "description": "The confidence in percent below which a person has to look at the answer.",
    "type": "integer",
    "minimum": 0,
    "maximum": 100,
    "default": 50,
}


class Step(exports.Step):
    def describe(self):
        schema = {
            "type": "object",
            "additionalProperties": False,
            "properties": {"platform": PLATFORM, "leastConfidence": LEAST_CONFIDENCE},
        }
        return Manifest(
            kind="trends-python",
            version="0.1.0",
            label="Find trends (Python)",
            service=SERVICE,
            method=Method.POST,
            endpoint=ENDPOINT,
            description="Asks the trends service what is trending for the plan's goal.",
            settings_schema=json.dumps(schema),
        )

    def shape(self, context):
        """An Err that is raised says why there is no request."""
        # Wrong settings are told now, and not when there is an answer.
        confidence(context)
        niche = " ".join(context.plan.goal.split())
        if not niche:
            raise Err("the goal is blank, so there is nothing to look for")
        return question(
            {
                "sessionId": context.plan.session_id,
                "platform": choice_setting(
                    context, "platform", PLATFORM["enum"], PLATFORM["default"]
                ),
                "niche": niche[:LONGEST_NICHE],
            }
        )

    def interpret(self, context, request, response):
        try:
            return verdict(context, json.loads(request.body), response)
        except Fault as fault:
            return fault.verdict


def question(body):
    return Request(method=Method.POST, path=ENDPOINT, headers=[], body=json.dumps(body))


def verdict(context, asked, response):
    items = answer(SERVICE, response).get("items")
    if not isinstance(items, list):
        raise failed(f"{SERVICE} answered {response.status} without items")
    if not items:
        if asked["platform"] == "all":
            return Verdict_Blocked("nothing trends for this goal")
        return Verdict_Call(question({**asked, "platform": "all"}))
    sure = max(percent(item) for item in items)
    least = confidence(context)
    if sure < least:
        reason = f"the service is {sure} % sure of its trends, and {least} % are asked for"
        return Verdict_NeedsApproval(Reviewed(response.body, reason))
    return Verdict_Done(response.body)


def percent(item):
    told = item.get("confidence") if isinstance(item, dict) else None
    return round(min(told, 1) * 100) if isinstance(told, (int, float)) else 0


def confidence(context):
    least, most = LEAST_CONFIDENCE["minimum"], LEAST_CONFIDENCE["maximum"]
    return number_setting(context, "leastConfidence", least, most, LEAST_CONFIDENCE["default"])
