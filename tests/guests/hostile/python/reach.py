"""Looks for what it was never given: the machine, and what an earlier call left behind."""

import builtins
import json
import os
import random
import sys
import time

# Survives only if an instance does.
calls = 0


def reach(name):
    """What was found, as JSON."""
    look = LOOKS.get(name)
    return {"survived": name} if look is None else look()


def stained():
    global calls
    earlier = calls
    calls += 1
    return {"earlierCalls": earlier, "stains": stain(), "left": stain()}


def stain():
    """Leaves a mark wherever a mark can be left, and counts those that are there already."""
    places = [builtins, sys, json, os, random]
    found = sum(hasattr(place, "stain") for place in places)
    for place in places:
        place.stain = "here"
    return found


def machine():
    return {"env": dict(os.environ), "args": sys.argv, "cwd": os.getcwd()}


def written():
    with open("/tmp/codex-mesh-hostile", "w") as file:
        return file.write("x")


def connected():
    import socket

    socket.create_connection(("localhost", 5540))
    return True


LOOKS = {
    "stain": stained,
    "machine": machine,
    "clock": lambda: {"now": time.time()},
    "numbers": lambda: {"numbers": [random.random() for _ in range(4)]},
    "random-bytes": lambda: {"bytes": list(os.urandom(4))},
    "read-file": lambda: {"read": open("/etc/passwd").read()},
    "read-folder": lambda: {"listed": os.listdir("/")},
    "write-file": lambda: {"written": written()},
    "read-stdin": lambda: {"read": sys.stdin.read()},
    "fetch": lambda: {"connected": connected()},
}
