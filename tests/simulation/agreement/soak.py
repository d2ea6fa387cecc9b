"""Random seeds for as long as one likes; a seed that fails is kept and printed with the command that repeats it.

python -m tests.simulation.agreement.soak MINUTES
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from random import SystemRandom

from tests.evaluator.generate import generate
from tests.evaluator.judge import judge
from tests.simulation.agreement.comparison import disagreements
from tests.simulation.agreement.engine_side import run_engine

KEPT = Path(__file__).parent / "kept_seeds.txt"
SEEDS = 10**9


def kept_seeds() -> list[int]:
    """The seeds that once failed."""
    return [int(line) for line in KEPT.read_text().splitlines() if line and not line.startswith("#")]


def keep(seed: int) -> None:
    """Have every later run of the tests run this seed."""
    if seed not in kept_seeds():
        with KEPT.open("a") as file:
            file.write(f"{seed}\n")


def agrees(seed: int) -> bool:
    """Judge one seed; on a disagreement say so and keep the seed."""
    case = generate(seed)
    told = disagreements(judge(case), run_engine(case))
    if told:
        keep(seed)
        print(f"seed {seed} disagrees; repeat it with: python -m tests.simulation.agreement.shrink {seed}")
        print("\n".join(told), flush=True)
    return not told


def soak(minutes: float) -> int:
    """Run random seeds; gives how many disagreed."""
    random, end = SystemRandom(), time.monotonic() + minutes * 60
    count = wrong = 0
    while time.monotonic() < end:
        count += 1
        wrong += not agrees(random.randrange(SEEDS))
    print(f"{count} seeds, {wrong} disagreed")
    return wrong


if __name__ == "__main__":
    sys.exit(soak(float(sys.argv[1])) > 0)
