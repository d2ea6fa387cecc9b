"""Orders definitions so that each stands after those it needs, and names the circles."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

# Each circle costs a pass over all names; whoever has more mends these first.
MAX_CIRCLES = 20


def in_order(needs: Mapping[str, set[str]]) -> tuple[list[str], list[list[str]]]:
    """The names, each after those it needs, without those on a circle; and the circles.

    A circle [a, b] means that a needs b and b needs a; it starts at its first name. After MAX_CIRCLES circles the
    order is empty.
    """
    left = {name: set(others) for name, others in needs.items()}
    circles: list[list[str]] = []
    while len(circles) < MAX_CIRCLES:
        try:
            return [name for name in TopologicalSorter(left).static_order() if name in left], circles
        except CycleError as error:
            # Each of these is needed by the next; the last is the first again.
            circle = list(reversed(error.args[1][1:]))
            start = circle.index(min(circle))
            circles.append(circle[start:] + circle[:start])
            for name in circle:
                del left[name]
            for others in left.values():
                others.difference_update(circle)
    return [], circles
