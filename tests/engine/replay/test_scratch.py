from __future__ import annotations

from pathlib import Path

from engine.ports import Flush
from engine.replay.scratch import scratch


def test_a_generation_replaces_the_one_before_and_all_vanish() -> None:
    with scratch() as generations:
        assert generations.current() is None
        for number in range(3):
            store = generations.begin()
            assert list(store.customers()) == []
            store.write(Flush(states={"ann": b"%d" % number}))
            generations.swap(store)
            current = generations.current()
            assert current is store
            assert current.get_many(["ann"]) == [b"%d" % number]
        folder: Path = generations._folder
        assert len(list(folder.iterdir())) == 1
    assert not folder.exists()
