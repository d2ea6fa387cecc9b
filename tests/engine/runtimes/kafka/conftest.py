"""The depots that tests run over."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.runtimes.kafka.depots import BUCKET, OTHER_WAYS, Server, Site, serving_s3


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests of a process."""
    with serving_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def bucket(s3_server: Server, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A place in the bucket that nobody else uses, which the environment lets one reach."""
    for name in OTHER_WAYS:
        monkeypatch.delenv(name, raising=False)
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return Site(f"s3://{BUCKET}/{uuid.uuid4().hex}", s3_server.log)


@pytest.fixture(params=["folder", "bucket"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    """Where a depot may be: each kind in turn."""
    if request.param == "folder":
        return Site(str(tmp_path / "depot"))
    found: Site = request.getfixturevalue("bucket")
    return found
