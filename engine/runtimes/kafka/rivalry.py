"""Two workers that live with one `--instance`: each takes the other's place in the group, for ever.

Whoever joins under an instance's name gets a new member's id, and the id before is forgotten. That is how a worker
returns, and how one joins again that was frozen for longer than its session: once. Two lose their ids to each other
with every heartbeat. Then the one that came last ends, and the other goes on.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from events.errors import OperatorError

LOSSES = 8
"""So many ids lost in a row, each sooner than a session after the one before, are a rival's doing: whoever is frozen,
or whose brokers are away, keeps an id for a session at least."""

SETTLED_S = 5.0
PATIENCE = 24
"""More losses that a worker bears which had kept its first id for so long: a newcomer had not, and ends before it."""

APART, WAYS = 2, 12
"""Up to so many more, by chance: of two that came at the same time one ends. Whoever ends has taken the other's place
once more, so both do where they bear the same, once in twelve times."""


class Rivalry:
    """Who else has an instance's name, as far as the ids tell that the group gives; a session is of `session_s`."""

    def __init__(self, instance: str, session_s: float, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.instance = instance
        self._near_s = 0.75 * session_s
        self._clock_s = clock_s
        self._member = ""
        self._joined_s = 0.0
        self._lost = 0
        self._bears = 0
        self._more = APART * random.SystemRandom().randrange(WAYS)

    def joined(self, member: str) -> None:
        """The group has taken us, under this id."""
        if member == self._member:
            return
        now_s = self._clock_s()
        held_s = now_s - self._joined_s
        if not self._member:
            self._lost = 0
        elif held_s < self._near_s and self._lost:
            self._lost += 1
        else:
            self._lost = 1
            self._bears = LOSSES + self._more + (PATIENCE if held_s > SETTLED_S else 0)
        self._member, self._joined_s = member, now_s

    @property
    def lost(self) -> bool:
        """Whether it is the other that goes on."""
        return bool(self._lost) and self._lost >= self._bears

    def error(self) -> OperatorError:
        """What a person is told then."""
        what = (
            f"another worker uses the instance {self.instance!r}: each has taken the other's place {self._lost} times"
        )
        return OperatorError(what, "give every worker an --instance of its own, and start this one again")
