"""Running a workspace until nothing is left: what it gives, whatever the partitions, batches and deaths."""

from __future__ import annotations

import dataclasses
import shutil
import signal
from pathlib import Path

import pytest

from engine.importing.importer import import_files
from engine.runtimes.embedded.engine import EmbeddedEngine
from engine.runtimes.embedded.report import RunReport
from events.errors import CalledWrongly, StorageFailed
from tests.engine.runtimes.shop import (
    DAY_MS,
    HOUR_MS,
    RUN,
    START_MS,
    history,
    make_shop,
    outbox,
    python,
    run,
    write_lines,
)

LAST_MS = max(each["appended_at"] for each in history())


def imported(folder: Path, *, partitions: int = 2) -> Path:
    shop = make_shop(folder, partitions=partitions)
    import_files(shop, [write_lines(folder / "history.jsonl", history())], live_from="2025-01-03")
    return shop


@pytest.fixture(scope="module")
def before_any_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return imported(tmp_path_factory.mktemp("imported") / "shop")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, before_any_run: Path) -> tuple[RunReport, dict[str, bytes]]:
    shop = tmp_path_factory.mktemp("undisturbed") / "shop"
    shutil.copytree(before_any_run, shop)
    return run(shop), outbox(shop)


def lasting(report: RunReport) -> dict[str, object]:
    """A report without what differs from run to run."""
    fields = dataclasses.asdict(report)
    return {name: fields[name] for name in fields if name not in {"seconds", "events_per_second", "processed"}}


def test_everything_is_processed_and_what_is_due_is_sent(tmp_path: Path) -> None:
    shop = imported(tmp_path / "shop")
    report = run(shop)
    assert report.events == len(history())
    assert report.customers == 12
    assert report.as_of_ms == LAST_MS
    assert report.messages == report.decisions["send"][""] == len(outbox(shop)) > 20
    assert report.dead_letters == report.duplicates == 0
    assert report.processed > report.events


def test_a_second_run_finds_nothing_to_do(tmp_path: Path) -> None:
    shop = imported(tmp_path / "shop")
    first, messages = run(shop), outbox(shop)
    second = run(shop)
    assert second.processed == 0
    assert lasting(second) == lasting(first)
    assert outbox(shop) == messages


def test_without_derived_the_log_is_folded_again_to_the_same(tmp_path: Path) -> None:
    shop = imported(tmp_path / "shop")
    first = run(shop)
    shutil.rmtree(shop / "derived")
    assert lasting(run(shop)) == lasting(first)


@pytest.mark.parametrize(("partitions", "batch"), [(1, 2_000), (4, 1), (7, 3)])
def test_partitions_and_batches_change_nothing(tmp_path: Path, partitions: int, batch: int) -> None:
    expected = run(imported(tmp_path / "two"))
    shop = imported(tmp_path / "other", partitions=partitions)
    with EmbeddedEngine.open(shop, batch=batch) as engine:
        found = engine.run_until_idle()
    assert lasting(found) == lasting(expected)
    assert outbox(shop) == outbox(tmp_path / "two")


def test_time_passes_to_the_instant_asked_for(tmp_path: Path) -> None:
    shop = imported(tmp_path / "shop")
    before = run(shop)
    after = run(shop, LAST_MS + HOUR_MS)
    assert after.as_of_ms == LAST_MS + HOUR_MS
    assert after.messages == before.messages + 1
    assert run(shop).as_of_ms == LAST_MS + HOUR_MS


def test_an_instant_before_the_logs_end_is_refused(tmp_path: Path) -> None:
    shop = imported(tmp_path / "shop")
    with EmbeddedEngine.open(shop) as engine, pytest.raises(CalledWrongly, match="the log holds records up to"):
        engine.run_until_idle(LAST_MS - 1)


def test_an_instant_in_the_future_is_refused(tmp_path: Path) -> None:
    shop = imported(tmp_path / "shop")
    tomorrow = EmbeddedEngine.open(shop, clock=lambda: LAST_MS + DAY_MS)
    with tomorrow as engine, pytest.raises(CalledWrongly, match="in the future"):
        engine.run_until_idle(LAST_MS + 2 * DAY_MS)


def test_no_clock_is_read(tmp_path: Path) -> None:
    def forbidden() -> int:
        raise AssertionError("the wall clock was read")

    shop = imported(tmp_path / "shop")
    with EmbeddedEngine.open(shop, clock=forbidden) as engine:
        assert engine.run_until_idle().messages > 20


def test_an_empty_workspace_runs(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    report = run(shop)
    assert (report.events, report.messages, report.as_of_ms) == (0, 0, 0)


def test_without_a_rulebook_nothing_is_processed(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    import_files(shop, [write_lines(tmp_path / "history.jsonl", history())])
    with EmbeddedEngine.open(shop) as engine:
        assert engine.active() is None
        assert engine.run_until_idle().processed == 0
        assert engine.waiting() == len(history())


def test_the_first_activation_follows_what_was_imported_before(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    import_files(shop, [write_lines(tmp_path / "history.jsonl", history())])
    with EmbeddedEngine.open(shop) as engine:
        activation = engine.activate_first()
        assert activation is not None
        assert activation.at_ms == LAST_MS
        assert engine.events_before_activation() == len(history())
        assert engine.activate_first() is None
        report = engine.run_until_idle()
    assert report.decisions["send"] == {"": 12}  # welcome matches who is in by then; no order before matches note


def test_progress_is_told_of_every_record(tmp_path: Path) -> None:
    shop = imported(tmp_path / "shop")
    done: list[int] = []
    with EmbeddedEngine.open(shop) as engine:
        waiting = engine.waiting()
        report = engine.run_until_idle(progress=done.append)
    assert waiting <= sum(done) == report.processed


def test_an_outbox_that_cannot_be_written_loses_no_message(tmp_path: Path) -> None:
    expected = run(imported(tmp_path / "expected"))
    shop = imported(tmp_path / "shop")
    (shop / "outbox").write_text("a file is in the way")
    with pytest.raises(StorageFailed, match="Operator action"):
        run(shop)
    (shop / "outbox").unlink()
    assert lasting(run(shop)) == lasting(expected)
    assert outbox(shop) == outbox(tmp_path / "expected")


@pytest.mark.slow
@pytest.mark.parametrize(
    "kill_at",
    [
        "before-decisions:2",
        "after-decisions:3",
        "before-state:2",
        "after-state:1",
        "before-swap:2",
        "mid-swap:1",
        "after-swap:2",
        "mid-activation:2",
        "before-log-fsync:1",
        "after-log-append:1",
        "before-outbox-rename:5",
        "after-outbox-rename:1",
    ],
)
def test_a_death_changes_nothing(
    tmp_path: Path, before_any_run: Path, undisturbed: tuple[RunReport, dict[str, bytes]], kill_at: str
) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(before_any_run, shop)
    died = python(RUN, shop, kill_at=kill_at)
    assert died.returncode == -signal.SIGKILL, died.stderr
    report, messages = undisturbed
    assert lasting(run(shop)) == lasting(report)
    assert outbox(shop) == messages


def test_start_is_where_the_history_begins() -> None:
    assert history()[0]["appended_at"] == START_MS
