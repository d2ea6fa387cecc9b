"""Activating a rulebook in every partition, whole or completed later."""

from __future__ import annotations

import hashlib
import signal
from pathlib import Path

import pytest

from engine.importing.importer import import_files
from engine.runtimes.embedded.applying import apply_rulebook, back_up
from engine.runtimes.embedded.engine import EmbeddedEngine
from engine.runtimes.embedded.rulebooks import load_rulebook
from events.codec import Activation, activation_of
from events.envelope import RULEBOOK_ACTIVATED
from events.errors import CalledWrongly, RulebookInvalid
from tests.engine.runtimes.shop import (
    DAY_MS,
    RUN,
    START_MS,
    event,
    history,
    logged,
    make_shop,
    outbox,
    python,
    run,
    write_lines,
    write_rulebook,
)

LAST_MS = max(each["appended_at"] for each in history())

APPLY = """
import sys
from pathlib import Path
from engine.runtimes.embedded.applying import apply_rulebook
from engine.runtimes.embedded.rulebooks import load_rulebook
shop = Path(sys.argv[1])
apply_rulebook(shop, load_rulebook(shop / "rulebook"))
"""

pytestmark = pytest.mark.slow


def filled(folder: Path) -> Path:
    shop = make_shop(folder)
    import_files(shop, [write_lines(folder / "history.jsonl", history())])
    return shop


def activations(shop: Path) -> list[list[tuple[Activation, int]]]:
    """Each partition's (activation, appended_at_ms)."""
    kept = [[each for each in part if each[0].type == RULEBOOK_ACTIVATED] for part in logged(shop)]
    return [[(activation_of(each), at_ms) for each, at_ms in part] for part in kept]


def test_every_partition_gets_the_same_one(tmp_path: Path) -> None:
    shop = filled(tmp_path / "shop")
    rulebook = load_rulebook(shop / "rulebook")
    given = apply_rulebook(shop, rulebook)
    assert given.at_ms == LAST_MS
    assert given.id == hashlib.sha256(f"{rulebook.hash}\n{LAST_MS}\n0".encode()).hexdigest()[:16]
    assert activations(shop) == [[(given, LAST_MS)]] * 4


def test_the_same_rulebook_again_has_another_id(tmp_path: Path) -> None:
    shop = filled(tmp_path / "shop")
    rulebook = load_rulebook(shop / "rulebook")
    assert apply_rulebook(shop, rulebook).id != apply_rulebook(shop, rulebook).id


def test_an_instant_can_be_named(tmp_path: Path) -> None:
    shop = filled(tmp_path / "shop")
    rulebook = load_rulebook(shop / "rulebook")
    assert apply_rulebook(shop, rulebook, LAST_MS + 5).at_ms == LAST_MS + 5
    with pytest.raises(CalledWrongly, match="are in the log already"):
        apply_rulebook(shop, rulebook, LAST_MS)
    with pytest.raises(CalledWrongly, match="in the future"):
        apply_rulebook(shop, rulebook, LAST_MS + 9 * DAY_MS, clock=lambda: LAST_MS)


@pytest.mark.parametrize("appended", [1, 2, 3])
def test_one_that_was_cut_off_is_completed_by_the_next_owner(tmp_path: Path, appended: int) -> None:
    shop = filled(tmp_path / "shop")
    died = python(APPLY, shop, kill_at=f"after-log-fsync:{appended}")
    assert died.returncode == -signal.SIGKILL, died.stderr
    there = activations(shop)
    assert sorted(map(len, there)) == [0] * (4 - appended) + [1] * appended
    with EmbeddedEngine.open(shop) as engine:
        assert engine.activate_first() is None
    completed = activations(shop)
    assert completed == [[next(each[0] for each in there if each)]] * 4


def test_one_that_was_cut_off_gives_what_a_whole_one_gives(tmp_path: Path) -> None:
    expected = run(filled(tmp_path / "whole"))
    shop = filled(tmp_path / "cut")
    assert python(RUN, shop, kill_at="after-log-fsync:2").returncode == -signal.SIGKILL
    found = run(shop)
    assert (found.state_hash, found.decisions_hash) == (expected.state_hash, expected.decisions_hash)
    assert outbox(shop) == outbox(tmp_path / "whole")


def test_it_is_never_before_what_its_partition_holds(tmp_path: Path) -> None:
    shop = filled(tmp_path / "shop")
    apply_rulebook(shop, load_rulebook(shop / "rulebook"))
    for part in logged(shop):
        times = [at_ms for _, at_ms in part]
        assert times == sorted(times)


def test_a_changed_rulebook_takes_effect(tmp_path: Path) -> None:
    shop = filled(tmp_path / "shop")
    run(shop)
    extra = "\ndimensions:\n  size: [{big: orders >= 3}, {small: else}]\n"
    write_rulebook(shop, after="2h", extra=extra)
    with EmbeddedEngine.open(shop) as engine:
        changed = load_rulebook(shop / "rulebook")
        engine.activate(changed)
        report = engine.run_until_idle()
        active = engine.active()
        assert active is not None
        assert active.hash == changed.hash
        worlds = [shard.world for shard in engine.shards]
        assert all(world is not None and "size" in world.program.names for world in worlds)
    assert report.events == len(history())


def test_a_broken_rulebook_is_not_activated(tmp_path: Path) -> None:
    shop = filled(tmp_path / "shop")
    write_rulebook(shop, extra="\nnonsense: 1\n")
    with EmbeddedEngine.open(shop) as engine:
        with pytest.raises(RulebookInvalid):
            engine.activate_first()
        assert engine.active() is None


def test_a_backup_is_a_workspace_with_the_same_facts(tmp_path: Path) -> None:
    shop = filled(tmp_path / "shop")
    expected = run(shop)
    back_up(shop, tmp_path / "copy")
    other = make_shop(tmp_path / "other")
    (tmp_path / "copy").rename(other / "facts")
    found = run(other)
    assert (found.state_hash, found.decisions_hash) == (expected.state_hash, expected.decisions_hash)


def test_the_first_rulebook_of_an_empty_workspace_is_active_from_the_first_event_on(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    with EmbeddedEngine.open(shop) as engine:
        activation = engine.activate_first()
        assert activation is not None
        assert activation.at_ms == 0
    events = [
        event("p", "ann", START_MS, "profile_updated", email="ann@mail.example"),
        event("o", "ann", START_MS + 1),
        event("o2", "ann", START_MS + DAY_MS),
    ]
    import_files(shop, [write_lines(tmp_path / "events.jsonl", events)])
    assert run(shop).messages == 2
