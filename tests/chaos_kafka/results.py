"""What trials have shown, added up in a file by commit, length and number of brokers; by planted fault, if any."""

from __future__ import annotations

import fcntl
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.__main__ import ROOT, commit
from tests.chaos_kafka.trial import Outcome

RESULTS = ROOT / "bench" / "chaos-kafka-results.jsonl"
COUNTED = ("trials", "found", "idle", "strikes", "deaths", "claims", "seconds")
SAME = ("commit", "events", "nodes", "planted")


@dataclass(slots=True, kw_only=True)
class Results:
    """Trials of one run; with `kept` each is added to the file when it ends, so that a run may be cut off.

    Of a planted fault it is said how many trials `found` it.
    """

    events: int
    nodes: int
    planted: str | None
    kept: bool
    counts: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome | str, seconds: float) -> None:
        """Count a trial that came to an end, or what repeats one that failed.

        A trial whose fault met no work in flight shows nothing: it is idle, and does not count.
        """
        line: dict[str, Any] = {"commit": commit(), "events": self.events, "nodes": self.nodes, "planted": self.planted}
        line.update(dict.fromkeys(COUNTED, 0), faults={}, points={}, failed=[], seconds=round(seconds))
        if isinstance(outcome, str):
            line.update(trials=1, **({"failed": [outcome]} if self.planted is None else {"found": 1}))
        elif outcome.strikes == 0:
            line.update(idle=1)
        else:
            line.update(trials=1, faults={outcome.fault: 1})
            line.update(points=outcome.points, strikes=outcome.strikes, deaths=outcome.deaths, claims=outcome.claims)
        self.counts.update({name: line[name] for name in COUNTED})
        self.failed += line["failed"]
        if self.kept:
            _keep(line)


def _keep(result: dict[str, Any]) -> None:
    """Add a result to what the file has of the same commit, length and brokers."""
    with RESULTS.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        lines = [json.loads(line) for line in file]
        known = next((line for line in lines if all(line.get(name) == result[name] for name in SAME)), None)
        if known is None:
            lines.append(result)
        else:
            for name in COUNTED:
                known[name] = known.get(name, 0) + result[name]
            known["failed"] += result["failed"]
            for name in ("faults", "points"):
                known[name] = dict(sorted((Counter(known.get(name, {})) + Counter(result[name])).items()))
        file.seek(0)
        file.truncate()
        file.write("".join(json.dumps(line) + "\n" for line in lines))
