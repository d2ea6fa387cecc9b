"""Trials against a broker of their own, one after another, added up by commit.

python -m tests.chaos_kafka --minutes 30              faults in turn, seeds at random; adds to chaos-kafka-results.jsonl
python -m tests.chaos_kafka --trials 6                so many, without adding up
python -m tests.chaos_kafka --fault kill --seed 17    one again
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import SystemRandom
from typing import Any

from deploy.kafka.cluster import Cluster, running
from tests.chaos.__main__ import ROOT, commit
from tests.chaos_kafka.faults import FAULTS
from tests.chaos_kafka.planted import PLANTED
from tests.chaos_kafka.trial import Outcome, trial
from tests.chaos_kafka.workload import Workload, make_workload

RESULTS = ROOT / "bench" / "chaos-kafka-results.jsonl"


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos_kafka", description="Kill, freeze, scale, compare.")
    parser.add_argument("--minutes", type=float, help="go on for so long, and add up")
    parser.add_argument("--trials", type=int, default=1)
    parser.add_argument("--fault", choices=sorted(FAULTS))
    parser.add_argument("--seed", type=int)
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--planted", choices=sorted(PLANTED), help="have every worker make this fault")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--per-second", type=float, default=1_500.0)
    return parser.parse_args()


def trials(chosen: argparse.Namespace, cluster: Cluster, workload: Workload, folder: Path) -> Iterator[Outcome | str]:
    """Each trial's outcome, or why it failed."""
    until = time.monotonic() + 60 * (chosen.minutes or 0)
    for number in itertools.count():
        if time.monotonic() > until if chosen.minutes else number == chosen.trials:
            return
        seed = SystemRandom().randrange(1 << 31) if chosen.seed is None else chosen.seed
        fault = chosen.fault or sorted(FAULTS)[number % len(FAULTS)]
        ran = trial(
            fault,
            seed,
            workload,
            folder / f"trial{number}",
            cluster=cluster,
            prefix=f"t{number}.",
            per_second=chosen.per_second,
            planted=chosen.planted,
        )
        try:
            yield asyncio.run(ran)
        except AssertionError as error:
            yield f"--fault {fault} --seed {seed}: {str(error)[:2000]}"


def keep(result: dict[str, Any]) -> None:
    """Add a result to what the file has of the same commit and length."""
    lines = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    same = ("commit", "events", "nodes")
    for line in lines:
        if all(line[name] == result[name] for name in same):
            for name in ("trials", "idle", "strikes", "deaths", "claims", "seconds"):
                line[name] += result[name]
            line["failed"] += result["failed"]
            line["faults"] = dict(sorted((Counter(line["faults"]) + Counter(result["faults"])).items()))
            break
    else:
        lines.append(result)
    RESULTS.write_text("".join(json.dumps(line) + "\n" for line in lines))


def main() -> int:
    chosen = options()
    began = time.monotonic()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a new topic has no leader for a moment
    counts: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    failed: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="strand-chaos-") as scratch,
        running(Path(scratch) / "kafka", nodes=chosen.nodes) as cluster,
    ):
        workload = make_workload(Path(scratch), events=chosen.events, seed=1)
        for outcome in trials(chosen, cluster, workload, Path(scratch)):
            print(outcome if isinstance(outcome, Outcome) else f"FAILED {outcome}", flush=True)
            if isinstance(outcome, str):
                failed.append(outcome.split(":")[0])
                counts["trials"] += 1
            elif outcome.strikes == 0:  # nothing was in flight: it shows nothing
                counts["idle"] += 1
            else:
                counts += Counter(trials=1, strikes=outcome.strikes, deaths=outcome.deaths, claims=outcome.claims)
                faults[outcome.fault] += 1
    print(f"{counts['trials']} trials count, {len(failed)} failed; {counts['idle']} struck when nothing was in flight")
    if chosen.minutes and not chosen.planted:
        names = ("trials", "idle", "strikes", "deaths", "claims")
        keep(
            {
                "commit": commit(),
                "events": chosen.events,
                "nodes": chosen.nodes,
                **{name: counts[name] for name in names},
                "faults": dict(sorted(faults.items())),
                "failed": failed,
                "seconds": round(time.monotonic() - began),
            }
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
