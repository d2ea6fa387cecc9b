"""Trials against a broker of their own, one after another.

python -m tests.chaos_kafka --trials 10 [--fault mixed] [--seed 17] [--events 20000]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from pathlib import Path
from random import SystemRandom

from deploy.kafka.cluster import running
from tests.chaos_kafka.faults import FAULTS
from tests.chaos_kafka.planted import PLANTED
from tests.chaos_kafka.trial import trial
from tests.chaos_kafka.workload import make_workload


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos_kafka", description="Kill, freeze, scale, compare.")
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--fault", choices=sorted(FAULTS))
    parser.add_argument("--seed", type=int)
    parser.add_argument("--planted", choices=sorted(PLANTED), help="have every worker make this fault")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--per-second", type=float, default=1_000.0)
    options = parser.parse_args()
    failed = 0
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a new topic has no leader for a moment
    with tempfile.TemporaryDirectory(prefix="strand-chaos-") as scratch, running(Path(scratch) / "kafka") as cluster:
        workload = make_workload(Path(scratch), events=options.events, seed=1)
        for number in range(options.trials):
            seed = SystemRandom().randrange(1 << 31) if options.seed is None else options.seed
            fault = options.fault or sorted(FAULTS)[number % len(FAULTS)]
            folder = Path(scratch) / f"trial{number}"
            ran = trial(
                fault,
                seed,
                workload,
                folder,
                cluster=cluster,
                prefix=f"t{number}.",
                per_second=options.per_second,
                planted=options.planted,
            )
            try:
                print(asyncio.run(ran), flush=True)
            except AssertionError as error:
                failed += 1
                print(f"FAILED --fault {fault} --seed {seed}: {str(error)[:2000]}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
