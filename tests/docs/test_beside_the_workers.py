"""What docs/kafka.md shows beside the workers works after what it shows before."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.docs.blocks import commands
from tests.docs.test_kafka_pages import KAFKA, SHOWN_BROKER, environment
from tests.engine.runtimes.kafka.workers import free_port

PAGES = "127.0.0.1:6066"


@pytest.mark.slow
def test_the_commands_run(bootstrap: str, prefix: str, tmp_path: Path) -> None:
    steps = "\n".join([*commands(KAFKA, "kafka"), *commands(KAFKA, "beside")])
    steps = steps.replace(SHOWN_BROKER, bootstrap).replace(PAGES, f"127.0.0.1:{free_port()}")
    script = f"set -euo pipefail\ntrap 'kill $(jobs -p) 2> /dev/null; wait' EXIT\n{steps}\n"
    ran = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment(prefix, tmp_path),
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    logs = "".join(log.read_text()[-2000:] for log in tmp_path.glob("shop/*.log"))
    assert ran.returncode == 0, ran.stdout + ran.stderr + logs
    for words in ("messages in", "0 differences from the live world", "customers: 0 differences", "is live now"):
        assert words in ran.stdout, ran.stdout
    assert list((tmp_path / "shop" / "outbox").glob("*.eml"))
