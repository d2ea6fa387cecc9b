"""A soak of the protocol: `python -m tests.simulation.protocol MINUTES [FIRST SEED]`; prints every seed that breaks.

With 0 minutes only that seed: `python -m tests.simulation.protocol 0 SEED`.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

from events.errors import StrandError
from tests.simulation.protocol.builds import BUILDS
from tests.simulation.protocol.history import run


def main(minutes: float, seed: int) -> int:
    until = time.monotonic() + 60 * minutes
    counted: Counter[str] = Counter()
    broken = 0
    while True:
        try:
            counted += run(seed, builds=BUILDS if seed % 3 == 2 else ())
        except (AssertionError, StrandError, LookupError, ValueError, TypeError, ArithmeticError) as error:
            broken += 1
            print(
                f"seed {seed} (repeat with python -m tests.simulation.protocol 0 {seed}): {error!r:.2000}", flush=True
            )
            if minutes == 0:
                raise
        seed += 1
        if time.monotonic() >= until:
            break
    print(f"broken {broken}; " + ", ".join(f"{name} {number}" for name, number in sorted(counted.items())))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000))
