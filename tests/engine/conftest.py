"""A journey for each test that asks for one."""

from __future__ import annotations

import pytest

from tests.simulation.journey import Journey


@pytest.fixture
def journey() -> Journey:
    """An empty log and a shard that reads it."""
    return Journey()
