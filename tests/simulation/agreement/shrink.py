"""Makes a failing case small: drops records, rules and parts of rules one by one while it still fails.

python -m tests.simulation.agreement.shrink SEED
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from tests.evaluator.generate import generate
from tests.evaluator.judge import judge
from tests.evaluator.model import Activation, Case, Event, Expr, Policy, Rulebook
from tests.evaluator.text import files
from tests.evaluator.traits import parts
from tests.simulation.agreement.comparison import disagreements
from tests.simulation.agreement.engine_side import run_engine

Fails = Callable[[Case], bool]


def disagree(case: Case) -> bool:
    """Whether the engine and the evaluator differ; a case that is no longer a case does not count."""
    try:
        right = judge(case)
    except (KeyError, IndexError, ValueError, AssertionError):
        return False
    try:
        found = run_engine(case)
    except Exception as error:  # noqa: BLE001  whatever the engine falls over is a finding, but for a refused rulebook
        return type(error).__name__ != "RulebookInvalid"
    return bool(disagreements(right, found))


def shrink(case: Case, fails: Fails = disagree) -> Case:
    """The smallest case that still fails and that can be reached by dropping one thing at a time."""
    smaller = True
    while smaller:
        smaller = False
        for records in fewer(list(case.records)):
            attempt = replace(case, records=tuple(records))
            if any(isinstance(record, Activation) for record in records) and fails(attempt):
                case, smaller = attempt, True
                break
        for index, rulebook in enumerate(case.rulebooks):
            for simpler in simplifications(rulebook):
                books = (*case.rulebooks[:index], simpler, *case.rulebooks[index + 1 :])
                attempt = replace(case, rulebooks=books)
                if fails(attempt):
                    case, smaller = attempt, True
                    break
    return case


def fewer(items: list[Any]) -> Iterator[list[Any]]:
    """The list without a part of it, large parts first."""
    size = len(items) // 2
    while size:
        for start in range(0, len(items), size):
            yield items[:start] + items[start + size :]
        size //= 2


def without(mapping: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key != name}


def simplifications(book: Rulebook) -> Iterator[Rulebook]:
    """The rulebook with one thing less; names that are then missing make it fail no more."""
    for name in book.triggers:
        yield replace(book, triggers=without(book.triggers, name))
    for name in book.segments:
        order = tuple(each for each in book.evaluation_order if each != name)
        yield replace(book, segments=without(book.segments, name), evaluation_order=order)
    for name in book.dimensions:
        order = tuple(each for each in book.evaluation_order if each != name)
        yield replace(book, dimensions=without(book.dimensions, name), evaluation_order=order)
    for name in book.traits:
        yield replace(book, traits=without(book.traits, name))
    if book.policy != Policy():
        yield replace(book, policy=Policy())
    for name, segment in book.segments.items():
        if segment.leaves_when is not None:
            yield replace(book, segments={**book.segments, name: replace(segment, leaves_when=None)})
        for part in conditions_in(segment.when):
            yield replace(book, segments={**book.segments, name: replace(segment, when=part)})
    for name, trait in book.traits.items():
        if trait.where is not None:
            yield replace(book, traits={**book.traits, name: replace(trait, where=None)})
    for name, trigger in book.triggers.items():
        for field in ("condition", "cancel_when", "at", "expires_after", "holdout", "once", "after", "priority"):
            default: Any = type(trigger).__dataclass_fields__[field].default
            if getattr(trigger, field) != default:
                simpler: dict[str, Any] = {field: default}
                yield replace(book, triggers={**book.triggers, name: replace(trigger, **simpler)})


def conditions_in(expr: Expr) -> list[Expr]:
    """The conditions from which this one is made."""
    return parts(expr) if expr[0] in ("and", "or", "not") else []


def show(case: Case) -> str:
    """The case as a person reads it."""
    lines = []
    for index, rulebook in enumerate(case.rulebooks):
        for path, content in files(rulebook).items():
            if path.endswith(".yaml"):
                lines.append(f"--- rulebook {index}: {path}\n{content}")
    for offset, record in enumerate(case.records):
        if isinstance(record, Event):
            when = f"{record.appended_at_ms} ({record.occurred_at_ms - record.appended_at_ms:+})"
            lines.append(f"{offset:3} {when} {record.customer} {record.id} {record.type} {record.data}")
        else:
            lines.append(f"{offset:3} {record}")
    return "\n".join(lines)


if __name__ == "__main__":
    small = shrink(generate(int(sys.argv[1])))
    print(show(small))
    print("\n".join(disagreements(judge(small), run_engine(small))))
