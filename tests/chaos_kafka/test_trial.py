"""Short trials; `make chaos-kafka` runs many, and longer ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.kafka.cluster import Cluster, running
from tests.brokers import need_a_broker
from tests.chaos_kafka.processes import SESSIONS
from tests.chaos_kafka.trial import FOUND, Outcome, Trial
from tests.chaos_kafka.workload import make_workload

Run = Callable[..., Outcome]

PLANTED = [
    ("state-first", "between"),
    ("no-claims", "zombies"),
    ("last-decision", "builds"),
    ("dropped-slice", "kill"),
    ("committed-offset", "kill"),
]
"""Each planted fault, and the kind of trial that is made to find it."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    need_a_broker()
    with running(tmp_path_factory.mktemp("kafka"), properties=SESSIONS) as started:
        yield started


def runs(cluster: Cluster, folder: Path, *, events: int, seconds: float) -> Run:
    """Runs a trial of a kind from a seed, with a planted fault if one is named."""
    workload = make_workload(folder, events=events, seed=1)

    def one(fault: str, seed: int, planted: str | None = None) -> Outcome:
        trial = Trial(
            fault=fault,
            seed=seed,
            workload=workload,
            folder=folder / f"{fault}-{planted}-{seed}",
            cluster=cluster,
            prefix=f"{fault}-{planted}-{seed}-{events}.",
            seconds=seconds,
            planted=planted,
            catch_up_s=30.0 if planted else 240.0,
        )
        return asyncio.run(trial.run())

    return one


@pytest.fixture(scope="module")
def run(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return runs(cluster, tmp_path_factory.mktemp("trials"), events=4_000, seconds=8.0)


@pytest.fixture(scope="module")
def run_longer(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """As long as those of `make chaos-kafka-short`."""
    return runs(cluster, tmp_path_factory.mktemp("trials"), events=10_000, seconds=12.0)


def finds(run: Run, fault: str, seed: int, planted: str) -> bool:
    """Whether a trial finds a planted fault."""
    try:
        run(fault, seed, planted)
    except FOUND:
        return True
    return False


@pytest.mark.slow
def test_nothing_is_lost_doubled_or_decided_otherwise(run: Run) -> None:
    outcome, seed = None, 4
    while outcome is None or (not outcome.strikes and seed < 9):  # one that met no work shows nothing
        seed += 1
        outcome = run("mixed-with-brokers", seed)
    assert outcome.strikes > 0
    assert outcome.claims > 6


@pytest.mark.slow
def test_a_state_written_before_its_decisions_is_found(run: Run) -> None:
    assert any(finds(run, "between", seed, "state-first") for seed in range(3))


@pytest.mark.soak
@pytest.mark.parametrize(("planted", "fault"), PLANTED)
def test_a_planted_fault_is_found_in_four_of_five_trials(run_longer: Run, planted: str, fault: str) -> None:
    assert sum(finds(run_longer, fault, seed, planted) for seed in range(5)) >= 4
