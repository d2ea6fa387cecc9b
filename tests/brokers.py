"""The broker that tests share: one a test process, started by the first test that asks for it.

KAFKA_BOOTSTRAP names another one instead. Where Java or Maven is missing such tests are skipped and the run says so
in its last lines; where CI is set they fail.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest

from deploy.kafka.jars import missing_tools

NO_BROKER = "NO KAFKA BROKER"


def need_a_broker() -> None:
    """Skip, or fail in CI, where none can be started."""
    lacking = missing_tools()
    if not lacking:
        return
    words = f"{NO_BROKER}: this machine lacks {' and '.join(lacking)}"
    if os.environ.get("CI"):
        pytest.fail(words)
    pytest.skip(words)


@pytest.fixture(scope="session")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a broker with one node; what a test makes there has names of its own (`prefix`)."""
    elsewhere = os.environ.get("KAFKA_BOOTSTRAP")
    if elsewhere:
        yield elsewhere
        return
    need_a_broker()
    from deploy.kafka.cluster import running

    with running(tmp_path_factory.mktemp("kafka")) as cluster:
        yield cluster.bootstrap


@pytest.fixture
def prefix() -> str:
    """The beginning of a test's own topics, groups and the like."""
    return f"t{uuid.uuid4().hex[:12]}."
