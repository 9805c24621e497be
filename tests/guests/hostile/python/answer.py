"""Verdicts that must not be believed."""

from ask import HUGE, deep, read, request, text, write
from wit_world.exports.step import (
    RetryLater,
    Reviewed,
    Verdict_Blocked,
    Verdict_Call,
    Verdict_Done,
    Verdict_Failed,
    Verdict_NeedsApproval,
    Verdict_Retry,
)


def verdict(name, argument):
    """The verdict of this name, if it is one of these."""
    if name == "call":
        return Verdict_Call(write(argument, {"again": True}))
    if name == "call-get":
        return Verdict_Call(read(argument))
    if name == "result":
        return Verdict_Done(argument)
    if name == "result-deep":
        return Verdict_Done(deep())
    if name == "result-huge":
        return Verdict_Done(text(HUGE))
    if name == "result-100mb":
        return Verdict_Done(text(100 << 20))
    if name == "blocked":
        return Verdict_Blocked(woe())
    if name == "failed":
        return Verdict_Failed(woe())
    if name == "retry":
        return Verdict_Retry(RetryLater(woe(), 2**64 - 1))
    if name == "approval":
        return Verdict_NeedsApproval(Reviewed("{}", woe()))
    if name == "silent":
        return Verdict_Failed("")
    if name == "ask":
        # Its request is judged like a shaped one.
        name, _, argument = argument.partition("=")
        return Verdict_Call(request(name, argument))
    return None


def woe():
    return "woe\x1b[31m " + "is me " * 100_000
