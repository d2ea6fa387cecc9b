"""The evaluator's whole answer to a case."""

from __future__ import annotations

from tests.evaluator.decisions import customers_of, decide_all
from tests.evaluator.model import Activation, Case, Moved, Outcome
from tests.evaluator.schema import shown
from tests.evaluator.world import World


def judge(case: Case) -> Outcome:
    """Traits, memberships and pending matches at the end, and every transition and decision."""
    outcome = Outcome()
    activations = [record for record in case.records if isinstance(record, Activation)]
    for customer in customers_of(case):
        worlds = [World(case, rulebook, customer) for rulebook in case.rulebooks]
        book = decide_all(case, worlds)
        outcome.decisions[customer] = book.decided
        outcome.pending[customer] = sorted((m.trigger, m.matched_ms, m.due_ms) for m in book.pending)
        world = worlds[activations[-1].rulebook]
        view = world.at(case.end_ms, len(world.history))
        outcome.traits[customer] = {name: shown(world.trait(name, view)) for name in world.rulebook.traits}
        outcome.memberships[customer] = {
            name: ("in" if value else "out") if name in world.rulebook.segments else value
            for name, value in view.memberships.items()
        }
        outcome.transitions[customer] = [
            Moved(customer=customer, name=name, before=old, after=new, at_ms=step.at_ms, cause=step.cause)
            for step in world.steps
            for name, old, new in step.changes
        ]
    return outcome
