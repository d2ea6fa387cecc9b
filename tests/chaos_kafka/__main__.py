"""Trials against brokers of their own, one after another, added up by commit.

python -m tests.chaos_kafka --minutes 30              faults in turn, seeds at random; adds to chaos-kafka-results.jsonl
python -m tests.chaos_kafka --trials 6 --short        so many, without adding up
python -m tests.chaos_kafka --fault kill --seed 17    one again
python -m tests.chaos_kafka --planted state-first --fault between --trials 5      how many find it: added up too
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import logging
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from random import SystemRandom

from deploy.kafka.cluster import Cluster, running
from tests.chaos_kafka.kinds import FAULTS, SHORT
from tests.chaos_kafka.planted import PLANTED
from tests.chaos_kafka.processes import SESSIONS
from tests.chaos_kafka.results import Results
from tests.chaos_kafka.trial import CATCH_UP_S, FOUND, Outcome, Trial
from tests.chaos_kafka.workload import Workload, make_workload

TRIES = 4
"""Trials at most for one that counts, where so many are asked for."""

PLANTED_CATCH_UP_S = 40.0
"""A planted fault may keep workers from catching up: that finds it."""


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos_kafka", description="Kill, freeze, scale, compare.")
    parser.add_argument("--minutes", type=float, help="go on for so long, and add up")
    parser.add_argument("--trials", type=int, default=1)
    parser.add_argument("--fault", choices=sorted(FAULTS), action="append", help="only this one; may be repeated")
    parser.add_argument("--short", action="store_true", help=f"only {', '.join(SHORT)}")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--nodes", type=int, default=1, help="brokers")
    parser.add_argument("--at-once", type=int, default=1, help="trials side by side, with brokers of their own")
    parser.add_argument("--planted", choices=sorted(PLANTED), help="have every worker make this fault")
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, help="for how long records come; 12 for 10,000, 25 for 100,000")
    return parser.parse_args()


class Run:
    """Trials on some clusters at once, all of the same history."""

    def __init__(self, chosen: argparse.Namespace, workload: Workload, folder: Path) -> None:
        self.chosen, self.workload, self.folder = chosen, workload, folder
        self.results = Results(
            events=chosen.events,
            nodes=chosen.nodes,
            planted=chosen.planted,
            kept=bool(chosen.minutes or chosen.planted),
        )
        self._faults = chosen.fault or list(SHORT if chosen.short else FAULTS)
        self._seconds = chosen.seconds or 10.5 + 1.45 * chosen.events / 10_000
        self._until = time.monotonic() + 60 * (chosen.minutes or 0)
        self._telling = threading.Lock()
        self._numbers = self._count()

    def _count(self) -> Iterator[int]:
        # A run that is cut off and begun again must not always begin with the same faults.
        first = SystemRandom().randrange(len(self._faults)) if self.chosen.minutes else 0
        for number in itertools.count():
            if time.monotonic() > self._until if self.chosen.minutes else number == self.chosen.trials:
                return
            yield first + number

    def on(self, cluster: Cluster) -> None:
        """Take one number after another, and run its trial on a cluster."""
        while True:
            with self._telling:
                number = next(self._numbers, None)
            if number is None:
                return
            self._one(number, cluster)

    def _one(self, number: int, cluster: Cluster) -> None:
        """A trial; others in its place, of a run of so many, while one shows nothing."""
        fault = self._faults[number % len(self._faults)]
        for again in range(1 if self.chosen.minutes or self.chosen.seed is not None else TRIES):
            if self._shows(fault, f"{number}.{again}", cluster):
                return

    def _shows(self, fault: str, name: str, cluster: Cluster) -> bool:
        """Run a trial; whether it counts."""
        seed = SystemRandom().randrange(1 << 31) if self.chosen.seed is None else self.chosen.seed
        folder = self.folder / f"trial{name}"
        planned = Trial(
            fault=fault,
            seed=seed,
            workload=self.workload,
            folder=folder,
            cluster=cluster,
            prefix=f"t{name}.",
            seconds=self._seconds,
            planted=self.chosen.planted,
            catch_up_s=PLANTED_CATCH_UP_S if self.chosen.planted else CATCH_UP_S,
        )
        began = time.monotonic()
        outcome: Outcome | str
        try:
            outcome = asyncio.run(planned.run())
        except FOUND as error:
            outcome = f"--fault {fault} --seed {seed}"
            print(f"FAILED {outcome}: {str(error)[:3000]}", flush=True)
        else:
            print(outcome, flush=True)
        with self._telling:
            self.results.add(outcome, time.monotonic() - began)
        shutil.rmtree(folder, ignore_errors=True)
        return isinstance(outcome, str) or outcome.strikes > 0


def main() -> int:
    chosen = options()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a new topic has no leader for a moment
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="strand-chaos-")))
        clusters = [
            stack.enter_context(running(scratch / f"kafka{number}", nodes=chosen.nodes, properties=SESSIONS))
            for number in range(chosen.at_once)
        ]
        run = Run(chosen, make_workload(scratch, events=chosen.events, seed=1), scratch)
        with ThreadPoolExecutor(len(clusters)) as pool:
            list(pool.map(run.on, clusters))
    counts, failed = run.results.counts, run.results.failed
    what = f"{counts['found']} found the planted fault" if chosen.planted else f"{len(failed)} failed"
    print(f"{counts['trials']} trials count, {what}; {counts['idle']} struck when nothing was in flight")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
