"""Each worker gets as many partitions, and those it has most of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.runtimes.kafka.assignor import share


def test_who_is_furthest_gets_the_partition() -> None:
    assert share(range(4), {"a": {0: 10, 1: 5}, "b": {0: 9, 1: 6, 2: 1}}) == {"a": [0, 3], "b": [1, 2]}


def test_numbers_come_before_copies() -> None:
    assert share(range(4), {"a": {0: 9, 1: 9, 2: 9, 3: 9}, "b": {}}) == {"a": [0, 1], "b": [2, 3]}
    assert share(range(3), {"a": {0: 9, 1: 9, 2: 9}, "b": {}}) == {"a": [0, 1], "b": [2]}


def test_partitions_that_are_no_more_are_passed_over() -> None:
    assert share(range(2), {"a": {7: 100}}) == {"a": [0, 1]}


@given(
    partitions=st.integers(0, 20),
    members=st.dictionaries(
        st.text("abcdef", min_size=1, max_size=3), st.dictionaries(st.integers(0, 25), st.integers(0, 9)), min_size=1
    ),
)
def test_every_partition_is_given_once_and_evenly(partitions: int, members: dict[str, dict[int, int]]) -> None:
    given_ = share(range(partitions), members)
    assert given_.keys() == members.keys()
    assert sorted(each for parts in given_.values() for each in parts) == list(range(partitions))
    numbers = [len(parts) for parts in given_.values()]
    assert max(numbers) - min(numbers) <= 1
