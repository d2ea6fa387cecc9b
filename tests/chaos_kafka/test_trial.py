"""One short trial of everything at once; `make chaos-kafka` runs many, and longer ones."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from deploy.kafka.cluster import running
from tests.brokers import need_a_broker
from tests.chaos_kafka.trial import trial
from tests.chaos_kafka.workload import make_workload


@pytest.mark.slow
def test_nothing_is_lost_doubled_or_decided_otherwise(tmp_path: Path) -> None:
    need_a_broker()
    with running(tmp_path / "kafka") as cluster:
        workload = make_workload(tmp_path, events=6_000, seed=1)
        outcome, seed = None, 4
        while outcome is None or (not outcome.deaths and seed < 9):  # one in which nobody died shows nothing
            seed += 1
            place = tmp_path / f"t{seed}"
            outcome = asyncio.run(
                trial("mixed", seed, workload, place, cluster=cluster, prefix=f"t{seed}.", per_second=600)
            )
    assert outcome.deaths > 0
    assert outcome.claims > 6
