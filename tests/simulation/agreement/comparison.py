"""Where two outcomes of a case differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from tests.evaluator.model import Outcome

MOST = 12


def disagreements(right: Outcome, found: Outcome) -> list[str]:
    """The first differences, the evaluator's word first; empty where both agree."""
    told = [
        *of_sequences("transition", right.transitions, found.transitions),
        *of_sequences("decision", right.decisions, found.decisions),
        *of_values("trait", right.traits, found.traits),
        *of_values("membership", right.memberships, found.memberships),
        *of_sequences("pending match", right.pending, found.pending),
    ]
    return told[:MOST]


def of_sequences(what: str, right: Mapping[str, Sequence[Any]], found: Mapping[str, Sequence[Any]]) -> list[str]:
    """The first difference of each customer: what follows it often follows from it."""
    told = []
    for customer in sorted({*right, *found}):
        for one, other in zip_longest(right.get(customer, ()), found.get(customer, ())):
            if one != other:
                told.append(f"{what} of {customer}: must be\n    {one}\n  was\n    {other}")
                break
    return told


def of_values(what: str, right: Mapping[str, dict[str, Any]], found: Mapping[str, dict[str, Any]]) -> list[str]:
    told = []
    for customer in sorted({*right, *found}):
        ours, theirs = right.get(customer, {}), found.get(customer, {})
        told += [
            f"{what} {name} of {customer}: must be {ours.get(name)!r}, was {theirs.get(name)!r}"
            for name in sorted({*ours, *theirs})
            if ours.get(name) != theirs.get(name)
        ]
    return told
