"""Where benchmarks run: real storage in a folder, driven as the runtime drives it.

Each measurement runs in a process of its own, so that nothing of another is warm or in the way.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from engine.activations import append_activation
from engine.bench.workload import START_MS
from engine.compiled import Compiled, compile_rulebook
from engine.ports import DerivedStore
from engine.rulebook.rulebook import Rulebook, unpack
from engine.shard import Shard
from events.codec import Activation

if TYPE_CHECKING:
    from engine.adapters.rocksdb_derived import RocksDerived
    from engine.adapters.rocksdb_facts import RocksFacts
    from engine.adapters.rocksdb_options import StoreMemory

BATCH = 2_000

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured: all, or a tenth once, to see that everything runs."""

    quick: bool = False

    def of(self, number: int) -> int:
        """A size."""
        return number // 10 if self.quick else number

    @property
    def rounds(self) -> range:
        """How often each measurement is repeated, in turn with what it is compared with."""
        return range(1 if self.quick else 3)


class Watch:
    """What passes while it runs, in seconds: by the wall, and by the processor alone, which knows no neighbours."""

    def __init__(self) -> None:
        self.seconds = self.cpu_s = 0.0

    def __enter__(self) -> Self:
        self._began, self._cpu_began = time.perf_counter(), time.process_time()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds += time.perf_counter() - self._began
        self.cpu_s += time.process_time() - self._cpu_began


@dataclass(frozen=True, slots=True)
class Cost:
    """An event's time in microseconds, by the wall and by the processor alone."""

    us: float
    cpu_us: float

    @classmethod
    def of(cls, watch: Watch, events: int) -> Self:
        """What a watch saw, an event."""
        return cls(watch.seconds / events * 1e6, watch.cpu_s / events * 1e6)


def apart(function: Callable[..., Result], *arguments: Any) -> Result:
    """The function's result, computed in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def ratio(above: Iterable[float], below: Iterable[float]) -> float:
    """The median of the rounds' ratios."""
    return median(a / b for a, b in zip(above, below, strict=True))


class FolderGenerations:
    """Generations of a bench: numbered folders, no manifest."""

    def __init__(self, folder: Path, store: DerivedStore | None = None) -> None:
        self.folder = folder
        self.made = 0
        self.memory: StoreMemory | None = None
        self.store = store

    def current(self) -> DerivedStore | None:
        """The current generation."""
        return self.store

    def begin(self, *, bulk: bool = False) -> DerivedStore:
        """A new one."""
        from engine.adapters.rocksdb_derived import RocksDerived

        self.made += 1
        return RocksDerived(self.folder / f"g{self.made}", create=True, bulk=bulk, memory=self.memory)

    def swap(self, store: DerivedStore) -> None:
        """Make it the current one."""
        self.store = store


class Stand:
    """One partition and a rulebook, unpacked and compiled; as a context manager it closes what it opened."""

    def __init__(self, folder: Path, packed: bytes) -> None:
        self.folder = folder
        self.rulebook: Rulebook = unpack(packed)
        began = time.perf_counter()
        self.compiled: Compiled = compile_rulebook(self.rulebook)
        self.compile_s = time.perf_counter() - began
        self.generations = FolderGenerations(folder)
        self._memory: StoreMemory | None = None
        self._facts: RocksFacts | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.generations.store is not None:
            self.generations.store.close()
        if self._facts is not None:
            self._facts.close()

    def activation(self) -> Activation:
        """The activation that everything starts with."""
        return Activation(id="bench", at_ms=START_MS, hash=self.rulebook.hash, rulebook=self.rulebook.packed())

    def in_memory(self) -> Shard:
        """A shard that writes nowhere, with the rulebook active."""
        from engine.adapters.memory import MemoryDecisions, MemoryLog
        from engine.adapters.memory_generations import MemoryGenerations

        log = MemoryLog()
        append_activation(log, self.activation(), START_MS)
        return opened(Shard(log, MemoryDecisions(), MemoryGenerations(), *self.makers()))

    def on_disk(self) -> Shard:
        """A new shard on RocksDB, with the rulebook active."""
        append_activation(self.facts.log, self.activation(), START_MS)
        return opened(self.shard())

    @property
    def facts(self) -> RocksFacts:
        """The partition's facts in the folder, made if they are not there."""
        if self._facts is None:
            self._facts = open_facts(self.folder, self.memory)
        return self._facts

    @property
    def memory(self) -> StoreMemory:
        """What all stores share, as the runtime's do."""
        from engine.adapters.rocksdb_options import StoreMemory

        if self._memory is None:
            self._memory = self.generations.memory = StoreMemory()
        return self._memory

    def shard(self) -> Shard:
        """A shard over the facts and the current generation, not yet open."""
        return Shard(self.facts.log, self.facts.decisions, self.generations, *self.makers())

    def makers(self) -> tuple[Callable[[bytes], Rulebook], Callable[[Rulebook], Compiled]]:
        """What a shard loads and compiles with: what is compiled already."""
        return (lambda _: self.rulebook), (lambda _: self.compiled)


def open_facts(folder: Path, memory: StoreMemory | None = None) -> RocksFacts:
    """A partition's facts in a folder, made if they are not there."""
    from engine.adapters.rocksdb_facts import RocksFacts

    return RocksFacts(folder / "facts", 0, create=True, memory=memory)


def open_store(folder: Path, name: str, memory: StoreMemory | None = None) -> RocksDerived:
    """A derived store beside them, likewise."""
    from engine.adapters.rocksdb_derived import RocksDerived

    return RocksDerived(folder / name, create=True, memory=memory)


def opened(shard: Shard) -> Shard:
    """The shard, open and with everything in its log processed."""
    shard.open()
    while shard.process(BATCH):
        pass
    return shard


def groups(records: Iterator[bytes], size: int = BATCH) -> Iterator[list[bytes]]:
    """Records in lists of `size`."""
    group: list[bytes] = []
    for record in records:
        group.append(record)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


class Stages:
    """Seconds by stage: wraps methods of one object each."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def time(self, owner: Any, method: str, stage: str) -> None:
        """Count the time of a method under a stage."""
        inner = getattr(owner, method)

        def timed(*arguments: Any, **keywords: Any) -> Any:
            began = time.perf_counter()
            try:
                return inner(*arguments, **keywords)
            finally:
                self.seconds[stage] += time.perf_counter() - began

        setattr(owner, method, timed)
