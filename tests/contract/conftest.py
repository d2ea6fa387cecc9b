"""Each contract test runs against every adapter of its port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.adapters import DerivedAdapter, FactsAdapter, derived_adapter, facts_adapter


@pytest.fixture(params=["memory", "rocksdb"])
def facts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FactsAdapter]:
    with facts_adapter(request.param, tmp_path) as adapter:
        yield adapter


@pytest.fixture(params=["memory", "rocksdb", "rocksdb bulk"])
def derived(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DerivedAdapter]:
    with derived_adapter(request.param, tmp_path) as adapter:
        yield adapter
