"""One trial: records come, workers are struck, and in the end all is as if nothing had happened.

What is compared with a run without faults: what readers keep of the transitions and of the decisions, a fold of
everything from nothing, and the states that the workers have on their disks. Where workers are of several builds, each
position must be as the build decides that owned it. What an owner had done is never decided again by a later one.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from aiokafka.errors import KafkaError

from deploy.kafka.cluster import Cluster, free_ports
from engine.runtimes.embedded.report import RunReport
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import INTERACTIONS, Connection
from events.errors import StrandError
from tests.chaos_kafka.kinds import ARRIVES_TWICE, FAULTS, SEVERAL_BUILDS, WITH_PAGES
from tests.chaos_kafka.processes import Slot, forking
from tests.chaos_kafka.reporting import need_announced, need_as_decided, need_settled, report
from tests.chaos_kafka.stage import Stage
from tests.chaos_kafka.workload import PARTITIONS, Workload, publish
from tests.engine.runtimes.kafka.clusters import make_topics

T = TypeVar("T")

CATCH_UP_S = 240.0
WORKERS = 3
ENOUGH_STARTS = {"builds": 18, "zombies": 8}
"""Takeovers between builds that a trial of those should have: a kill shows a frontier that is too low only if it meets
records that one build decided nothing of, and another would."""

PASSING = frozenset({"processed", "seconds", "events_per_second"})
FOUND = (AssertionError, StrandError)
"""What a trial raises that finds something wrong."""

ARRIVALS = frozenset({"events", "duplicates"})
"""A publisher whose broker died may append an event twice, as any publisher may; it counts once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`strikes` overlapped work in flight; `claims` were made in all, `entries` appended to the decisions.

    `points` are places at which workers died by themselves; `phases` are the seconds of starting and being struck,
    catching up, stopping, comparing.
    """

    fault: str
    seed: int
    strikes: int
    deaths: int
    claims: int
    entries: int
    points: dict[str, int]
    phases: tuple[float, ...]


@dataclass(slots=True, kw_only=True)
class Trial:
    """What one trial is to be; `run` runs it. Records come for `seconds`.

    Odd seeds have workers whose membership stays over restarts; every second pair of seeds takes few records at a time.
    """

    fault: str
    seed: int
    workload: Workload
    folder: Path
    cluster: Cluster
    prefix: str
    seconds: float
    planted: str | None = None
    catch_up_s: float = CATCH_UP_S
    slots: list[Slot] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)
    marks: list[float] = field(default_factory=list)

    async def run(self) -> Outcome:
        """Run it; raises AssertionError where something differs."""
        self._phase()
        connection = make_topics(
            self.cluster.bootstrap, self.prefix, PARTITIONS, replication=min(3, len(self.cluster.nodes))
        )
        self._make_slots()
        clients = Clients(connection, patient=True)
        await clients.start()
        try:
            strikes, stage = await self._struck(clients)
            self._phase()
            await self._caught_up(clients)
            owners = {partition: slot for slot in self.slots for partition in slot.done()}
            self._phase()
            for slot in self.slots:
                await asyncio.to_thread(_stop, slot)
            self._phase()
        finally:
            for slot in self.slots:
                if slot.alive:
                    slot.kill()
            await clients.stop()
        claims, entries = await self._compared(connection, owners)
        for check in stage.afterwards:
            await check()
        self._phase()
        return Outcome(
            fault=self.fault,
            seed=self.seed,
            strikes=strikes,
            deaths=sum(slot.deaths for slot in self.slots),
            claims=claims,
            entries=entries,
            points=dict(sum((slot.points for slot in self.slots), Counter())),
            phases=tuple(round(b - a, 1) for a, b in zip(self.marks, self.marks[1:], strict=False)),
        )

    def _phase(self) -> None:
        self.marks.append(time.monotonic())

    def _make_slots(self) -> None:
        ports = free_ports(1)[0] if self.fault in WITH_PAGES else None
        web = [None] * WORKERS if ports is None else [ports.client, ports.internal, ports.controller]
        self.slots = [
            Slot(
                self.folder / f"w{number}",
                number,
                self.cluster.bootstrap,
                self.prefix,
                static=self.seed % 2 == 1,
                fine=self.seed // 2 % 2 == 0,
                planted=self.planted,
                web_port=web[number],
            )
            for number in range(WORKERS)
        ]

    # ------------------------------------------------------------ while records come
    async def _struck(self, clients: Clients) -> tuple[int, Stage]:
        """Publish, strike, and have all workers run again; how often it struck work in flight."""
        self.ends.update(dict.fromkeys(self.workload.records, 0))
        publishing = asyncio.create_task(self._publish(clients))
        watching = asyncio.create_task(self._watch(clients))
        stage = Stage(
            slots=self.slots,
            cluster=self.cluster,
            connection=clients.connection,
            workload=self.workload,
            folder=self.folder,
            rng=random.Random(self.seed),
            going=lambda: not publishing.done(),
            busy=lambda slot: (
                slot.alive and any(done < self.ends[partition] for partition, done in slot.done().items())
            ),
        )
        try:
            strikes = await FAULTS[self.fault](stage)
            await publishing
        finally:
            publishing.cancel()
            watching.cancel()
        for slot in self.slots:
            if not slot.alive:
                slot.start(build=slot.build)
        return strikes, stage

    async def _publish(self, clients: Clients) -> None:
        """Publish once a worker works, so that faults meet work in flight."""
        while not any(slot.done() for slot in self.slots):  # noqa: ASYNC110 -- heard by threads
            await asyncio.sleep(0.05)
        enough = WORKERS + ENOUGH_STARTS.get(self.fault, 0)
        await publish(
            clients,
            self.workload,
            seconds=self.seconds,
            enough=lambda: sum(slot.starts for slot in self.slots) >= enough,
        )

    async def _watch(self, clients: Clients) -> None:
        while True:
            with suppress(KafkaError):
                self.ends.update(await clients.ends(clients.connection.topic(INTERACTIONS), range(PARTITIONS)))
            await asyncio.sleep(0.1)

    async def _caught_up(self, clients: Clients) -> None:
        """Wait until each partition is with one worker that has done all of it."""
        topic = clients.connection.topic(INTERACTIONS)
        until = time.monotonic() + self.catch_up_s
        while True:
            ends = await clients.ends(topic, range(PARTITIONS))  # grows where an owner completes an activation
            done = [(partition, offset) for slot in self.slots for partition, offset in slot.done().items()]
            if sorted(done) == sorted(ends.items()):
                return
            if time.monotonic() > until:
                words = "\n".join(f"w{slot.number}: {slot.last_words()}" for slot in self.slots)
                raise AssertionError(f"not caught up: {sorted(done)}, must be {sorted(ends.items())}\n{words}")
            for slot in self.slots:
                if not slot.alive:  # a place to die at that was reached only now
                    slot.start(build=slot.build)
                elif slot.stands_still():  # or to stand still at
                    slot.thaw()
            await asyncio.sleep(0.1)

    # ------------------------------------------------------------ once it is over
    async def _compared(self, connection: Connection, owners: dict[int, Slot]) -> tuple[int, int]:
        """From the workers' disks, from nothing, and from the topics; how many claims and entries there are."""
        passing = PASSING | (ARRIVALS if self.fault in ARRIVES_TWICE else frozenset())
        with ProcessPoolExecutor(2, mp_context=forking, max_tasks_per_child=1) as pool:

            async def asked(what: Callable[..., T], *arguments: object) -> T:
                given = partial(what, *arguments, self.planted)
                return await asyncio.get_running_loop().run_in_executor(pool, given)

            several = self.fault in SEVERAL_BUILDS
            settled = {key: done for slot in self.slots for key, done in slot.settled.items()}
            found = await asked(need_settled, connection, settled)
            await asked(need_announced, connection, self.workload.transitions)
            if several:
                checks = [
                    asked(need_as_decided, connection, self.folder / "again", partition)
                    for partition in range(PARTITIONS)
                ]
                await asyncio.gather(*checks)
            for build in sorted({slot.build for slot in owners.values()}):
                live_folder, folded_folder = (self.folder / f"{name}{build}" for name in ("live", "folded"))
                mine = {partition: slot for partition, slot in owners.items() if slot.build == build}
                for partition, slot in mine.items():
                    shutil.copytree(slot.folder / f"p{partition}", live_folder / f"p{partition}")
                reports = [asked(report, connection, folder, build) for folder in (live_folder, folded_folder)]
                live, folded = await asyncio.gather(*reports)
                if len(mine) == PARTITIONS:
                    assert live.processed < live.events / 2, "the states on the workers' disks lag far behind"
                _need_equal(f"live of build {build}", live, folded, passing)
                if not several:
                    _need_equal("folded", folded, self.workload.expected, passing)
        return found


def _need_equal(name: str, found: RunReport, expected: RunReport, passing: frozenset[str]) -> None:
    differences = {
        each: (getattr(found, each), getattr(expected, each))
        for each in RunReport.__dataclass_fields__
        if each not in passing and getattr(found, each) != getattr(expected, each)
    }
    assert not differences, f"{name}: {differences}"


def _stop(slot: Slot) -> None:
    """End it in order: again where it dies at a place that its last start named, or no broker answered then."""
    slot.thaw()
    code = slot.stop()
    if code == -signal.SIGKILL or (code == 1 and slot.met_no_broker()):
        slot.start(build=slot.build)
        while not slot.said:
            time.sleep(0.05)
        code = slot.stop()
    young = code == -signal.SIGTERM and not slot.said  # it did not listen to signals yet
    assert code == 0 or young, f"w{slot.number} ended with {code}: {slot.last_words()}"
