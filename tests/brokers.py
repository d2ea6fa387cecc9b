"""The broker that tests share: one for all processes of a run, started by the first test that asks for it.

KAFKA_BOOTSTRAP names another one instead. Where Java or Maven is missing such tests are skipped and the run says so
in its last lines; where CI is set they fail.
"""

from __future__ import annotations

import fcntl
import os
import shutil
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
            if shutil.which("flock"):  # kills it once nobody holds the lock, though all who did were killed
                kill = ("kill", "-KILL", str(cluster.nodes[0].pid))
                node.started_for_nobody(["flock", "--exclusive", users.name, *kill], Path(os.devnull))
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


@pytest.fixture
def prefix() -> str:
    """The beginning of a test's own topics, groups and the like."""
    return f"t{uuid.uuid4().hex[:12]}."
