"""The hostile guest of ../src, in Python: misbehaves as the plan's goal tells it to, by the same
names, as far as the language has the means."""

import json

from abuse import abuse
from answer import verdict
from ask import request, usual, write
from reach import reach
from wit_world import exports
from wit_world.exports.step import Manifest, Method, Verdict_Done


def task(context, call):
    """What the goal tells this call to do: a name, and an argument."""
    goal = context.plan.goal
    if not goal.startswith(call + ":"):
        return None
    name, _, argument = goal[len(call) + 1 :].partition("=")
    return name, argument


class Step(exports.Step):
    def describe(self):
        return Manifest(
            kind="hostile",
            version="6.6.6",
            label="Misbehave",
            service="srl",
            method=Method.POST,
            endpoint="/srl/check",
            description="Does what it must not.",
            settings_schema="{}",
        )

    def shape(self, context):
        told = task(context, "shape")
        if told is None:
            return usual()
        asked = request(*told)
        if asked is not None:
            return asked
        abuse(told[0])
        return write("/srl/check", reach(told[0]))

    def interpret(self, context, request, response):
        told = task(context, "interpret")
        if told is None:
            return Verdict_Done(response.body)
        answered = verdict(*told)
        if answered is not None:
            return answered
        abuse(told[0])
        return Verdict_Done(json.dumps(reach(told[0])))
