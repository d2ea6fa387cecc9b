"""Test-only builds of the engine: each has its own fold version, and one trait or trigger fold that differs.

Build 0 is the engine as it is. Others stand for releases with a fix, or a fault, in one place; the facts that one build
wrote are opened by another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import engine.deciding
from engine.compiled import Compiled, compile_rulebook
from engine.rulebook.rulebook import Rulebook
from events.fold_version import FOLD_VERSION
from projections.compiler import compile_world
from projections.definitions import TraitDef, TraitKind
from tests.evaluator.model import HOUR_MS
from tests.simulation.protocol.broken import need
from triggers.decide import decide
from triggers.decisions import OWN, Decision
from triggers.definitions import OnKind, RulesDef, TriggerDef
from triggers.ledger import Ledger, Pending
from triggers.occasion import CustomerView, Occasion, Transition
from triggers.rules import OnIndex, Rule, Rules, conditions_of

ORIGINAL, OTHER_MATCHES, OTHER_TRAITS, FORGETS_DUE, SCHEDULES_LATER = range(5)
BUILDS = range(5)


@dataclass(slots=True)
class FewerMatches(OnIndex[Rule]):
    """Makes no matches of what time alone brings about, and none of events by triggers of an odd name."""

    def met(self, transitions: Sequence[Transition], event_type: str | None) -> list[Rule]:
        if event_type is None:
            return []
        return [rule for rule in OnIndex.met(self, transitions, event_type) if ord(rule.name[-1]) % 2 == 0]


class BuildRules(Rules):
    """Rules that know which build's they are."""

    build = ORIGINAL


def later(trigger: TriggerDef) -> TriggerDef:
    return replace(trigger, after_ms=trigger.after_ms + HOUR_MS) if trigger.after_ms else trigger


def shorter(trait: TraitDef) -> TraitDef:
    """Half the window; a count without one takes one of two days."""
    if trait.within_ms is not None:
        return replace(trait, within_ms=trait.within_ms // 2)
    return replace(trait, within_ms=48 * HOUR_MS) if trait.kind is TraitKind.COUNT else trait


def fold_version_of(build: int) -> int:
    return FOLD_VERSION + build


def compiler_of(build: int) -> Callable[[Rulebook], Compiled]:
    """What `compile_rulebook` is in a build."""
    return lambda rulebook: compiled_by(build, rulebook)


def compiled_by(build: int, rulebook: Rulebook) -> Compiled:
    found = compile_rulebook(rulebook)
    world, definitions = rulebook.world, rulebook.rules
    program = found.program
    if build == OTHER_TRAITS:
        world = replace(world, traits={name: shorter(trait) for name, trait in world.traits.items()})
        program = compile_world(world, conditions_of(definitions))
    if build == SCHEDULES_LATER:
        triggers = {name: later(trigger) for name, trigger in definitions.triggers.items()}
        definitions = RulesDef(triggers=triggers, policy=definitions.policy)
    rules = BuildRules(definitions, program.conditions)
    rules.build = build
    if build == OTHER_MATCHES:
        rules.on = FewerMatches(rules.on.enters, rules.on.leaves, rules.on.moves, rules.on.event)
    return Compiled(rulebook, program, rules, found.renderer)


# ---------------------------------------------------------------- deciding, watched
def forgotten(match: Pending) -> bool:
    return match.due_ms // HOUR_MS % 3 == 0


def decide_in_build(occasion: Occasion, view: CustomerView, ledger: Ledger, rules: Rules) -> list[Decision]:
    """`triggers.decide.decide` as a build has it; whatever the build, none outside is sent to."""
    if getattr(rules, "build", ORIGINAL) == FORGETS_DUE:
        decisions = decide_forgetting(occasion, view, ledger, rules)
    else:
        decisions = decide(occasion, view, ledger, rules)
    for decision in decisions:
        if decision.kind == "send":
            need(
                inside(rules.rules, decision, view),
                "vi",
                "sent to someone outside",
                decision.trigger,
                occasion.position,
            )
    return decisions


def decide_forgetting(occasion: Occasion, view: CustomerView, ledger: Ledger, rules: Rules) -> list[Decision]:
    """Matches due at some hours stay pending: the build forgets to ask them.

    Others of a customer who has such a one wait for the customer's next record. Asked at any step, they would be asked
    at timers that are early, and which those are depends on restarts: no promise, where something is left due.
    """
    due = [match for queue in ledger.pending for match in queue if 0 <= match.ask_ms <= occasion.t_ms]
    left = [match for match in due if forgotten(match)]
    if left and occasion.position[1] != OWN:
        left = due
    asked_ms: dict[int, int] = {}
    for match in left:
        asked_ms[id(match)] = match.ask_ms
        match.ask_ms = occasion.t_ms + 1
    for queue in ledger.pending:
        queue.sort(key=lambda match: (match.ask_ms, match.made))
    decisions = decide(occasion, view, ledger, rules)
    for queue in ledger.pending:
        for match in queue:
            match.ask_ms = asked_ms.get(id(match), match.ask_ms)
        queue.sort(key=lambda match: (match.ask_ms, match.made))
    return decisions


def inside(rules: Mapping[str, Rule], decision: Decision, view: CustomerView) -> bool:
    trigger: Any = rules[decision.trigger].definition
    if trigger.even_if_left:
        return True
    if trigger.on.kind is OnKind.ENTERS:
        return bool(view.member(trigger.on.name))
    return trigger.on.kind is not OnKind.MOVES or trigger.on.to_value in (None, view.dimension(trigger.on.name))


def watch_decisions() -> None:
    """Have every decider of this process decide by its build."""
    vars(engine.deciding)["decide"] = decide_in_build
