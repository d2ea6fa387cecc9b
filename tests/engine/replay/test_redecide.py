from __future__ import annotations

from msgspec.structs import replace

from engine.outputs import mark
from engine.replay.redecide import compare
from triggers.decisions import MARK, OWN, Decision, Output, Position

SEND = Decision(
    kind="send", trigger="thanks", on="enters came_back", cause="event:e1", made=(3, OWN, "ann"), matched_at_ms=5,
    due_ms=7, ask_ms=-1, at_ms=7, rulebook="abc", message_id="m1", channel="email", parts={"txt": "hello"},
)  # fmt: skip
EDGE: Position = (9, MARK, "")


def at(offset: int, *decisions: Decision) -> Output:
    return Output((offset, OWN, "ann"), list(decisions))


def test_equal_streams_differ_nowhere_whatever_their_marks() -> None:
    found = compare(2, iter([at(3, SEND), mark(4), at(5, SEND)]), iter([mark(1), at(3, SEND), at(5, SEND)]), EDGE)
    assert (found.partition, found.steps, found.different, found.differences) == (2, 2, 0, [])


def test_a_step_decided_otherwise_is_named_with_both_reasons() -> None:
    other = replace(SEND, kind="suppress", reason="cap")
    found = compare(0, iter([at(3, SEND)]), iter([at(3, other)]), EDGE)
    (difference,) = found.differences
    assert (difference.position[0], difference.instant) == (3, "own step")
    assert (difference.recorded, difference.decided) == ("send thanks", "suppress thanks (cap)")


def test_the_field_that_differs_is_named_where_the_words_are_the_same() -> None:
    found = compare(0, iter([at(3, SEND)]), iter([at(3, replace(SEND, parts={"txt": "bye"}))]), EDGE)
    assert found.differences[0].recorded == "send thanks, parts {'txt': 'hello'}"
    assert found.differences[0].decided == "send thanks, parts {'txt': 'bye'}"


def test_what_one_side_does_not_have_is_nothing() -> None:
    found = compare(0, iter([at(3, SEND)]), iter([Output((4, 12, "bob"), [SEND])]), EDGE)
    assert found.different == 2
    assert [(each.recorded, each.decided) for each in found.differences] == [
        ("send thanks", "nothing"),
        ("nothing", "send thanks"),
    ]
    assert found.differences[1].instant == "due 12"


def test_what_lies_beyond_the_recorded_frontier_does_not_count() -> None:
    assert compare(0, iter([]), iter([at(10, SEND)]), EDGE).different == 0
