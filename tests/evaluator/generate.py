"""A case from a seed: rulebooks, the log in which they are activated, and the rulebooks as text."""

from __future__ import annotations

from random import Random

from tests.evaluator.generate_log import random_log
from tests.evaluator.generate_rules import changed_rulebook, random_rulebook
from tests.evaluator.model import Case

EVENTS = 60


def generate(seed: int, events: int = EVENTS) -> Case:
    """The case of a seed, and of nothing else: one rulebook, or two of which the second replaces the first midway."""
    rng = Random(seed)
    make, first = random_rulebook(rng)
    rulebooks = [first]
    if rng.random() < 0.5:
        rulebooks.append(changed_rulebook(make, first))
    return Case(seed=seed, rulebooks=tuple(rulebooks), records=tuple(random_log(rng, rulebooks, events)))
