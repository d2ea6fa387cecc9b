"""Named places at which a test harness can make the process die as a power cut would.

Nothing happens at them unless a test armed one with `arm("name:n")`: then the process sends itself SIGKILL when it
reaches the place for the n-th time. `arm("name:n:stop")` stops it there instead, as a machine that hangs would, until
somebody has it go on. No command arms any; processes of tests do, some by the variable STRAND_KILL_AT.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "STRAND_KILL_AT"

NAMES = frozenset(
    {
        "before-log-append",
        "after-log-append",
        "before-log-fsync",
        "after-log-fsync",
        "after-copy",
        "before-claim",
        "after-claim",
        "before-transitions",
        "after-transitions",
        "before-decisions",
        "after-decisions",
        "before-state",
        "after-state",
        "before-outbox-rename",
        "after-outbox-rename",
        "before-outbox-place",
        "after-outbox-place",
        "before-send",
        "after-send",
        "before-settled",
        "mid-activation",
        "before-switch",
        "mid-switch",
        "after-switch",
        "before-swap",
        "mid-swap",
        "after-swap",
    }
)


class _Target:
    """The armed place and how often it is yet to be reached."""

    name: str | None = None
    left: int = 0
    signal: signal.Signals = signal.SIGKILL


def arm(spec: str | None) -> None:
    """Arm `name:n` (n from 1, 1 if left out) or `name:n:stop`, or nothing for None or an empty text; ValueError for an
    unknown name."""
    name, _, rest = (spec or "").partition(":")
    count, _, how = rest.partition(":")
    if name and name not in NAMES:
        raise ValueError(f"{VARIABLE} must name one of {', '.join(sorted(NAMES))}; found {name!r}")
    _Target.name = name or None
    _Target.left = int(count or "1")
    _Target.signal = signal.SIGSTOP if how == "stop" else signal.SIGKILL


def reach(name: str) -> None:
    """Say that the place called `name` is reached."""
    if _Target.name is None or _Target.name != name:
        return
    _Target.left -= 1
    if _Target.left <= 0:
        _Target.name = None  # one that was stopped goes on
        os.kill(os.getpid(), _Target.signal)
