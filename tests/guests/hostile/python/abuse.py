"""Uses up what there is, or does not come back."""

import os
import re
import sys
import time

from wit_world.imports import log


def abuse(name):
    """Does what the name says; nothing if it is none of these."""
    act = ACTS.get(name)
    if act is not None:
        act()


def loop():
    while True:
        pass


def hoard(more):
    held = []
    while True:
        held.append(more())


def recurse(depth=1):
    return recurse(depth + 1) + 1


def recurse_large():
    """Past what the interpreter counts, by calls that go through its own stack."""
    sys.setrecursionlimit(2**31 - 1)
    nested = []
    for _ in range(100_000):
        nested = [nested]
    return repr(nested)


def panic(words):
    raise RuntimeError(words)


def flood(say):
    """Far more than any log takes, and little enough to come back in time."""
    for n in range(2_000):
        say(n)


ACTS = {
    "loop": loop,
    "memory": lambda: hoard(lambda: bytearray(b"\1") * (64 << 10)),
    "recurse": recurse,
    "recurse-large": recurse_large,
    "panic": lambda: panic("the guest has had enough"),
    "panic-long": lambda: panic("woe " * (1 << 16)),
    "abort": os.abort,
    "exit": lambda: sys.exit(3),
    "exit-now": lambda: os._exit(3),
    "sleep": lambda: time.sleep(3_600),
    "pattern": lambda: re.match("^(a+)+$", "a" * 64 + "!"),
    "number": lambda: 7 ** (7**9),
    "random": lambda: os.urandom(1 << 40),
    "log-flood": lambda: flood(lambda n: log.write(log.Level.INFO, f"remark {n}")),
    "log-empty": lambda: flood(lambda n: log.write(log.Level.INFO, "")),
    "log-large": lambda: log.write(log.Level.INFO, "x" * (1 << 20)),
    "log-forged": lambda: log.write(log.Level.ERROR, "a\x1b[31m\0\nERROR forged"),
    "stdout-flood": lambda: flood(lambda n: print(f"line {n}")),
    "stderr-flood": lambda: flood(lambda n: print(f"line {n}", file=sys.stderr)),
}
