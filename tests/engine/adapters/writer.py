"""A process that appends to facts until it is killed; each line it prints is an acknowledgement.

Run as `python writer.py FOLDER SEED KILL_AT`: the lines are JSON with the log's end, the number of batches of decisions
and the sizes of the write-ahead files at that moment.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

from engine import kill_points
from engine.adapters.rocksdb_facts import RocksFacts
from tests.contract.power_cut import sizes


def value(number: int) -> bytes:
    """The record at an offset, as the reader expects it."""
    return b"%d " % number * (number % 97)


def main(folder: Path, seed: int, kill_at: str) -> None:
    """Append for ever, acknowledging each append on standard output."""
    kill_points.arm(kill_at)
    rng = random.Random(seed)
    facts = RocksFacts(folder, 0, create=not folder.exists())
    while True:
        end = facts.log.end()
        count = rng.choice([1, 1, 10, 500])
        facts.log.append([value(number) for number in range(end, end + count)], {"end": b"%d" % (end + count)})
        if rng.random() < 0.5:
            facts.decisions.append(value(facts.decisions.count()))
        said = {"end": facts.log.end(), "decisions": facts.decisions.count(), "sizes": sizes(folder)}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
