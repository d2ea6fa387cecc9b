"""An audit compares what workers hold with the log, sample by sample, and finds a state that is not the log's."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.engine.cli.shell import strand
from tests.engine.runtimes.kafka.test_verifying import asked, swap_two_customers
from tests.engine.runtimes.kafka.workers import free_port, make_shop_on, serving
from tests.engine.runtimes.shop import ROOT, wait_for


def test_every_customer_is_audited_once_in_a_turn_of_all_samples(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop")
    with serving(shop, 2) as urls:
        first = strand("audit", *asked(urls), "--share", 3, "--rounds", 3, "--every", 0, "--json", "-w", shop)
        assert (first.code, first.json()) == (0, {"compared": 12, "passed_over": 0, "differences": []})
        once = strand("audit", *asked(urls), "--share", 1, "--rounds", 2, "--every", 0, "--json", "-w", shop)
        assert (once.code, once.json()["compared"]) == (0, 24)
        half = strand("audit", "--worker", urls[0], "--share", 1, "--rounds", 1, "--json", "-w", shop)
        assert half.json()["passed_over"] > 0
        assert 0 < half.json()["compared"] < 12
    gone = strand("audit", *asked(urls), "--rounds", 1, "-w", shop)
    assert (gone.code, "0 customers" in gone.out) == (1, True)
    assert "Operator action: nobody was compared: name every worker's pages with --worker" in gone.err


def alarmed(shop: Path, urls: list[str]) -> str:
    """What an audit that goes on says until its figures tell of a difference; it ends with a fault."""
    port = free_port()
    options = ["--share", "1", "--every", "0.2", "--web", f"127.0.0.1:{port}", "-w", str(shop)]
    command = [sys.executable, "-m", "engine.cli", "audit", *asked(urls), *options]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as running:

        def told() -> bool:
            assert running.poll() is None
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                    return "strand_audit_differences_total 0.0" not in answer.read().decode()
            except OSError:
                return False

        wait_for(told, 60.0)
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 1
    return said


def test_a_state_that_is_not_the_logs_is_an_alarm(tmp_path: Path, bootstrap: str, prefix: str) -> None:
    shop = make_shop_on(bootstrap, prefix, tmp_path / "shop")
    with serving(shop):
        pass
    spoilt = swap_two_customers(shop)
    with serving(shop) as urls:
        found = strand("audit", *asked(urls), "--share", 1, "--rounds", 1, "--json", "-w", shop)
        assert "AUDIT FAILED" in alarmed(shop, urls)
    (difference,) = found.json()["differences"]
    assert found.code == 1
    assert "Operator action" in found.err
    assert (difference["partition"], difference["customer"][0]) == (spoilt, "c")
    assert difference["live"] != difference["folded"]
