"""What every test has: reproducible property tests, a quick place to write to, and a mark on what takes long."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from engine.runtimes.collector import calm_collector

# Fixtures and the hook that all tests see.
from tests.brokers import bootstrap, prefix
from tests.in_memory import write_in_memory
from tests.last_lines import pytest_terminal_summary

__all__ = ["bootstrap", "prefix", "pytest_terminal_summary"]

# Two cores shared by many tests make deadlines lie; the seeds are fixed so that a failure is everybody's failure.
settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fixed")

HERE = Path(__file__).parent
# Whole histories, databases that are fsync'd, processes, thousands of random inputs: seconds a file.
SLOW = (
    "chaos",
    "contract",
    "deploy",
    "examples",
    "simulation",
    "engine/adapters",
    "engine/bench",
    "engine/cli",
    "engine/importing",
    "engine/replay",
    "engine/rulebook/test_malformed.py",
    "engine/runtimes",
    "engine/test_shard.py",
    "engine/test_step_purity.py",
    "engine/workspace",
    "events/test_zones.py",
    "projections/test_crossings.py",
    "projections/test_groups.py",
    "projections/traits/test_merging.py",
    "projections/test_index.py",
    "projections/test_values.py",
    "templates/test_attacks.py",
    "templates/test_fuzz.py",
    "templates/test_reference.py",
)
QUICK = tuple(f"engine/cli/test_{name}.py" for name in ("events", "init", "output", "wording"))

# Tests that take longest come first, so that none is left to the end, when the other processes have nothing to do.
LONGEST = (
    "engine/runtimes/kafka/test_outage.py",
    "chaos_kafka",
    "docs/test_operations_page.py",
    "chaos",
    "docs",
    "engine/runtimes/kafka",
    "deploy",
    "simulation",
    "engine/replay",
    "engine/runtimes",
    "examples",
)


def pytest_configure() -> None:
    """Before anybody asks for a temporary folder."""
    write_in_memory()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow by where it is, except for files that are quick all the same and named; the longest first."""
    places = {item: item.path.relative_to(HERE) for item in items}
    for item, path in places.items():
        if path.as_posix() not in QUICK and any(path.is_relative_to(place) for place in SLOW):
            item.add_marker(pytest.mark.slow)

    def rank(item: pytest.Item) -> int:
        return next((at for at, place in enumerate(LONGEST) if places[item].is_relative_to(place)), len(LONGEST))

    items.sort(key=rank)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop() -> Generator[None, object, object]:
    """What was collected, and all that was imported, is not looked through while tests run: worth a sixth."""
    with calm_collector():
        return (yield)
