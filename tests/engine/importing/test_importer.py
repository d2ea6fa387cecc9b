"""An import as a whole: order, times, the first activation, going on after a death, doing nothing twice."""

from __future__ import annotations

import random
import signal
from pathlib import Path
from typing import Any

import pytest

from engine.importing.importer import import_files
from engine.publisher import Publisher
from engine.runtimes.embedded.engine import EmbeddedEngine
from engine.workspace.workspace import Workspace
from events.errors import CalledWrongly, RulebookInvalid
from tests.engine.runtimes.shop import (
    DAY_MS,
    HOUR_MS,
    START_MS,
    event,
    history,
    ids,
    logged,
    make_shop,
    outbox,
    python,
    run,
    write_lines,
    write_rulebook,
)

LIVE_FROM_MS = START_MS + 2 * DAY_MS - 2 * HOUR_MS  # 2025-01-03 00:00 in Riga

IMPORT = """
import sys
from pathlib import Path
from engine.importing import importer
importer.BATCH_ROWS = 7
importer.import_files(Path(sys.argv[1]), [Path(sys.argv[2])], live_from="2025-01-03")
"""


def shuffled(seed: int = 1) -> list[dict[str, Any]]:
    events = history()
    random.Random(seed).shuffle(events)
    return events


def test_events_are_appended_in_the_order_of_their_times(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", partitions=2)
    events = shuffled()
    report = import_files(shop, [write_lines(tmp_path / "h.jsonl", events)])
    assert (report.events, report.imported, report.refused) == (len(events), len(events), 0)
    times = sorted(each["appended_at"] for each in events)
    assert (report.first_ms, report.last_ms) == (times[0], times[-1])
    for part in logged(shop):
        expected = sorted(each["appended_at"] for each in events if each["id"] in {one.id for one, _ in part})
        assert [at_ms for _, at_ms in part] == expected


def test_equal_times_keep_the_order_of_the_input(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", partitions=1)
    events = [event(f"o-{number}", "ann", START_MS) for number in (3, 1, 2)]
    import_files(shop, [write_lines(tmp_path / "a.jsonl", events[:2]), write_lines(tmp_path / "b.jsonl", events[2:])])
    assert [each.id for each, _ in logged(shop)[0]] == ["o-3", "o-1", "o-2"]


def test_the_first_activation_stands_between_the_records(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", partitions=2)
    report = import_files(shop, [write_lines(tmp_path / "h.jsonl", shuffled())], live_from="2025-01-03")
    assert report.activation is not None
    assert report.activation.at_ms == LIVE_FROM_MS
    for part in logged(shop):
        place = [each.type for each, _ in part].index("rulebook_activated")
        assert part[place][1] == LIVE_FROM_MS
        assert all(at_ms < LIVE_FROM_MS for _, at_ms in part[:place])
        assert all(at_ms >= LIVE_FROM_MS for _, at_ms in part[place + 1 :])


@pytest.mark.parametrize("live_from", ["2025-01-02T22:00:00Z", "2025-01-03T00:00+02:00"])
def test_live_from_can_be_an_instant(tmp_path: Path, live_from: str) -> None:
    shop = make_shop(tmp_path / "shop", partitions=2)
    report = import_files(shop, [write_lines(tmp_path / "h.jsonl", history())], live_from=live_from)
    assert report.activation is not None
    assert report.activation.at_ms == LIVE_FROM_MS


def test_live_from_after_everything_is_at_the_end(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", partitions=2)
    import_files(shop, [write_lines(tmp_path / "h.jsonl", history())], live_from="2025-02-01")
    assert all(part[-1][0].type == "rulebook_activated" for part in logged(shop))
    assert run(shop).messages == 12  # welcome, to those who are in


@pytest.mark.parametrize(
    ("live_from", "message"),
    [("soon", "must be a date like"), ("2025-02-30", "must be a date like"), ("2999-01-01", "in the future")],
)
def test_live_from_that_cannot_be(tmp_path: Path, live_from: str, message: str) -> None:
    shop = make_shop(tmp_path / "shop", partitions=2)
    with pytest.raises(CalledWrongly, match=message):
        import_files(shop, [write_lines(tmp_path / "h.jsonl", history())], live_from=live_from)
    assert ids(shop) == []


def test_live_from_needs_a_sound_rulebook(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", partitions=2)
    write_rulebook(shop, extra="\nnonsense: 1\n")
    with pytest.raises(RulebookInvalid):
        import_files(shop, [write_lines(tmp_path / "h.jsonl", history())], live_from="2025-01-03")


def test_live_from_is_for_the_first_activation(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", partitions=2)
    import_files(shop, [write_lines(tmp_path / "h.jsonl", history())], live_from="2025-01-03")
    more = write_lines(tmp_path / "more.jsonl", [event("more", "ann", START_MS + 30 * DAY_MS)])
    with pytest.raises(CalledWrongly, match="a rulebook is active since 2025-01-02T22:00:00Z"):
        import_files(shop, [more], live_from="2025-01-20")
    assert import_files(shop, [more]).imported == 1


def test_the_same_input_is_imported_once(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", partitions=2)
    path = write_lines(tmp_path / "h.jsonl", history())
    path.write_bytes(path.read_bytes() + b"nonsense\n")
    first = import_files(shop, [path], live_from="2025-01-03")
    again = import_files(shop, [path], live_from="2025-01-03")
    assert (again.already_imported, again.imported, again.identity) == (True, 0, first.identity)
    assert len(ids(shop)) == len(history())
    with Workspace.open(shop, owner=True) as workspace:
        assert sum(1 for facts in workspace.facts for _ in facts.dead_letters.read()) == 1


def test_live_from_comes_too_late_for_what_is_imported_already(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", partitions=2)
    path = write_lines(tmp_path / "h.jsonl", history())
    other = write_lines(tmp_path / "other.jsonl", shuffled())
    import_files(shop, [path])
    for again in (path, other):
        with pytest.raises(CalledWrongly, match="imported already, and no rulebook was activated"):
            import_files(shop, [again], live_from="2025-01-03")


def test_the_same_events_in_another_order_are_the_same_input(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", partitions=2)
    import_files(shop, [write_lines(tmp_path / "a.jsonl", shuffled(1))])
    assert import_files(shop, [write_lines(tmp_path / "b.jsonl", shuffled(2))]).already_imported


@pytest.mark.slow
@pytest.mark.parametrize(
    "kill_at", ["before-log-append:1", *(f"after-log-fsync:{n}" for n in (1, 3, 9, 13)), "after-log-append:7"]
)
def test_an_import_goes_on_after_a_death(tmp_path: Path, kill_at: str) -> None:
    path = write_lines(tmp_path / "h.jsonl", history())
    whole = make_shop(tmp_path / "whole", partitions=2)
    import_files(whole, [path], live_from="2025-01-03")
    shop = make_shop(tmp_path / "shop", partitions=2)
    died = python(IMPORT, shop, path, kill_at=kill_at)
    assert died.returncode == -signal.SIGKILL, died.stderr
    there = len(ids(shop))
    assert there < len(history())
    report = import_files(shop, [path], live_from="2025-01-03")
    assert not report.already_imported
    assert report.imported == len(history()) - there
    assert logged(shop) == logged(whole)


@pytest.mark.slow
def test_running_between_two_halves_of_an_import_changes_nothing(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "h.jsonl", history())
    whole = make_shop(tmp_path / "whole", partitions=2)
    import_files(whole, [path], live_from="2025-01-03")
    shop = make_shop(tmp_path / "shop", partitions=2)
    assert python(IMPORT, shop, path, kill_at="after-log-fsync:9").returncode == -signal.SIGKILL
    with EmbeddedEngine.open(shop) as engine:
        engine.run_until_idle()
    import_files(shop, [path], live_from="2025-01-03")
    found, expected = run(shop), run(whole)
    assert (found.state_hash, found.decisions_hash) == (expected.state_hash, expected.decisions_hash)
    assert outbox(shop) == outbox(whole)


def test_what_is_older_than_the_log_is_refused_unless_late(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", partitions=1)
    import_files(shop, [write_lines(tmp_path / "h.jsonl", history())])
    last_ms = max(each["appended_at"] for each in history())
    old = write_lines(tmp_path / "old.jsonl", [event("old", "ann", START_MS), event("new", "ann", last_ms + 1)])
    with pytest.raises(CalledWrongly, match=r"the input begins at 2025-01-01T00:00:00Z and .* --late"):
        import_files(shop, [old])
    assert len(ids(shop)) == len(history())
    assert import_files(shop, [old], late=True).imported == 2
    (late, new) = logged(shop)[0][-2:]
    assert (late[0].id, late[0].occurred_at_ms, late[1]) == ("old", START_MS, last_ms)
    assert (new[0].id, new[1]) == ("new", last_ms + 1)


def test_what_is_in_the_future_is_refused(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", partitions=2)
    path = write_lines(tmp_path / "h.jsonl", history())
    report = import_files(shop, [path], clock=lambda: START_MS + DAY_MS)
    assert report.refused > 0
    assert report.events + report.refused == len(history())


def test_nothing_is_imported_without_complaint(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", partitions=2)
    path = write_lines(tmp_path / "h.jsonl", [])
    report = import_files(shop, [path])
    assert (report.events, report.first_ms, report.last_ms, report.already_imported) == (0, None, None, False)
    assert import_files(shop, [path]).already_imported


def test_whoever_watches_is_told(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", partitions=2)
    path = write_lines(tmp_path / "h.jsonl", history())
    read: list[int] = []
    totals: list[int] = []
    appended: list[int] = []
    import_files(shop, [path], reading=read.append, begun=totals.append, appending=appended.append)
    assert sum(read) == path.stat().st_size
    assert totals == [len(history())] == [sum(appended)]


def test_types_are_those_of_the_rulebook(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", partitions=2, extra="\nevents: {petted: {minutes: number}}\n")
    wrong = write_lines(tmp_path / "h.jsonl", [event("p", "ann", START_MS, "petted", minutes="many")])
    assert import_files(shop, [wrong]).refused == 0  # nobody knows the type yet
    with Publisher(shop):
        pass  # activates the folder's rulebook
    other = write_lines(tmp_path / "other.jsonl", [event("q", "ann", START_MS, "petted", minutes="few")])
    assert import_files(shop, [other]).refused == 1
