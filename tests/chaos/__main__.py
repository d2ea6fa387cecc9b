"""Many trials, added up by commit.

python -m tests.chaos --minutes 10       random trials; adds them to bench/chaos-results.jsonl and says how many
python -m tests.chaos --trial 17         one trial again, from its number
python -m tests.chaos --live 17          the same for a trial of a live engine, which every eighth is
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from functools import cache
from pathlib import Path
from random import SystemRandom
from typing import Any

from tests.chaos.live import trial as live_trial
from tests.chaos.trial import Ran, Trials, quick_folder

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "chaos-results.jsonl"
LIVE_EACH = 8
COUNTED = ("trials", "live", "cuts", "other_builds", "seconds")
FIRST_RANDOM = 1_000  # numbers below are those of the tests


@cache
def commit() -> str:
    """The commit of the tree when it is first asked for, marked where the engine differs from it."""
    git = ["git", "-C", str(ROOT)]
    name = subprocess.run([*git, "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True, check=True).stdout
    layers = ["events", "projections", "triggers", "templates", "engine"]
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", *layers], check=False).returncode
    return name.strip() + ("+changes" if changed else "")


def added(line: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Two results of one commit in one."""
    numbers = {name: round(line.get(name, 0) + more[name], 1) for name in COUNTED}
    points = Counter(line["points"]) + Counter(more["points"])
    return {**line, **numbers, "points": dict(sorted(points.items())), "failed": [*line["failed"], *more["failed"]]}


def kept() -> list[dict[str, Any]]:
    """What the file holds, a line for each commit."""
    return [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []


def keep(result: dict[str, Any]) -> None:
    """Add a result to the file."""
    lines = kept()
    by_commit = {line["commit"]: line for line in lines}
    known = by_commit.get(result["commit"])
    by_commit[result["commit"]] = result if known is None else added(known, result)
    RESULTS.write_text("".join(json.dumps(line) + "\n" for line in by_commit.values()))


def many(trials: Trials, minutes: float) -> dict[str, Any]:
    """Random trials for so long; each is kept when it ends, so that a run may be cut off."""
    until = time.monotonic() + 60 * minutes
    result = none_yet()
    while time.monotonic() < until:
        found = one(trials, live=result["trials"] % LIVE_EACH == LIVE_EACH - 1)
        keep(found)
        result = added(result, found)
    return result


def none_yet() -> dict[str, Any]:
    """The result of no trial."""
    return {"commit": commit(), **dict.fromkeys(COUNTED, 0), "failed": [], "points": {}}


def one(trials: Trials, *, live: bool) -> dict[str, Any]:
    """The result of a random trial."""
    began, number = time.monotonic(), SystemRandom().randrange(FIRST_RANDOM, 1 << 40)
    result = {**none_yet(), "trials": 1, "live": int(live)}
    try:
        ran = live_trial(number, trials.folder) if live else trials.trial(number)
    except AssertionError as error:
        result["failed"].append(number)
        again = f"python -m tests.chaos --{'live' if live else 'trial'} {number}"
        print(f"trial {number} (repeat with {again}): {error}", flush=True)
    else:
        result["points"] = dict(Counter(point for point in ran.points if point))
        result["cuts"] = int(ran.bytes_cut > 0)
        result["other_builds"] = int(isinstance(ran, Ran) and ran.other_build)
    return {**result, "seconds": round(time.monotonic() - began, 1)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Kill, cut, restart, compare.")
    parser.add_argument("--minutes", type=float, default=10.0, metavar="N", help="how long to go on")
    parser.add_argument("--trial", type=int, metavar="NUMBER", help="run one trial again")
    parser.add_argument("--live", type=int, metavar="NUMBER", help="run one trial of a live engine again")
    options = parser.parse_args()
    with quick_folder() as folder:
        trials = Trials(Path(folder))
        if options.trial is not None:
            print(trials.trial(options.trial))
            return 0
        if options.live is not None:
            print(live_trial(options.live, trials.folder))
            return 0
        result = many(trials, options.minutes)
    total = sum(line["trials"] for line in kept())
    print(f"{result['trials']} trials at {result['commit']}, {len(result['failed'])} failed; {total} in {RESULTS.name}")
    print("  " + ", ".join(f"{name} {number}" for name, number in result["points"].items()))
    return 1 if result["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
