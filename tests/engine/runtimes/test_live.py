"""A running engine in a process of its own: ticks by the wall clock, what its owner is asked for, and its end."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from engine.importing.importer import import_files
from engine.outputs import frontier
from engine.publisher import Publisher
from engine.runtimes.clock import wall_clock_ms
from engine.runtimes.embedded.applying import apply_rulebook, back_up
from engine.runtimes.embedded.engine import EmbeddedEngine
from engine.runtimes.embedded.rulebooks import load_rulebook
from engine.workspace.workspace import Workspace
from events.errors import CalledWrongly, OperatorError, Reason, WorkspaceBusy
from tests.engine.runtimes.shop import (
    HOUR_MS,
    history,
    ids,
    live,
    logged,
    make_shop,
    now_line,
    outbox,
    profile,
    run,
    wait_for,
    write_lines,
    write_rulebook,
)

pytestmark = pytest.mark.slow


def test_events_are_handed_over_and_what_is_due_is_sent(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", after="1s")
    with live(shop):
        with Publisher(shop) as publisher:
            assert publisher.handed_over
            answers = publisher.publish_group([profile(), now_line("o"), b"nonsense"])
        assert [each.reason for each in answers] == [None, None, Reason.SYNTAX]
        wait_for(lambda: len(outbox(shop)) == 1)
    assert ids(shop) == ["o", "profile-ann"]
    assert not (shop / "socket").exists()
    ticks = [each for part in logged(shop) for each, _ in part if each.type == "tick"]
    assert ticks
    assert run(shop).messages == 1


def test_a_rulebook_is_applied_by_its_owner(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", after="1h")
    with live(shop):
        with Publisher(shop) as publisher:
            publisher.publish_group([profile(), now_line("o")])
        write_rulebook(shop, after="1s")
        changed = load_rulebook(shop / "rulebook")
        before_ms = wall_clock_ms()
        activation = apply_rulebook(shop, changed)
        assert before_ms <= activation.at_ms <= wall_clock_ms()
        with pytest.raises(CalledWrongly, match="in the log already"):
            apply_rulebook(shop, changed, before_ms - HOUR_MS)
        with Publisher(shop) as publisher:
            publisher.publish_group([now_line("o2")])
        wait_for(lambda: len(outbox(shop)) == 2)  # welcome, and the note of the second order
    with EmbeddedEngine.open(shop) as engine:
        active = engine.active()
        assert active is not None
        assert active.hash == changed.hash


def test_a_backup_is_made_by_the_owner(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    with live(shop):
        with Publisher(shop) as publisher:
            publisher.publish_group([now_line("o")])
        back_up(shop, tmp_path / "copy")
        with Publisher(shop) as publisher:
            publisher.publish_group([now_line("later")])
    other = make_shop(tmp_path / "other")
    (tmp_path / "copy").rename(other / "facts")
    assert ids(other) == ["o"]
    assert ids(shop) == ["later", "o"]


def test_what_needs_the_workspace_alone_is_refused(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    with live(shop) as owner:
        with pytest.raises(WorkspaceBusy, match=rf"process {owner.pid}.*\n*.*Operator action"):
            import_files(shop, [write_lines(tmp_path / "history.jsonl", history())])
        with pytest.raises(WorkspaceBusy):
            EmbeddedEngine.open(shop)


def test_an_old_history_is_not_moved_to_today_unless_wanted(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    import_files(shop, [write_lines(tmp_path / "history.jsonl", history())], live_from="2025-01-03")
    with EmbeddedEngine.open(shop) as engine, pytest.raises(OperatorError, match=r"(?s)more than 7 days.*--catch-up"):
        engine.run_live()
    before = len(outbox(shop))
    with live(shop, "catch-up"):
        wait_for(lambda: len(outbox(shop)) > before)


def all_decided(shop: Path) -> bool:
    with Workspace.open(shop, owner=False) as workspace:
        return all(frontier(facts.decisions)[0] == facts.log.end() - 1 for facts in workspace.facts)


def test_a_full_disk_ends_the_run_and_harms_nothing(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    with live(shop) as owner, Publisher(shop) as publisher:
        publisher.publish_group([now_line("o")])
        wait_for(lambda: all_decided(shop))  # or deciding would meet the full disk first
        resource.prlimit(owner.pid, resource.RLIMIT_FSIZE, (1, 1))
        with pytest.raises(OperatorError, match=r"(?s)cannot be written.*Operator action: free some space"):
            publisher.publish_group([now_line("one too many", "bob")])
        assert "Operator action: free some space" in owner.communicate(timeout=60)[1]
        assert owner.returncode == 1
    with Publisher(shop) as publisher:
        publisher.publish_group([now_line("later")])
    assert {"o", "later"} <= set(ids(shop))
    assert run(shop).dead_letters == 0


def test_a_run_can_be_asked_to_stop_before_it_begins(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    with EmbeddedEngine.open(shop) as engine:
        engine.activate_first(live=True)
        engine.stop()
        engine.run_live()
    assert run(shop).events == 0
