"""Folds every partition again beside the live generation, compares, and swaps all of them by one rename."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from engine.hashes import MODULUS
from engine.replay.folding import Folded, fold_beside
from engine.replay.partition_jobs import Advance, each_partition

if TYPE_CHECKING:
    from engine.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild found and did; the hashes are sums over the partitions, None where one had no live world."""

    partitions: Sequence[Folded]
    swapped: bool
    seconds: float

    @property
    def equal(self) -> bool:
        """Whether every world that there was to compare with is what the facts fold to."""
        return not any(folded.different for folded in self.partitions)

    @property
    def compared(self) -> bool:
        """Whether there was a live world to compare with anywhere."""
        return any(folded.live_hash is not None for folded in self.partitions)

    @property
    def records(self) -> int:
        """How many records were folded."""
        return sum(folded.meta.applied + 1 for folded in self.partitions if folded.meta is not None)

    @property
    def state_hash(self) -> int:
        """The hash of all that was folded."""
        return sum(folded.state_hash for folded in self.partitions) % MODULUS


def rebuild(workspace: Workspace, jobs: int, *, accept: bool = False, advance: Advance = lambda _: None) -> Rebuilt:
    """Fold all partitions again, up to `jobs` at a time, and swap them in if they equal the live ones (or `accept`).

    `workspace` is open as owner with none of its databases open yet: each child opens its own.
    """
    begun = perf_counter()
    partitions = range(workspace.settings.partitions)
    names = {partition: workspace.generations.begin(partition) for partition in partitions}
    try:
        arguments = [(workspace.folder, partition, names[partition]) for partition in partitions]
        folded = each_partition(_fold_into, arguments, jobs=jobs, advance=advance)
        found = Rebuilt(folded, swapped=False, seconds=0.0)
        swapped = {each.partition: names.pop(each.partition) for each in folded if each.meta is not None}
        if swapped and (accept or found.equal):
            workspace.generations.swap(swapped)
        else:
            names.update(swapped)
            swapped = {}
    finally:
        for name in names.values():
            workspace.generations.discard(name)
    return Rebuilt(folded, swapped=bool(swapped), seconds=perf_counter() - begun)


def _fold_into(folder: Path, partition: int, name: str, advance: Advance) -> Folded:
    """In a process of its own: one partition into the generation that the parent began."""
    from engine.workspace.workspace import Workspace

    with Workspace.open(folder, owner=False) as workspace:
        store = workspace.open_generation(name, bulk=True)
        try:
            return fold_beside(workspace, partition, store, advance)
        finally:
            store.close()
