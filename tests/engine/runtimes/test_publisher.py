"""Publishing as the workspace's owner: answers, refusals, times."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from engine.publisher import Publisher
from engine.runtimes.embedded.answers import Answer
from engine.workspace.workspace import Workspace
from events.dead_letters import DeadLetter, decode_dead_letter
from events.errors import CalledWrongly, OperatorError, Reason, WorkspaceBusy
from events.partitioning import partition_of
from tests.engine.runtimes.shop import DAY_MS, START_MS, event, ids, line, logged, make_shop, run, write_rulebook


def letters(shop: Path) -> list[DeadLetter]:
    with Workspace.open(shop, owner=True) as workspace:
        return [decode_dead_letter(raw) for facts in workspace.facts for raw in facts.dead_letters.read()]


def untimed(name: str, customer: str = "ann") -> bytes:
    """An order of START_MS that does not say when it was appended."""
    return line({key: value for key, value in event(name, customer, START_MS).items() if key != "appended_at"})


def test_each_line_is_answered_with_its_place(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    customers = [f"c{number}" for number in range(20)]
    with Publisher(shop, clock=lambda: START_MS) as publisher:
        answers = list(publisher.publish_lines(untimed(f"o-{each}", each) for each in customers))
        assert not publisher.handed_over
    there = logged(shop)
    for customer, answer in zip(customers, answers, strict=True):
        assert answer.partition == partition_of(customer, 4)
        assert answer.offset is not None
        found, appended_at_ms = there[answer.partition][answer.offset]
        assert (found.id, found.customer_id, appended_at_ms) == (answer.id, customer, START_MS)


def test_the_rulebook_is_activated_before_the_first_event(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    with Publisher(shop, clock=lambda: START_MS) as publisher:
        assert publisher.activated is not None
        assert publisher.publish_group([untimed("o")])[0].offset == 1
    with Publisher(shop, clock=lambda: START_MS) as publisher:
        assert publisher.activated is None


def test_a_broken_rulebook_keeps_no_event_out(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    write_rulebook(shop, extra="\nnonsense: 1\n")
    with Publisher(shop, clock=lambda: START_MS) as publisher:
        assert publisher.broken_rulebook is not None
        assert publisher.broken_rulebook.problems
        assert publisher.publish_group([untimed("o")]) == [Answer(id="o", partition=partition_of("ann", 4), offset=0)]


def test_what_is_refused_becomes_a_dead_letter_of_its_customers_partition(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    lines = [
        b"{nonsense",
        line(event("late", "ann", START_MS + 120_000)),
        untimed("good"),
        line({"id": "no-type", "customer_id": "bob"}),
        b'{"id": "' + b"x" * 300_000 + b'"}',
    ]
    with Publisher(shop, clock=lambda: START_MS) as publisher:
        answers = publisher.publish_group(lines)
    assert [each.reason for each in answers] == [Reason.SYNTAX, Reason.FUTURE, None, Reason.SCHEMA, Reason.TOO_LARGE]
    assert [each.id for each in answers] == [None, "late", "good", "no-type", None]
    assert [each.partition for each in answers] == [
        0,
        partition_of("ann", 4),
        partition_of("ann", 4),
        partition_of("bob", 4),
        0,
    ]
    assert ids(shop) == ["good"]
    kept = letters(shop)
    assert {(each.reason, each.partition) for each in kept} == {
        (each.reason, each.partition) for each in answers if each.reason
    }
    assert {each.raw for each in kept} >= {lines[0], lines[1], lines[3]}


def test_an_event_published_twice_is_appended_twice_and_counts_once(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    with Publisher(shop, clock=lambda: START_MS) as publisher:
        answers = publisher.publish_group([untimed("o"), untimed("o")])
    assert [each.offset for each in answers] == [1, 2]
    report = run(shop)
    assert (report.events, report.duplicates) == (2, 1)


def test_times_never_fall_within_a_partition(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", partitions=1)
    with Publisher(shop, clock=lambda: START_MS + 5) as publisher:
        publisher.publish_group([untimed("a"), line(event("b", "ann", START_MS)), untimed("c")])
    with Publisher(shop, clock=lambda: START_MS) as publisher:
        publisher.publish_group([untimed("d")])
    assert [at_ms for _, at_ms in logged(shop)[0][1:]] == [START_MS + 5] * 4


def test_a_leap_of_more_than_a_week_is_refused_unless_wanted(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    now = [START_MS]
    with Publisher(shop, clock=lambda: now[0]) as publisher:
        publisher.publish_group([untimed("first")])
        now[0] += 7 * DAY_MS
        publisher.publish_group([untimed("a week later", "bob")])
        now[0] += 7 * DAY_MS + 1
        week_later = START_MS + 7 * DAY_MS
        with pytest.raises(OperatorError, match=r"(?s)more than 7 days.*Operator action: .*--catch-up"):
            publisher.publish_group([line(event("before the leap", "eve", week_later)), untimed("leap")])
    assert ids(shop) == ["a week later", "before the leap", "first"]
    with Publisher(shop, catch_up=True, clock=lambda: now[0]) as publisher:
        assert publisher.publish_group([untimed("leap")])[0].reason is None


def test_events_are_published_from_python(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    moment = datetime(2025, 1, 1, 12, tzinfo=UTC)
    data = {"order_id": "1", "total": Decimal("12.50")}
    with Publisher(shop, clock=lambda: START_MS + DAY_MS) as publisher:
        one = publisher.publish(id="o", type="order_completed", customer_id="ann", occurred_at=moment, data=data)
        more = publisher.publish_many(
            [
                {
                    "id": "p",
                    "type": "page_viewed",
                    "customer_id": "ann",
                    "occurred_at": START_MS,
                    "data": {"url": "/a"},
                },
                {"id": "huge", "type": "noticed", "customer_id": "ann", "occurred_at": 1, "data": {"n": 10**30}},
                {"id": "nan", "type": "noticed", "customer_id": "ann", "occurred_at": 1, "data": {"n": float("nan")}},
                {"id": "odd", "type": "noticed", "customer_id": "ann", "occurred_at": 1, "data": {"n": {1, 2}}},
            ]
        )
        assert [each.reason for each in more] == [None, Reason.RANGE, Reason.RANGE, None]
    found = next(each for part in logged(shop) for each, _ in part if each.id == "o")
    assert one.reason is None
    assert found.occurred_at_ms == START_MS + DAY_MS // 2
    assert found.data == {"order_id": "1", "total": 12.5}


def test_one_owner_at_a_time(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    with Publisher(shop), pytest.raises(WorkspaceBusy, match="Operator action"):
        Publisher(shop)


def test_a_folder_that_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(CalledWrongly, match="strand init"):
        Publisher(tmp_path)
