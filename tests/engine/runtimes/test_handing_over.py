"""Publishers hand events over to a running engine: many at once, in bulk, and to one that dies before it answers."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from engine.publisher import Publisher
from engine.runtimes.embedded.client import Client, NobodyListens
from events.errors import OperatorError, Reason
from tests.engine.runtimes.shop import (
    ids,
    live,
    make_shop,
    now_line,
    run,
)

pytestmark = pytest.mark.slow


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


def test_threads_share_a_publisher(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    with live(shop), Publisher(shop) as publisher:

        def publish(number: int) -> None:
            lines = [now_line(f"o-{number}-{each}", f"c{each}") for each in range(20)]
            assert [each.id for each in publisher.publish_group(lines)] == [f"o-{number}-{each}" for each in range(20)]

        with ThreadPoolExecutor(5) as threads:
            list(threads.map(publish, range(25)))
    assert len(ids(shop)) == 500


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
