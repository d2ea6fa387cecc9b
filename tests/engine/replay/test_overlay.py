from __future__ import annotations

from engine.adapters.memory import MemoryDecisions, MemoryLog
from engine.replay.overlay import OverlayDecisions, OverlayLog


def test_a_log_goes_on_over_the_edge_and_what_is_below_stays_as_it_was() -> None:
    below = MemoryLog()
    below.append([b"a", b"b"], {"places": b"1"})
    log = OverlayLog(below)
    assert log.append([b"c", b"d"], {"places": b"2"}) == 2
    assert [log.get(offset) for offset in range(log.end())] == [b"a", b"b", b"c", b"d"]
    seen: list[bytes] = []
    while run := log.read(len(seen), 3):
        seen += run
    assert seen == [b"a", b"b", b"c", b"d"]
    assert log.read(3, 1) == [b"d"]
    assert log.read(4, 1) == []
    assert log.meta("places") == b"2"
    assert (below.end(), below.meta("places")) == (2, b"1")


def test_a_stream_goes_on_over_the_edge() -> None:
    below = MemoryDecisions()
    stream = OverlayDecisions(below)
    assert stream.last() is None
    below.append(b"a")
    stream = OverlayDecisions(below)
    assert stream.last() == b"a"
    stream.append(b"b")
    assert (list(stream.read()), list(stream.read(1)), stream.last(), stream.count()) == ([b"a", b"b"], [b"b"], b"b", 2)
    assert below.count() == 1
