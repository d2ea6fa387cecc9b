"""A rolling audit: sample by sample, what the workers hold of customers is compared with a fold of the log.

next sample -> each partition's owner says its customers' hashes and up to which offset -> our own copy of the topics
is brought up to date -> the sample is folded from nothing up to there -> any difference is an alarm

The copy stays in the audit's folder, which is its alone; the topics are read once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry, Counter

from engine.adapters.memory import MemoryDerived
from engine.hashes import as_text, canonical_state, customer_hash
from engine.runtimes.kafka.asking import Workers
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.comparing import foreign, incomparable
from engine.runtimes.kafka.connection import Found
from engine.runtimes.kafka.following import Followed
from engine.runtimes.kafka.live_state import LiveState
from engine.runtimes.kafka.refolding import refold
from engine.runtimes.kafka.sampling import Sample
from engine.self_closing import closed_on_failure
from engine.workspace.durable_files import refused
from engine.workspace.lock import OwnerLock
from events.errors import OperatorError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A customer, or '' for a partition's own, whose live state is not what the log folds to up to an offset.

    `live` and `folded` are hashes of the state, '' where there is none, or what is wrong in words.
    """

    partition: int
    applied: int
    customer: str
    live: str
    folded: str

    def __str__(self) -> str:
        who = f"customer {self.customer!r} of partition" if self.customer else "partition"
        sides = f"live {self.live or 'nothing'}, folded {self.folded or 'nothing'}"
        return f"{who} {self.partition}, up to offset {self.applied}: {sides}"


class AuditFigures:
    """What the audit has done, for Prometheus."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.customers = Counter("strand_audit_customers", "Customers that were compared", registry=registry)
        self.differences = Counter("strand_audit_differences", "States that are not the log's", registry=registry)
        self.passed_over = Counter("strand_audit_passed_over", "Partitions that nobody told of", registry=registry)


class Audit:
    """Use with `async with`. Samples go from slot 0 to `of` - 1 and begin anew.

    `found` gathers every disagreement of this process, `compared` counts customers, `passed_over` partitions that
    could not be asked for. Raises WorkspaceBusy if another audit uses the folder.
    """

    def __init__(self, clients: Clients, found: Found, workers: Workers, folder: Path, *, of: int) -> None:
        self.found: list[Disagreement] = []
        self.compared = self.passed_over = 0
        self.figures = AuditFigures()
        self._clients, self._workers, self._there = clients, workers, found
        self._folder, self._of, self._slot = folder, of, 0
        self._stack = ExitStack()
        self._copies: Mapping[int, Followed] = {}

    async def __aenter__(self) -> Self:
        from engine.adapters.rocksdb_storage import RocksStorage  # noqa: PLC0415 -- adapters load when chosen

        with refused(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
        lock = OwnerLock(self._folder, what="audit's folder", beside="another audit needs a --folder of its own")
        self._stack.callback(lock.release)
        with closed_on_failure(self._stack.close):
            storage = RocksStorage(owner=True)
            partitions = range(self._there.partitions)
            self._copies = {each: Followed(self._folder, each, self._there, storage) for each in partitions}
        for copy in self._copies.values():
            self._stack.callback(copy.close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    async def rested(self) -> int:
        """A round, for a service that rests after it."""
        await self.round()
        return 0

    async def round(self) -> None:
        """Audit the next sample in every partition; a disagreement is logged, counted and kept in `found`."""
        sample = Sample(self._slot, self._of)
        self._slot = (self._slot + 1) % self._of
        for partition, copy in self._copies.items():
            live = await self._asked(partition, sample)
            if live is None:
                self.passed_over += 1
                self.figures.passed_over.inc()
                continue
            await copy.catch_up(self._clients)
            for each in await asyncio.to_thread(audited, copy, live, sample):
                log.error("AUDIT FAILED: %s", each)
                self.found.append(each)
                self.figures.differences.inc()
            self.compared += len(live.customers)
            self.figures.customers.inc(len(live.customers))

    async def _asked(self, partition: int, sample: Sample) -> LiveState | None:
        """What the partition's owner holds; None, with a warning, if nobody tells: workers come and go."""
        try:
            live = await asyncio.to_thread(self._workers.state, partition, sample, each=True)
            why = "it is open in no worker" if live is None else incomparable(live)
        except OperatorError as error:
            live, why = None, error.message
        if why:
            log.warning("partition %d is passed over: %s", partition, why)
        return None if why else live


def audited(copy: Followed, live: LiveState, sample: Sample) -> list[Disagreement]:
    """On what of a sample a live state and the fold of the log disagree."""
    wrong = foreign(copy, live)
    if wrong:
        return [
            Disagreement(live.partition, live.applied, "", f"{each.field}: {each.live}", str(each.folded))
            for each in wrong
        ]
    world = refold(copy, MemoryDerived(), activation=live.activation_offset, upto=live.applied, sample=sample)
    folded = {
        customer: as_text(customer_hash(customer, canonical_state(world, state, live.journey_ms)))
        for customer, state in world.all_states()
    }
    pairs = [
        (name, live.customers.get(name, ""), folded.get(name, "")) for name in sorted(folded.keys() | live.customers)
    ]
    return [Disagreement(live.partition, live.applied, *each) for each in pairs if each[1] != each[2]]
