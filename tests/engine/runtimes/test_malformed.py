"""Five thousand malformed events at the doors of a workspace: each one answered, none lost, later ones unharmed."""

from __future__ import annotations

import random
from pathlib import Path

from engine.importing.importer import import_files
from engine.publisher import Publisher
from engine.workspace.workspace import Workspace
from events.dead_letters import DeadLetter, decode_dead_letter
from tests.engine.runtimes.shop import HOUR_MS, event, ids, line, make_shop, run
from tests.events.test_malformed import NOW_MS, SEED, as_json, as_msgpack, cut, flipped, huge


def malformed(rng: random.Random) -> bytes:
    """Bytes that are rarely an event."""
    kind = rng.random()
    if kind < 0.4:
        return as_json(rng)
    if kind < 0.65:
        return as_msgpack(rng)
    if kind < 0.8:
        return flipped(rng, as_json(rng))
    if kind < 0.9:
        return cut(rng, as_msgpack(rng))
    return huge(rng) if kind < 0.91 else rng.randbytes(rng.randint(0, 200))


def letters(shop: Path) -> list[DeadLetter]:
    with Workspace.open(shop, owner=True) as workspace:
        return [decode_dead_letter(raw) for facts in workspace.facts for raw in facts.dead_letters.read()]


GOOD = [
    line(event("good-1", "ann", NOW_MS, "profile_updated", email="ann@mail.example")),
    line(event("good-2", "ann", NOW_MS)),
]


def test_published(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    lines = [malformed(rng) for _ in range(5_000)]
    shop = make_shop(tmp_path / "shop", partitions=2)
    with Publisher(shop, catch_up=True, clock=lambda: NOW_MS) as publisher:
        answers = list(publisher.publish_lines(lines))
        assert [each.reason for each in publisher.publish_group(GOOD)] == [None, None]
    taken = [each for each in answers if each.reason is None]
    refused = [given for given, each in zip(lines, answers, strict=True) if each.reason is not None]
    assert 100 < len(taken) < len(refused)
    assert sorted(each.raw for each in letters(shop)) == sorted(each[: 256 * 1024 + 1] for each in refused)
    assert len(ids(shop)) == len(taken) + len(GOOD)
    report = run(shop, NOW_MS + HOUR_MS)
    assert report.events == len(taken) + len(GOOD)
    assert report.dead_letters == 0  # a door takes nothing that the fold would refuse
    assert report.messages >= 1


def test_imported(tmp_path: Path) -> None:
    rng = random.Random(SEED + 1)
    lines = [each.replace(b"\n", b" ") for each in (malformed(rng) for _ in range(5_000))]
    lines = [each for each in lines if each.strip()]
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"\n".join([*lines, *GOOD]))
    shop = make_shop(tmp_path / "shop", partitions=2)
    report = import_files(shop, [path], live_from="2020-01-01", late=True, clock=lambda: NOW_MS)
    assert report.events + report.refused == len(lines) + len(GOOD)
    assert len(letters(shop)) == report.refused > len(lines) // 2
    assert set(ids(shop)) >= {"good-1", "good-2"}
    found = run(shop, NOW_MS + HOUR_MS)
    assert (found.events, found.dead_letters) == (report.events, 0)
    assert found.messages >= 1
