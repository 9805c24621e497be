"""Requests that must not be sent."""

import json

from componentize_py_types import Err
from wit_world.exports.step import (
    Header,
    HeaderValue_Secret,
    HeaderValue_Text,
    Method,
    Request,
)

# More than any output, and less than any memory.
HUGE = 3 << 20


def write(path, body):
    """This, posted."""
    return Request(Method.POST, path, [], json.dumps(body))


def read(path):
    """A GET of this."""
    return Request(Method.GET, path, [], None)


def usual():
    """What a well-behaved plugin would send."""
    return write("/srl/check", {"usual": True})


def request(name, argument):
    """The request of this name, if it is one of these; raises the reason why there is none."""
    asked = usual()
    if name == "path":
        return read(argument)
    elif name == "post":
        return write(argument, {"written": True})
    elif name == "delete":
        asked.method = Method.DELETE
    elif name == "body":
        asked.body = argument
    elif name == "write-body":
        asked.path = "/srl/write"
        asked.body = argument
    elif name == "body-deep":
        asked.body = deep()
    elif name == "body-long":
        asked.body = text(200_000)
    elif name == "body-huge":
        asked.body = text(HUGE)
    elif name == "header":
        header, _, value = argument.partition(": ")
        asked.headers = [Header(header, HeaderValue_Text(value))]
    elif name == "secret":
        asked.headers = [Header("authorization", HeaderValue_Secret(argument))]
    elif name == "headers":
        asked.headers = [Header(f"x-{n}", HeaderValue_Text("")) for n in range(int(argument))]
    elif name == "refuse":
        raise Err("no " * 300_000 + "\x1b")
    else:
        return None
    return asked


def deep():
    """JSON that a recursive reader can't read."""
    return "[" * 100_000 + "]" * 100_000


def text(length):
    """A JSON text of this length."""
    return '"' + "x" * (length - 2) + '"'
