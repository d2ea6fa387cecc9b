"""What every `DecisionStream` does."""

from __future__ import annotations

from tests.contract.adapters import FactsAdapter


def test_a_new_stream_is_empty(facts: FactsAdapter) -> None:
    decisions = facts.open().decisions
    assert decisions.last() is None
    assert decisions.count() == 0
    assert list(decisions.read()) == []


def test_batches_come_back_in_order_from_where_one_asks(facts: FactsAdapter) -> None:
    decisions = facts.open().decisions
    batches = [b"%d" % n * n for n in range(600)]
    for batch in batches:
        decisions.append(batch)
    assert decisions.count() == 600
    assert decisions.last() == batches[-1]
    assert list(decisions.read()) == batches
    assert list(decisions.read(597)) == batches[597:]
    assert list(decisions.read(600)) == []


def test_batches_are_there_after_a_restart_and_go_on(facts: FactsAdapter) -> None:
    facts.open().decisions.append(b"a")
    decisions = facts.reopen().decisions
    assert decisions.last() == b"a"
    decisions.append(b"b" * (8 << 20))
    assert list(facts.reopen().decisions.read()) == [b"a", b"b" * (8 << 20)]


def test_log_decisions_and_dead_letters_count_apart(facts: FactsAdapter) -> None:
    opened = facts.open()
    opened.log.append([b"event"])
    opened.decisions.append(b"decision")
    opened.dead_letters.put([b"letter"])
    opened = facts.reopen()
    assert opened.log.read(0, 9) == [b"event"]
    assert list(opened.decisions.read()) == [b"decision"]
    assert list(opened.dead_letters.read()) == [b"letter"]
