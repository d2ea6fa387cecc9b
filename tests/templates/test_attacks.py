"""No template reaches anything, and none uses more than its share of time and memory.

Each attack runs in a process of its own with little memory and an alarm, so that an attack that gets through is a
failed test and not a machine that stands still.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping

import pytest

from tests.templates.attacks import BOMBS, ESCAPES

MEMORY_BYTES = 300 * 1024 * 1024
ALARM_S = 120  # generous: the slowest takes about a second

# One process runs all attacks of a kind, and an alarm for each: starting Python 180 times would take minutes.
CHILD = f"""
import json, signal, sys
from events.errors import RenderFailed, RulebookInvalid
from templates.context import build_context
from templates.render import Renderer

event = {{"items": [{{"name": "post"}}, {{"name": "house"}}]}}
context = build_context(
    profile={{"first_name": "Ann"}}, traits={{"orders": 2}}, event=event, offer=None, links={{}}, sender={{}}
)
for line in sys.stdin:
    name, part, source = json.loads(line)
    signal.alarm({ALARM_S})
    try:
        renderer = Renderer({{"a/" + part: source, "a/email.subject": "x"}})
        answer = ["rendered", repr(renderer.render("a", part.partition(".")[0], None, context))[:200]]
    except (RenderFailed, RulebookInvalid) as error:
        answer = ["refused", str(error)]
    except BaseException as error:
        answer = ["raised", repr(error)[:200]]
    signal.alarm(0)
    print(json.dumps([name, *answer]), flush=True)
"""


def run(part: str, attacks: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """What became of each attack: refused, rendered or raised, and the words."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))

    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        input="".join(json.dumps([name, part, source]) + "\n" for name, source in attacks.items()),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    assert done.returncode == 0, (signal.Signals(-done.returncode).name if done.returncode < 0 else "", done.stderr)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return {name: (kind, text) for name, kind, text in answers}


@pytest.mark.parametrize("part", ["sms.txt", "email.html"])
@pytest.mark.parametrize("attacks", [ESCAPES, BOMBS], ids=["escapes", "bombs"])
def test_every_attack_is_refused_for_what_it_is(attacks: Mapping[str, Mapping[str, str]], part: str) -> None:
    words = {name: words for words, kind in attacks.items() for name in kind}
    answers = run(part, {name: source for kind in attacks.values() for name, source in kind.items()})
    assert list(answers) == list(words)
    through = {name: answer for name, answer in answers.items() if answer[0] != "refused"}
    assert through == {}
    assert {name: text for name, (_, text) in answers.items() if words[name] not in text} == {}
    assert {name: text for name, (_, text) in answers.items() if " at 0x" in text or "<class" in text} == {}


def test_the_attacks_are_many() -> None:
    assert sum(map(len, ESCAPES.values())) >= 60
    assert sum(map(len, BOMBS.values())) >= 60


def test_what_is_harmless_renders_in_the_same_child() -> None:
    assert run("sms.txt", {"harmless": "{{ customer.first_name }}"}) == {"harmless": ("rendered", "{'txt': 'Ann'}")}
