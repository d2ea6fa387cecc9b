"""Folds the log and compares with the live state; or decides everything once more and compares with the record.

Neither writes anything in the workspace, so both run beside its owner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from engine.hashes import MODULUS, as_text
from engine.outputs import kept
from engine.replay.folding import Folded, fold_beside
from engine.replay.partition_jobs import Advance, each_partition
from engine.replay.recorded import Recorded, recorded_in
from engine.replay.redecide import Redecided, redecide_partition


@dataclass(frozen=True, slots=True)
class Verified:
    """What folding found, per partition, and what the record holds; `redecided` is empty unless it was asked for."""

    partitions: Sequence[Folded]
    recorded: Recorded
    seconds: float
    redecided: Sequence[Redecided] = field(default_factory=tuple)

    @classmethod
    def of(cls, found: Sequence[tuple[Folded, Recorded, Redecided | None]], seconds: float) -> Verified:
        """What was found in each partition, the record added up."""
        total = Recorded()
        for _, recorded, _ in found:
            total.add(recorded)
        redecided = [again for _, _, again in found if again is not None]
        return cls([folded for folded, _, _ in found], total, seconds, redecided)

    @property
    def different(self) -> int:
        """How many customers and counters of the live world are not what the log folds to."""
        return sum(folded.different for folded in self.partitions)

    @property
    def damaged(self) -> bool:
        """Whether a live world cannot be read."""
        return any(folded.damaged for folded in self.partitions)

    @property
    def decided_differently(self) -> int:
        """How many steps would be decided otherwise from the log alone."""
        return sum(found.different for found in self.redecided)

    def summary(self) -> dict[str, Any]:
        """The numbers that `run --until-idle --json` prints too."""
        metas = [folded.meta for folded in self.partitions if folded.meta is not None]
        events = sum(meta.events for meta in metas)
        return {
            "events": events,
            "duplicates": sum(meta.duplicates for meta in metas),
            "dead_letters": sum(meta.dead_letters for meta in metas),
            "customers": sum(meta.customers for meta in metas),
            "transitions": sum(meta.transitions for meta in metas),
            "decisions": self.recorded.decisions,
            "messages": self.recorded.messages,
            "state_hash": as_text(sum(folded.state_hash for folded in self.partitions) % MODULUS),
            "decisions_hash": as_text(self.recorded.decisions_hash),
            "as_of_ms": max((meta.journey_ms for meta in metas), default=None),
            "seconds": round(self.seconds, 3),
            "events_per_second": round(events / self.seconds) if self.seconds else None,
        }


def verify(
    folder: Path, partitions: int, jobs: int, *, redecide: bool = False, advance: Advance = lambda _: None
) -> Verified:
    """Fold each partition in its own process, up to `jobs` at a time, and compare with the live world."""
    begun = perf_counter()
    arguments = [(folder, partition, redecide) for partition in range(partitions)]
    found = each_partition(_verify_partition, arguments, jobs=jobs, advance=advance)
    return Verified.of(found, perf_counter() - begun)


def _verify_partition(
    folder: Path, partition: int, redecide: bool, advance: Advance
) -> tuple[Folded, Recorded, Redecided | None]:
    from engine.adapters.rocksdb_derived import RocksDerived
    from engine.workspace.workspace import Workspace

    with (
        TemporaryDirectory(prefix="strand-verify-") as temporary,
        Workspace.open(folder, owner=False) as workspace,
    ):
        store = RocksDerived(Path(temporary) / "derived", bulk=True, create=True)
        try:
            folded = fold_beside(workspace, partition, store, advance)
        finally:
            store.close()
        facts = workspace.facts[partition]
        again = redecide_partition(facts, advance) if redecide else None
        return folded, recorded_in(kept(facts.decisions.read())), again
