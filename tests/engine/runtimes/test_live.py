"""A running engine in a process of its own: the socket, ticks by the wall clock, death between append and answer."""

from __future__ import annotations

import os
import resource
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from engine.importing.importer import import_files
from engine.outputs import frontier
from engine.publisher import Publisher
from engine.runtimes.clock import wall_clock_ms
from engine.runtimes.embedded import frames
from engine.runtimes.embedded.applying import apply_rulebook, back_up
from engine.runtimes.embedded.client import Client, NobodyListens
from engine.runtimes.embedded.engine import EmbeddedEngine
from engine.runtimes.embedded.rulebooks import load_rulebook
from engine.workspace.workspace import Workspace
from events.errors import CalledWrongly, OperatorError, Reason, WorkspaceBusy
from tests.engine.runtimes.shop import (
    HOUR_MS,
    event,
    history,
    ids,
    line,
    live,
    logged,
    make_shop,
    outbox,
    run,
    wait_for,
    write_lines,
    write_rulebook,
)

pytestmark = pytest.mark.slow


def now_line(name: str, customer: str = "ann", kind: str = "order_completed", **data: Any) -> bytes:
    """An event of this moment that leaves its time of appending to the door."""
    value = event(name, customer, wall_clock_ms(), kind, **data)
    del value["appended_at"]
    return line(value)


def profile(customer: str = "ann") -> bytes:
    return now_line(f"profile-{customer}", customer, "profile_updated", email=f"{customer}@mail.example")


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


def test_many_publishers_at_once(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    answered: list[str | None] = []

    def publish(number: int) -> None:
        with Publisher(shop) as publisher:
            lines = [now_line(f"o-{number}-{each}", f"c{number}-{each % 7}") for each in range(50)]
            answered.extend(publisher.publish_group([each])[0].id for each in lines)

    with live(shop):
        threads = [threading.Thread(target=publish, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(answered) == 300
    assert ids(shop) == sorted(str(each) for each in answered)


def test_a_large_publication_is_split_into_frames(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    bulk = "x" * 200_000
    with live(shop), Publisher(shop) as publisher:
        answers = publisher.publish_group([now_line(f"o-{number}", note=bulk) for number in range(60)])
        assert [each.id for each in answers] == [f"o-{number}" for number in range(60)]
        assert publisher.publish_group([b"y" * 20_000_000])[0].reason is Reason.TOO_LARGE


@pytest.mark.parametrize("kill_at", ["after-log-fsync:6", "after-log-append:6", "before-log-append:6"])
def test_an_owner_that_dies_before_it_answers(tmp_path: Path, kill_at: str) -> None:
    shop = make_shop(tmp_path / "shop")  # 4 appends are the activation's
    with live(shop, kill_at=kill_at) as owner, Publisher(shop) as publisher:
        assert publisher.publish_group([now_line("answered")])[0].reason is None
        with pytest.raises(OperatorError, match=r"(?s)ended before it answered.*Operator action: .*publish"):
            publisher.publish_group([now_line("unanswered", "bob")])
        assert owner.wait() == -signal.SIGKILL
    there = ids(shop)
    assert "answered" in there
    assert ("unanswered" in there) == (kill_at != "before-log-append:6")
    with Publisher(shop) as publisher:  # again, as the error advises
        assert publisher.publish_group([now_line("unanswered", "bob")])[0].reason is None
    report = run(shop)
    assert report.events - report.duplicates == 2


def test_every_answer_survives_a_kill(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    answered: list[str | None] = []

    def publish_for_ever(publisher: Publisher) -> None:
        for number in count():
            answers = publisher.publish_group([now_line(f"o-{number}-{each}", f"c{each}") for each in range(5)])
            answered.extend(each.id for each in answers)

    with live(shop) as owner, Publisher(shop) as publisher:
        killer = threading.Timer(0.7, owner.kill)
        killer.start()
        with pytest.raises(OperatorError, match="ended before it answered"):
            publish_for_ever(publisher)
        killer.join()
        owner.wait()
    assert len(answered) > 5
    assert set(answered) <= set(ids(shop))
    assert run(shop).duplicates == 0


def test_a_publisher_finds_the_next_owner(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    with live(shop) as first:
        publisher = Publisher(shop)
        publisher.publish_group([now_line("a")])
        first.kill()
        first.wait()
    with publisher:
        with pytest.raises(OperatorError, match="ended before it answered"):
            publisher.publish_group([now_line("b")])
        with pytest.raises(OperatorError, match=r"(?s)nobody runs the workspace.*Operator action: start `strand run`"):
            publisher.publish_group([now_line("b")])
        with live(shop):  # which can start, since the publisher did not take the workspace
            assert publisher.publish_group([now_line("b")])[0].reason is None
            assert publisher.handed_over
    assert ids(shop) == ["a", "b"]


def test_threads_share_a_publisher(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    with live(shop), Publisher(shop) as publisher:

        def publish(number: int) -> None:
            lines = [now_line(f"o-{number}-{each}", f"c{each}") for each in range(20)]
            assert [each.id for each in publisher.publish_group(lines)] == [f"o-{number}-{each}" for each in range(20)]

        with ThreadPoolExecutor(5) as threads:
            list(threads.map(publish, range(25)))
    assert len(ids(shop)) == 500


def test_what_arrives_together_is_appended_together(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", partitions=1)
    # It would die at the third append: the activation's is the first one.
    with live(shop, kill_at="after-log-fsync:3") as owner, ExitStack() as stack:
        askers = []
        for _ in range(8):
            asker = stack.enter_context(socket.socket(socket.AF_UNIX))
            asker.connect(str(shop / "socket"))
            asker.sendall(frames.frame(frames.Publish([], False)))
            assert answer_at(asker) == frames.Answers([])
            askers.append(asker)
        owner.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, owner.pid, os.WSTOPPED | os.WNOWAIT)
        for number, asker in enumerate(askers):
            asker.sendall(frames.frame(frames.Publish([now_line(f"o-{number}")], False)))
        owner.send_signal(signal.SIGCONT)
        for number, asker in enumerate(askers):
            reply = answer_at(asker)
            assert isinstance(reply, frames.Answers)
            assert reply.answers[0].id == f"o-{number}"
        assert owner.poll() is None
    assert len(ids(shop)) == 8


def answer_at(asker: socket.socket) -> frames.Reply:
    return frames.read_reply(frames.receive(asker, frames.frame_bytes(frames.receive(asker, 4))))


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


NONSENSE = [
    b"\xff\xff\xff\xff",  # a length beyond all frames
    b"\x00\x00\x00\x01\xc1",  # no MessagePack
    b"\x00\x00\x00\x03\x92\x63\xc0",  # another version
    b"\x00\x00\x00\x02\x92\x01",  # cut off
]


def test_nonsense_at_the_socket_harms_nobody(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    with live(shop):
        for nonsense in (
            b"\xff\xff\xff\xff",
            b"\x00\x00\x00\x01\xc1",
            b"\x00\x00\x00\x03\x92\x63\xc0",
            b"\x00\x00\x00\x02\x92\x01",
        ):
            with socket.socket(socket.AF_UNIX) as asker:
                asker.connect(str(shop / "socket"))
                asker.sendall(nonsense)
                assert isinstance(answer_at(asker), frames.Failed)
                assert asker.recv(1) == b""  # and hung up
        with socket.socket(socket.AF_UNIX) as silent:
            silent.connect(str(shop / "socket"))
            silent.sendall(b"\x00\x00\x10\x00half a frame")
            with Publisher(shop) as publisher:
                assert publisher.publish_group([now_line("o")])[0].reason is None


def test_another_versions_frames_are_refused_by_name() -> None:
    body = frames.frame(frames.Done())[4:]
    with pytest.raises(frames.Garbled, match="a frame of version 9; this release of Strand speaks version 1"):
        frames.read_reply(body.replace(b"\x92\x01", b"\x92\x09", 1))


def test_a_workspace_deep_in_the_tree_has_a_socket_too(tmp_path: Path) -> None:
    folder = tmp_path
    while len(os.fsencode(folder)) < 150:
        folder = folder / "deeper"
    folder.mkdir(parents=True)
    shop = make_shop(folder / "shop")
    with live(shop), Publisher(shop) as publisher:
        assert publisher.handed_over
        assert publisher.publish_group([now_line("o")])[0].reason is None


def test_a_dead_owners_socket_is_nobodys(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    with live(shop) as owner:
        owner.kill()
        owner.wait()
    assert (shop / "socket").exists()
    with pytest.raises(NobodyListens):
        Client(shop / "socket")
    with Publisher(shop) as publisher:
        assert not publisher.handed_over
        assert publisher.publish_group([now_line("o")])[0].reason is None
    with live(shop), Publisher(shop) as publisher:
        assert publisher.handed_over


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
