"""What changes between a worker's death and its next start sends nothing again.

The worker dies with what it decided acknowledged and its states not written.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest

from engine.outputs import kept
from engine.runtimes.embedded.rulebooks import load_rulebook
from engine.runtimes.kafka.applying import apply_rulebook
from engine.runtimes.kafka.claims import Rule
from engine.runtimes.kafka.connection import DECISIONS
from engine.runtimes.kafka.security import connect
from tests.engine.runtimes.kafka.reading import in_topic
from tests.engine.runtimes.kafka.workers import make_shop_on
from tests.engine.runtimes.shop import DAY_MS, START_MS, python, write_rulebook
from tests.simulation.protocol.builds import ORIGINAL, OTHER_TRAITS, SCHEDULES_LATER
from triggers.decisions import Decision, Position
from triggers.reasons import Kind

WORK = """
import asyncio, json, sys
from pathlib import Path
from engine.runtimes.kafka import lane
from engine.runtimes.kafka.security import connect
from engine.runtimes.kafka.until_idle import run_until_idle
from tests.chaos_kafka.worker import install
install(int(sys.argv[3]))
lane.BATCH_RECORDS = 7
report = asyncio.run(run_until_idle(connect(Path(sys.argv[1]))[1], Path(sys.argv[2]), name="w"))
print(json.dumps({"state": report.state_hash, "decisions": report.decisions_hash}))
"""
KILL_AT = "after-decisions:5"
ENDS = {Kind.SEND, Kind.SUPPRESS, Kind.CANCEL}

Decided = tuple[Position, Decision]


def decided(shop: Path) -> list[list[Decided]]:
    """What readers of the decisions keep, by partition."""
    _, connection = connect(shop)
    found = []
    for _, records in sorted(in_topic(connection, DECISIONS).items()):
        rule = Rule()
        entries = [rule.take(record.offset, record.value) for record in records]
        outputs = kept(entry for entry in entries if isinstance(entry, bytes))
        found.append([(output.position, decision) for output in outputs for decision in output.decisions])
    return found


def worked(shop: Path, folder: Path, build: int = ORIGINAL) -> dict[str, str]:
    """A worker's hashes once it has processed all there is."""
    done = python(WORK, shop, folder, build)
    assert done.returncode == 0, done.stderr
    hashes: dict[str, str] = json.loads(done.stdout)
    return hashes


def killed(shop: Path) -> list[list[Decided]]:
    """What a worker decided before it died."""
    died = python(WORK, shop, shop / "w", ORIGINAL, kill_at=KILL_AT)
    assert died.returncode == -SIGKILL, died.stderr
    before = decided(shop)
    assert sum(decision.kind == Kind.SEND for part in before for _, decision in part) > 3
    return before


def check_goes_on(before: list[list[Decided]], after: list[list[Decided]]) -> None:
    """What was decided stands, more came, and no match ended twice."""
    for part, earlier in zip(after, before, strict=True):
        assert part[: len(earlier)] == earlier
        ended = [(decision.trigger, decision.made) for _, decision in part if decision.kind in ENDS]
        assert len(ended) == len(set(ended)), "decided again"
    assert sum(map(len, after)) > sum(map(len, before))


def apply_another(shop: Path) -> None:
    write_rulebook(shop, after="3h")
    asyncio.run(apply_rulebook(connect(shop)[1], load_rulebook(shop / "rulebook"), START_MS + 8 * DAY_MS))


def edit(shop: Path) -> None:
    """Nobody applies it; some of it cannot even be read."""
    write_rulebook(shop, after="5d")
    (shop / "rulebook" / "broken.yaml").write_text("segments: {regular: [")


@pytest.mark.parametrize("change", [apply_another, edit])
def test_another_rulebook_changes_what_comes_as_if_nobody_had_died(
    tmp_path: Path, bootstrap: str, prefix: str, change: Callable[[Path], Any]
) -> None:
    alone = make_shop_on(bootstrap, prefix + "alone.", tmp_path / "alone")
    worked(alone, alone / "w")
    change(alone)
    expected = worked(alone, alone / "w")

    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop")
    before = killed(shop)
    change(shop)
    assert worked(shop, shop / "w") == expected
    check_goes_on(before, decided(shop))
    assert decided(shop) == decided(alone)


@pytest.mark.parametrize("build", [OTHER_TRAITS, SCHEDULES_LATER])
def test_another_build_takes_what_was_decided_as_it_is(tmp_path: Path, bootstrap: str, prefix: str, build: int) -> None:
    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop")
    before = killed(shop)
    hashes = worked(shop, shop / "w", build)
    after = decided(shop)
    check_goes_on(before, after)
    assert worked(shop, shop / "other", build) == hashes, "its state is not what it folds from nothing"
    assert decided(shop) == after
