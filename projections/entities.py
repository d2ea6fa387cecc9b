"""The source of segments and dimensions: what each is at (s, t), and when that may change by time alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from events.numbers import MICRO
from projections.definitions import Bands, Cases, DimensionDef, SegmentDef
from projections.expressions import values as source
from projections.expressions.emit import Emitter
from projections.expressions.moving import Crossings, moving_atoms
from projections.expressions.tree import Kind, Node

EmitterOf = Callable[[], Emitter]


def segment(number: int, definition: SegmentDef, emitter: Emitter, member: str) -> list[str]:
    """The function that says whether the customer is in; `member` is source for whether they were."""
    when = emitter.condition(definition.when)
    code = when
    if definition.leaves_when is not None:
        leaves = emitter.condition(definition.leaves_when)
        code = f"not {leaves} and ({member} or {when})"
    return [
        f"def entity_{number}(s, t):",
        f"    # segment {definition.name} {definition.source}".rstrip(),
        f"    return {code}",
    ]


def dimension(number: int, definition: DimensionDef, emitter: Emitter) -> list[str]:
    """The function that gives the customer's value."""
    lines = [f"def entity_{number}(s, t):", f"    # dimension {definition.name} {definition.source}".rstrip()]
    form = definition.form
    if isinstance(form, Cases):
        for value, condition in form.cases:
            test = "" if condition is None else f"if {emitter.condition(condition)}: "
            lines.append(f"    {test}return {value!r}")
    elif isinstance(form, Bands):
        number_code = emitter.number(form.number)
        if number_code.guard is not None:
            lines.append(f"    if not ({number_code.guard}): return {form.missing!r}")
        for cut, name in zip(form.at, form.names, strict=False):
            constant = source.Num(str(cut), MICRO)
            plain = source.Num(number_code.numerator, number_code.scale, number_code.denominator)
            lines.append(f"    if {source.compare(plain, '<', constant)}: return {name!r}")
        lines.append(f"    return {form.names[-1]!r}")
    else:
        lines += _value_of(form.trait, form.missing, emitter)
    return lines


def _value_of(trait: Node, missing: str | None, emitter: Emitter) -> list[str]:
    if trait.kind is Kind.NUMBER:
        number = emitter.number(trait)
        code, guard = f"shown_text(*{source.pair(number)})", number.guard
    else:
        value = emitter.value(trait)
        code, guard = value.code, value.guard
        if trait.kind is not Kind.TEXT:
            code = f"value_text({code}, {str(trait.kind)!r})"
    lines = [] if guard is None else [f"    if not ({guard}): return {missing!r}"]
    return [*lines, f"    return {code}"]


def next_change(
    number: int, definition: SegmentDef | DimensionDef, emitter: Emitter, formulas: Mapping[str, Node], *, plain: bool
) -> list[str] | None:
    """The function of the next instant at which time alone may change the entity; None if it does not move."""
    crossings = Crossings(emitter, formulas)
    found: list[str] = []
    for condition in _conditions(definition):
        if condition.kind is Kind.NUMBER:
            continue
        code = crossings.next_change(condition, relevance=not plain)
        if code is not None:
            found.append(code)
    if isinstance(definition, DimensionDef) and isinstance(definition.form, Bands) and definition.form.number.moving:
        for cut in definition.form.at:
            found += crossings.of_cut(definition.form.number, cut)
        for atom in moving_atoms(definition.form.number, formulas):
            found += crossings.of_comparison(atom)
    if not found:
        return None
    return [f"def next_{number}(s, t):", f"    return {crossings.least(found)}"]


def _conditions(definition: SegmentDef | DimensionDef) -> list[Node]:
    if isinstance(definition, SegmentDef):
        return [definition.when] + ([definition.leaves_when] if definition.leaves_when is not None else [])
    if isinstance(definition.form, Cases):
        return [condition for _, condition in definition.form.cases if condition is not None]
    return []


def value_text(value: Any, kind: str) -> str:
    """A trait's value as the name of a dimension's value."""
    if kind == "flag":
        return "yes" if value else "no"
    return str(value)
