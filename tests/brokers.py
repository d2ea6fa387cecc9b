"""The broker that tests share: one for all processes of a run, started by the first test that asks for it.

KAFKA_BOOTSTRAP names another one instead. Where Java or Maven is missing such tests are skipped and the run says so
in its last lines; where CI is set they fail.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.kafka import node
from deploy.kafka.jars import missing_tools

NO_BROKER = "NO KAFKA BROKER"
JAVA_OPTIONS = (*node.JAVA_OPTIONS, "-Xmx768m")  # it holds the topics of all tests


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
    mine = tmp_path_factory.getbasetemp()
    with shared_broker(mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine) as found:
        yield found


@contextmanager
def shared_broker(folder: Path) -> Iterator[str]:
    """A broker for every process that shares the folder: who comes first starts it, who goes last kills it."""
    from deploy.kafka.cluster import Cluster, archive_classes

    known = folder / "kafka.bootstrap"
    with (folder / "kafka.users").open("w") as users, (folder / "kafka.door").open("w") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_SH)
        if not known.exists():
            archive_classes()
            cluster = Cluster(folder / "kafka", java_options=JAVA_OPTIONS)
            cluster.start(outlives=True)
            known.write_text(cluster.bootstrap)
            _ends_with(folder / "kafka.users", cluster.nodes[0].pid)
        fcntl.flock(door, fcntl.LOCK_UN)
        try:
            yield known.read_text()
        finally:
            fcntl.flock(door, fcntl.LOCK_EX)
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # others go on with it
            else:
                known.unlink()
                Cluster(folder / "kafka").kill()


def _ends_with(users: Path, broker: int | None) -> None:
    """Have the broker killed once no process holds the lock, though all of them were killed."""
    if shutil.which("flock"):
        waits = 'flock --exclusive "$1" kill -KILL "$2" > /dev/null 2>&1 &'
        subprocess.run(["sh", "-c", waits, "sh", str(users), str(broker)], check=True, start_new_session=True)


@pytest.fixture
def prefix() -> str:
    """The beginning of a test's own topics, groups and the like."""
    return f"t{uuid.uuid4().hex[:12]}."
