"""What every `DerivedStore` does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.adapters.memory import MemoryDerived
from engine.adapters.rocksdb_derived import RocksDerived
from engine.ports import DerivedStore, Flush
from tests.contract.adapters import DerivedAdapter

FOREVER_MS = 1 << 60


def everything(store: DerivedStore) -> tuple[object, ...]:
    """All that a store holds, through the port."""
    return (
        list(store.customers()),
        list(store.timers(0, FOREVER_MS)),
        list(store.seen(0)),
        list(store.transitions()),
        list(store.letters()),
        store.meta(),
    )


def test_a_new_store_is_empty(derived: DerivedAdapter) -> None:
    store = derived.open()
    assert everything(store) == ([], [], [], [], [], None)
    assert store.get_many(["ann"]) == [None]
    assert store.get_many([]) == []


def test_states_come_back_in_the_order_asked(derived: DerivedAdapter) -> None:
    store = derived.open()
    store.write(Flush(states={"ann": b"1", "bob": b"2", "zoë": b"", "客": b"\0" * 100_000}))
    assert store.get_many(["客", "nobody", "ann", "zoë", "ann"]) == [b"\0" * 100_000, None, b"1", b"", b"1"]
    store.write(Flush(states={"ann": b"3"}))
    assert store.get_many(["ann", "bob"]) == [b"3", b"2"]


def test_a_flush_that_was_prepared_in_parts_is_written_as_one(derived: DerivedAdapter) -> None:
    store = derived.open()
    store.write(Flush(states={"ann": b"1"}, timers_put=[(1, "ann")], meta=b"old"))
    before = everything(store)
    flush = Flush(timers_delete=[(1, "ann"), (2, "bob")], timers_put=[(2, "bob")], meta=b"new", seen=[(7, b"ids")])
    for customer, state in (("ann", b"2"), ("bob", b"3"), ("zoë", b"4")):
        flush.states[customer] = state
        store.prepare(flush)
        assert everything(store) == before
    flush.states["cid"] = b"5"
    store.write(flush)
    assert store.get_many(["ann", "bob", "cid", "zoë"]) == [b"2", b"3", b"5", b"4"]
    assert list(store.timers(0, FOREVER_MS)) == [(2, "bob")]
    assert (list(store.seen(0)), store.meta()) == ([(7, b"ids")], b"new")


def test_customers_are_ordered_by_the_bytes_of_their_ids(derived: DerivedAdapter) -> None:
    store = derived.open()
    ids = ["b", "a", "ab", "é", "e", "\U0001f600", "￿", "Z", "aa"]  # UTF-16 would put the emoji before U+FFFF
    store.write(Flush(states={customer: customer.encode() for customer in ids}))
    ordered = sorted(ids, key=str.encode)
    assert list(store.customers()) == [(customer, customer.encode()) for customer in ordered]


def test_timers_come_by_instant_then_by_id_and_the_end_is_excluded(derived: DerivedAdapter) -> None:
    store = derived.open()
    store.write(Flush(timers_put=[(20, "b"), (10, "z"), (20, "a"), (30, "c"), (0, "first"), (20, "a")]))
    assert list(store.timers(0, 31)) == [(0, "first"), (10, "z"), (20, "a"), (20, "b"), (30, "c")]
    assert list(store.timers(10, 20)) == [(10, "z")]
    assert list(store.timers(20, 20)) == []
    assert list(store.timers(-5, 1)) == [(0, "first")]
    store.write(Flush(timers_delete=[(20, "a"), (99, "nobody")]))
    assert list(store.timers(0, FOREVER_MS)) == [(0, "first"), (10, "z"), (20, "b"), (30, "c")]


def test_a_timer_deleted_and_put_in_one_flush_stays(derived: DerivedAdapter) -> None:
    store = derived.open()
    store.write(Flush(timers_put=[(10, "a")]))
    store.write(Flush(timers_put=[(10, "a")], timers_delete=[(10, "a")]))
    assert list(store.timers(0, FOREVER_MS)) == [(10, "a")]


def test_what_is_kept_by_offset_is_read_from_an_offset_on(derived: DerivedAdapter) -> None:
    store = derived.open()
    entries = [(offset * 1000, b"%d" % offset) for offset in range(2500)]
    store.write(Flush(seen=entries, transitions=entries[::-1], letters=entries[:3]))
    assert list(store.seen(0)) == entries
    assert list(store.seen(2_000_001)) == entries[2001:]
    assert list(store.transitions()) == entries
    assert list(store.transitions(2_499_000)) == entries[2499:]
    assert list(store.letters()) == entries[:3]
    assert list(store.letters(entries[1][0])) == entries[1:3]


def test_meta_is_kept_until_another_is_written(derived: DerivedAdapter) -> None:
    store = derived.open()
    store.write(Flush(meta=b"one"))
    store.write(Flush(states={"ann": b"1"}))
    assert store.meta() == b"one"
    store.write(Flush(meta=b""))
    assert store.meta() == b""


def test_everything_is_there_after_a_restart(derived: DerivedAdapter) -> None:
    store = derived.open()
    store.write(
        Flush(
            states={f"c{n:05}": b"%d" % n for n in range(3000)},
            timers_put=[(n, f"c{n:05}") for n in range(3000)],
            seen=[(0, b"ids")],
            transitions=[(0, b"steps")],
            letters=[(7, b"letter")],
            meta=b"applied 3000",
        )
    )
    before = everything(store)
    assert everything(derived.reopen()) == before


FLUSHES = st.lists(
    st.builds(
        Flush,
        states=st.dictionaries(st.text("aé客😀", min_size=1, max_size=3), st.binary(max_size=5), max_size=4),
        timers_put=st.lists(st.tuples(st.integers(0, 20), st.sampled_from("abc")), max_size=4),
        timers_delete=st.lists(st.tuples(st.integers(0, 20), st.sampled_from("abc")), max_size=4),
        transitions=st.lists(st.tuples(st.integers(0, 9), st.binary(max_size=3)), max_size=3),
        meta=st.none() | st.binary(max_size=3),
    ),
    max_size=6,
)


@settings(max_examples=25)
@given(flushes=FLUSHES)
def test_rocksdb_and_memory_hold_the_same(tmp_path_factory: pytest.TempPathFactory, flushes: list[Flush]) -> None:
    kept = RocksDerived(tmp_path_factory.mktemp("derived") / "p0", create=True)
    memory = MemoryDerived()
    for flush in flushes:
        kept.write(flush)
        memory.write(flush)
    assert everything(kept) == everything(memory)
    kept.close()
