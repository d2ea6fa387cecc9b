"""Lines of a pipe: grouped by what is there, none held back, none endless."""

from __future__ import annotations

import os
import threading

from engine.runtimes.embedded.arriving import arriving
from events.admission import MAX_EVENT_BYTES


def groups_of(data: bytes) -> list[list[bytes]]:
    """The groups that a pipe with this content gives."""
    read, write = os.pipe()

    def feed() -> None:
        with os.fdopen(write, "wb") as file:
            file.write(data)

    feeder = threading.Thread(target=feed)
    feeder.start()
    groups = list(arriving(read))
    feeder.join()
    os.close(read)
    return groups


def test_lines_without_their_ends() -> None:
    assert groups_of(b"a\nb\r\n\n  \nc") == [[b"a", b"b"], [b"c"]]


def test_nothing_gives_nothing() -> None:
    assert groups_of(b"") == []


def test_groups_are_bounded() -> None:
    groups = groups_of(b"x\n" * 2_500)
    assert sum(map(len, groups)) == 2_500
    assert max(map(len, groups)) <= 1_000


def test_a_line_is_given_before_the_next_one_comes() -> None:
    read, write = os.pipe()
    groups = arriving(read)
    os.write(write, b"first\nsec")
    assert next(groups) == [b"first"]
    os.write(write, b"ond\n")
    assert next(groups) == [b"second"]
    os.close(write)
    assert list(groups) == []
    os.close(read)


def test_an_endless_line_is_cut_where_it_can_be_refused() -> None:
    (line,) = [each for group in groups_of(b"x" * 3_000_000 + b"\nshort") for each in group if each != b"short"]
    assert len(line) == MAX_EVENT_BYTES + 1
