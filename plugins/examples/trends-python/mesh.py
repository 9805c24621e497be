"""What a plugin does with every answer and every setting: one that is no answer (an error status,
an empty body, no JSON, `ok: false`) becomes a fault that says which it was."""

import json

from componentize_py_types import Err
from wit_world.exports.step import RetryLater, Verdict_Failed, Verdict_Retry

LONGEST = 1_000


class Fault(Exception):
    """Why an answer can't be used: a verdict."""

    def __init__(self, verdict):
        super().__init__(str(verdict))
        self.verdict = verdict


def failed(reason):
    return Fault(Verdict_Failed(reason))


def answer(service, response):
    """The body as a dict, if `service` really answered; raises a Fault otherwise."""
    told = f"{service} answered {response.status}"
    body = parsed(response.body)
    if not 200 <= response.status < 300:
        raise refused(service, response, body)
    if not response.body.strip():
        raise failed(f"{told} with an empty body instead of JSON")
    if body is NOT_JSON:
        raise failed(f"{told} with something that is not JSON")
    if not isinstance(body, dict):
        raise failed(f"{told} with JSON that is not an object")
    if body.get("ok", True) is not True:
        raise failed(f"{told} with ok: {quote(json.dumps(body['ok']))}{detail(body)}")
    return body


def refused(service, response, body):
    later = {429: "too many requests", 503: "it is unavailable for now"}.get(response.status)
    if later is None:
        return failed(f"{service} answered {response.status}{detail(body)}")
    reason = f"{service} answered {response.status}: {later}{detail(body)}"
    return Fault(Verdict_Retry(RetryLater(reason, retry_after_ms(response))))


def retry_after_ms(response):
    """Retry-After in its form of seconds, as milliseconds."""
    seconds = dict(response.headers).get("retry-after", "").strip()
    fits = seconds.isascii() and seconds.isdigit() and len(seconds) < 10
    return int(seconds) * 1_000 if fits else None


def detail(body):
    """What a body says went wrong, after a colon."""
    fields = body if isinstance(body, dict) else {}
    for text in (fields.get("message"), fields.get("error")):
        if isinstance(text, str) and text.strip():
            return f": {quote(text.strip())}"
    return ""


def quote(text):
    """Somebody else's words, cut to a length that fits in a message."""
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


NOT_JSON = object()


def parsed(text):
    try:
        return json.loads(text, parse_constant=not_json)
    except (ValueError, RecursionError):
        return NOT_JSON


def not_json(constant):
    """Python takes NaN and Infinity for JSON, and nobody else does."""
    raise ValueError(constant)


def number_setting(context, name, least, most, usual):
    """The whole number given for a setting, or `usual`; raises what would be right."""
    wanted = f"a whole number from {least} to {most}"
    return setting(context, name, wanted, usual, lambda v: type(v) is int and least <= v <= most)


def choice_setting(context, name, choices, usual):
    """The one of `choices` given for a setting, or `usual`; raises what would be right."""
    return setting(context, name, f"one of {', '.join(choices)}", usual, lambda v: v in choices)


def setting(context, name, wanted, usual, fits):
    settings = json.loads(context.step.settings)
    if name not in settings:
        return usual
    value = settings[name]
    if not fits(value):
        raise Err(f"the setting {name} must be {wanted}, not {quote(json.dumps(value))}")
    return value
