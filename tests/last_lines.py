"""The last lines of a run: what did not run, and the tables that tests have to show, with processes and without."""

from __future__ import annotations

import pytest

from deploy.kafka.jars import missing_tools
from tests.brokers import NO_BROKER

SHOWN = "shown in the last lines"
"""The name under which a test records what is to be shown: `record_property(SHOWN, text)`."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the tables; say loudly what did not run."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, text in report.user_properties:
                if name == SHOWN:
                    terminalreporter.section(report.nodeid)
                    terminalreporter.write_line(str(text))
    skipped = [each for each in terminalreporter.getreports("skipped") if NO_BROKER in str(each.longrepr)]
    if skipped:
        words = f"{len(skipped)} tests of Kafka DID NOT RUN: they need {' and '.join(missing_tools())}"
        terminalreporter.write_line(words, red=True, bold=True)
