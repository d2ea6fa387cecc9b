"""What every test has: reproducible property tests, and a mark on what `make test-fast` leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Fixtures and the hook that all tests see.
from tests.brokers import bootstrap, prefix, pytest_terminal_summary

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
    "engine/workspace",
    "events/test_zones.py",
    "projections/test_crossings.py",
    "projections/traits/test_merging.py",
    "projections/test_index.py",
    "projections/test_values.py",
    "templates/test_attacks.py",
    "templates/test_fuzz.py",
)
QUICK = tuple(f"engine/cli/test_{name}.py" for name in ("events", "init", "output", "wording"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow by where it is; a file that is quick all the same is named."""
    for item in items:
        path = item.path.relative_to(HERE)
        if path.as_posix() not in QUICK and any(path.is_relative_to(place) for place in SLOW):
            item.add_marker(pytest.mark.slow)
