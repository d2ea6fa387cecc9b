"""What the command `strand` starts, as `python -m engine.cli` does."""

from __future__ import annotations

import os
from typing import NoReturn

# NumPy starts a thread of linear algebra for each core, which is busy for a while and never asked for anything.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def main() -> NoReturn:
    """Load the commands and run one; Ctrl-C while they load ends it as quietly as Ctrl-C does later."""
    try:
        from engine.cli.main import main as run
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    run()


if __name__ == "__main__":
    main()
