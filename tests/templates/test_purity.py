"""A render is a pure function: no clock, no randomness, no environment, no file and no import.

Clock and randomness are replaced by what raises, and an audit hook refuses every event that Python reports; a hook
cannot be taken off again, so each run has a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys

CHILD = """
import datetime, os, random, sys, time, uuid
from templates.catalogue import stock
from templates.context import build_context
from templates.render import Renderer
from events.errors import RenderFailed
from tests.templates.letters import ITEMS

renderer = Renderer({**stock(), "bad/sms.txt": "{{ traits.nothing }}"})
# Used once before the hook stands, since Python loads some of its own modules when they are first used.
"{:,f}".format(1)

def refuse(*_, **__):
    raise AssertionError("not pure")

for module, names in (
    (time, ["time", "time_ns", "monotonic", "perf_counter", "localtime", "gmtime", "sleep"]),
    (random, ["random", "choice", "shuffle", "randint", "getrandbits"]),
    (os, ["urandom", "getenv", "getcwd", "listdir", "stat"]),
    (uuid, ["uuid1", "uuid4"]),
):
    for name in names:
        setattr(module, name, refuse)
os.environ = None
seen, watching = [], False
own_frames = "object.__getattr__"  # a failure looks up its template's line in its own traceback
sys.addaudithook(lambda event, args: seen.append(event) if watching and event != own_frames else None)
watching = True
outputs = []
for event, offer, traits in (
    ({"items": ITEMS, "currency": "EUR"}, {"code": "A", "percent": 10, "expires_on": "2026-03-31"}, {"a": {3, 1, 2}}),
    (None, None, {}),
):
    context = build_context(
        profile={"first_name": "Ann"}, traits=traits, event=event, offer=offer,
        links={"unsubscribe": "https://shop.example/stop"}, sender={"name": "Petshop"},
    )
    for name in ("thanks", "feedback_request", "discount", "thanks_feedback_discount"):
        for channel in ("email", "sms"):
            for language in (None, "ru", "xx"):
                outputs.append(sorted(renderer.render(name, channel, language, context).items()))
    try:
        renderer.render("bad", "sms", None, context)
    except RenderFailed as failure:
        outputs.append(str(failure))
watching = False
assert seen == [], seen
watching = True
open(os.devnull).close()
watching = False
assert seen, "the hook sees nothing"
print(outputs)
"""


def rendered(**environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_render_touches_nothing_and_is_the_same_in_every_process() -> None:
    first = rendered(PYTHONHASHSEED="1", TZ="UTC", LC_ALL="C")
    assert "Petshop" in first
    assert rendered(PYTHONHASHSEED="2", TZ="Asia/Tokyo", LC_ALL="C.UTF-8") == first
