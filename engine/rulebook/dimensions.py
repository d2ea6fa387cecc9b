"""Reads dimensions: their shape first, so that their values are known, then their expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.rulebook.expressions import Expressions, Written
from engine.rulebook.nodes import Mapping, Node, Scalar, Sequence, describe, is_recorded
from engine.rulebook.reading import Reading
from projections.definitions import Bands, Cases, DimensionDef, ValuesOf
from projections.expressions.checker import check_condition, check_number
from projections.expressions.scope import Scope
from projections.expressions.tree import Kind, Ref, Root

_KEYS = ("bands", "at", "names", "values_of", "missing")
_SHOWN = frozenset({Kind.TEXT, Kind.NUMBER, Kind.FLAG})


@dataclass(frozen=True, slots=True)
class CasesShape:
    """Values in order, each with its condition; the last has none."""

    cases: tuple[tuple[str, Written | None], ...]


@dataclass(frozen=True, slots=True)
class BandsShape:
    """Cuts in millionths and the names between them."""

    number: Written
    at: tuple[int, ...]
    names: tuple[str, ...]
    missing: str | None


@dataclass(frozen=True, slots=True)
class ValuesShape:
    """The name whose values it takes."""

    of: Written
    missing: str | None


Shape = CasesShape | BandsShape | ValuesShape


def written_in(shape: Shape) -> Iterator[Written]:
    """The expressions of a dimension."""
    if isinstance(shape, CasesShape):
        yield from (written for _, written in shape.cases if written is not None)
    else:
        yield shape.number if isinstance(shape, BandsShape) else shape.of


def values_of(shape: Shape) -> tuple[str, ...] | None:
    """The values a dimension can take, None where they are those of a trait."""
    if isinstance(shape, CasesShape):
        return tuple(dict.fromkeys(value for value, _ in shape.cases))
    if isinstance(shape, BandsShape):
        return tuple(dict.fromkeys((*shape.names, *(() if shape.missing is None else (shape.missing,)))))
    return None


class DimensionReader:
    """Reads the shapes and checks the expressions of dimensions."""

    def __init__(self, reading: Reading, expressions: Expressions) -> None:
        self._reading = reading
        self._expressions = expressions

    # Shapes

    def shape(self, name: str, key: Scalar, node: Node) -> Shape | None:
        """The shape, None where it is broken."""
        if isinstance(node, Sequence):
            return self._cases(name, node)
        if isinstance(node, Scalar):
            found = f"needs a list of cases, bands or values_of; found {describe(node)}"
            self._reading.refuse(node, f"the dimension '{name}' {found}")
            return None
        keys = self._reading.keys(node, f"the dimension '{name}'", _KEYS)
        if ("bands" in keys) == ("values_of" in keys):
            if keys.whole:
                both = "bands or values_of, not both" if keys.get("bands") else "a list of cases, bands or values_of"
                self._reading.refuse(key, f"the dimension '{name}' needs {both}")
            return None
        missing = self._reading.text(keys["missing"], "missing") if "missing" in keys else None
        if "missing" in keys and missing is None:
            return None
        if "bands" in keys:
            return self._bands(key, keys, missing)
        for option in ("at", "names"):
            if option in keys:
                self._reading.refuse(keys[option], f"values_of has no '{option}'; it has 'missing'")
        written = self._expressions.parse(keys["values_of"], "values_of")
        return None if written is None else ValuesShape(written, missing)

    def _cases(self, name: str, node: Sequence) -> Shape | None:
        if not node.items:
            self._reading.refuse(node, f"the dimension '{name}' needs cases, the last of them 'else'")
            return None
        last = node.items[-1]
        read = [self._case(item, last=item is last) for item in node.items]
        cases = tuple(case for case in read if case is not None)
        return CasesShape(cases) if len(cases) == len(read) else None

    def _case(self, item: Node, *, last: bool) -> tuple[str, Written | None] | None:
        if isinstance(item, Mapping):
            item = self._reading.mended(item)
        if not isinstance(item, Mapping) or len(item.entries) != 1:
            found = f"{len(item.entries)} names" if isinstance(item, Mapping) else describe(item)
            self._reading.refuse(
                item, f"a case is one value and its condition, as in repeat: orders >= 2; found {found}"
            )
            return None
        ((key, node),) = item.entries
        value = self._reading.text(key, "a dimension's value")
        if value is None:
            return None
        if isinstance(node, Scalar) and node.text == "else":
            if not last:
                self._reading.refuse(node, "'else' is the last case; nothing after it can hold")
            return value, None
        written = self._expressions.parse(node, f"the case '{value}'")
        if last and written is not None:
            self._reading.refuse(item, "the last case must be 'else', so that every customer has a value")
            return None
        return None if written is None else (value, written)

    def _bands(self, key: Scalar, keys: dict[str, Node], missing: str | None) -> Shape | None:
        number = self._expressions.parse(keys["bands"], "bands")
        absent = [option for option in ("at", "names") if option not in keys]
        if absent:
            self._reading.refuse(
                key, f"bands need {' and '.join(absent)}, as in at: [50, 200], names: [low, medium, high]"
            )
            return None
        cut_nodes, name_nodes = self._reading.items(keys["at"], "at"), self._reading.items(keys["names"], "names")
        at = [self._reading.number(node, "a cut") for node in cut_nodes]
        names = [self._reading.text(node, "a band's name") for node in name_nodes]
        cuts = tuple(cut for cut in at if cut is not None)
        known = tuple(name for name in names if name is not None)
        if not at or not names or len(cuts) != len(at) or len(known) != len(names):
            return None
        for place in range(1, len(cuts)):
            if cuts[place] <= cuts[place - 1]:
                self._reading.refuse(
                    cut_nodes[place], f"cuts must increase; {describe(cut_nodes[place])} is not above the one before it"
                )
                return None
        if len(known) != len(cuts) + 1:
            self._reading.refuse(
                keys["names"], f"{len(cuts)} cuts make {len(cuts) + 1} bands; found {len(known)} names"
            )
            return None
        for place in range(1, len(known)):
            if known[place] == known[place - 1] and not is_recorded(name_nodes[place]):
                divides = f"the cut {describe(cut_nodes[place - 1])} divides nothing"
                self._reading.refuse(name_nodes[place], f"{divides}: both bands beside it are '{known[place]:.60}'")
                return None
        return None if number is None else BandsShape(number, cuts, known, missing)

    # Expressions

    def define(self, name: str, shape: Shape, scope: Scope) -> DimensionDef | None:
        """The dimension with its expressions checked, None where one is broken."""
        form: Cases | Bands | ValuesOf | None
        if isinstance(shape, CasesShape):
            form = self._define_cases(shape, scope)
        elif isinstance(shape, BandsShape):
            form = self._define_bands(shape, scope)
        else:
            form = self._define_values(shape, scope)
        return None if form is None else DimensionDef(name=name, form=form, source=f"dimensions.{name}")

    def _define_cases(self, shape: CasesShape, scope: Scope) -> Cases | None:
        checked = [
            (value, self._expressions.check(written, scope, check_condition), written) for value, written in shape.cases
        ]
        if any(condition is None and written is not None for _, condition, written in checked):
            return None
        return Cases(cases=tuple((value, condition) for value, condition, _ in checked))

    def _define_bands(self, shape: BandsShape, scope: Scope) -> Bands | None:
        number = self._expressions.check(shape.number, scope, check_number)
        if number is None or self._lacks_missing(shape.number, number.nullable, shape.missing):
            return None
        return Bands(number=number, at=shape.at, names=shape.names, missing=shape.missing)

    def _define_values(self, shape: ValuesShape, scope: Scope) -> ValuesOf | None:
        trait = self._expressions.check(shape.of, scope)
        if trait is None:
            return None
        if not isinstance(trait, Ref) or trait.root not in (Root.TRAIT, Root.PROFILE):
            self._reading.refuse(shape.of.scalar, "values_of names one trait or profile field")
        elif trait.kind not in _SHOWN or trait.moving:
            found = "one that moves with time" if trait.moving else f"a {trait.kind}"
            self._reading.refuse(
                shape.of.scalar, f"values_of takes a text, number or flag, not {found}; use bands or cases"
            )
        elif not self._lacks_missing(shape.of, trait.nullable, shape.missing):
            return ValuesOf(trait=trait, missing=shape.missing)
        return None

    def _lacks_missing(self, written: Written, nullable: bool, missing: str | None) -> bool:
        if nullable and missing is None:
            self._reading.refuse(written.scalar, "this can be null; say with 'missing:' which value that gives")
            return True
        return False
