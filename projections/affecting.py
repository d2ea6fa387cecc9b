"""The source of what a change affects: the entities whose conditions ask what is another before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from events.numbers import MICRO
from projections.analysis import Feature
from projections.expressions import values as source
from projections.expressions.emit import Emitter
from projections.expressions.values import Num
from projections.indexing import Indexed, Indexing


@dataclass(slots=True)
class Affecting:
    """Writes statements that append to `cand` the entities a change of what was `touched` can affect.

    `b` and a source's number is its snapshot before, `f` and a feature's number its key before, `a` a value now; `mine`
    is the customer's group, and `x` what that group asks of one source, of its age or of a feature.
    """

    indexing: Indexing
    emit_state: Callable[[], Emitter]

    # ------------------------------------------------------------ before and after
    def snapshots(self, touched: list[Indexed]) -> list[str]:
        """Statements that keep what is there before a change."""
        return [
            *(f"{ix.changes} = []" for ix in touched if ix.changes),
            *(f"b{ix.number} = {ix.source.raw}" for ix in touched if ix.kept),
            *(f"f{feature.number} = {self.feature_key(feature)}" for feature in self.features_of(touched)),
        ]

    def candidates(self, touched: list[Indexed]) -> list[str]:
        """Statements that find the entities what changed since can affect."""
        return [
            *self.select,
            *(line for ix in touched for line in self.crossing(ix)),
            *(line for feature in self.features_of(touched) for line in self.feature_crossing(feature)),
        ]

    def features_of(self, touched: list[Indexed]) -> list[Feature]:
        """The features that are made of any of the sources."""
        names = {ix.source.name for ix in touched}
        return [feature for feature in self.indexing.features if feature.sources & names]

    def feature_key(self, feature: Feature) -> str:
        """Source of the feature's place among the millionths, None for null: floor plus ceiling, so that a value on a
        millionth and one right beside it differ."""
        number = self.emit_state().number(feature.node)
        divisor = source.times(str(number.scale), 1, number.denominator)
        exact = divisor == str(MICRO)
        scaled = number.numerator if exact else f"({number.numerator} * {MICRO})"
        code = f"2 * {scaled}" if exact else f"{scaled} // ({divisor}) - -{scaled} // ({divisor})"
        return source.bound(code, number.guard)

    def feature_crossing(self, feature: Feature) -> list[str]:
        """Statements that find the entities a change of a feature can affect."""
        number = feature.number
        lines = [f"g = {self.feature_key(feature)}", f"if g != f{number}:"]
        lines.append(f"    cand += affected(FX{number}, f{number}, g)")
        if self.indexing.analysis.selector is not None:
            lines.append(f"    if mine is not None and (x := mine.features[{number}]) is not None:")
            lines.append(f"        cand += affected(x, f{number}, g)")
        return lines

    def crossing(self, ix: Indexed) -> list[str]:
        """Statements that find the entities a change of a source can affect."""
        n, entry = ix.number, ix.entry
        if not ix.matters:
            return []
        if ix.changes is not None:
            lines = [f"if {ix.changes}:", f"    cand += ANY{n}", f"    for x in {ix.changes}: cand += EQ{n}(x, ())"]
            return lines + indented(self.in_group(n, f"cand += x.toggled({ix.changes})", when=ix.grouped))
        found: list[str] = []
        if entry.any_change:
            found.append(f"cand += ANY{n}")
        if entry.comparisons or entry.nullness:
            read = ix.source.read()
            known = isinstance(read, Num) and read.guard is None
            found.append(f"cand += IX{n}.between(b{n}, a)" if known else f"cand += affected(IX{n}, b{n}, a)")
        if entry.equal:
            found.append(f"cand += EQ{n}(b{n}, ()); cand += EQ{n}(a, ())")
        if ix.age:
            found.append(f"if {self.aged(n, f'{self.first_age(ix)}')}: cand += affected_age(AGE{n}, b{n}, a, t)")
        found += self.in_group(n, f"cand += x.changed(b{n}, a)", when=ix.grouped)
        age = f"if {self.aged(n, 'x.first')}: cand += affected_age(x, b{n}, a, t)"
        found += self.in_group(n, age, when=ix.grouped_age, of="ages")
        if ix.source.name == self.indexing.analysis.selector:
            found.append(f"left = GROUP(b{n})")
            found.append("if left is not None: cand += left.entities")
            found.append("if mine is not None: cand += mine.entities")
            found.append("s.strays = strays(s, left, mine)")
        return [f"a = {ix.source.raw}", f"if a != b{n}:", *indented(found or ["pass"])]

    def first_age(self, ix: Indexed) -> int:
        """The smallest age that entities outside of groups compare with."""
        first: int = self.indexing.constants[f"AGE{ix.number}"].first
        return first

    def aged(self, number: int, first: str) -> str:
        """Whether an instant was old enough for any comparison before it changed, or is now."""
        return f"b{number} is None or a is None or t - b{number} >= {first} or t - a >= {first}"

    # ------------------------------------------------------------ the customer's group
    @property
    def select(self) -> list[str]:
        """The statement that finds the customer's group, where entities are in groups."""
        name = self.indexing.analysis.selector
        return [] if name is None else [f"mine = GROUP({self.indexing.indexed[name].source.raw})"]

    def in_group(self, number: int, *statements: str, when: bool, of: str = "sources") -> list[str]:
        """Statements about `x`, what the customer's group asks of a source or of its age."""
        if not when:
            return []
        return [f"if mine is not None and (x := mine.{of}[{number}]) is not None:", *indented(statements)]

    def of_group(self, statement: str) -> list[str]:
        """A statement about the customer's group, where entities are in groups."""
        return [] if self.indexing.analysis.selector is None else [f"if mine is not None: {statement}"]

    def astray(self, *statements: str) -> list[str]:
        """Statements for customers in entities of another group than theirs, where there can be any."""
        group_of = self.indexing.analysis.group_of
        lasting = any(of is not None and self.indexing.lasts(number) for number, of in enumerate(group_of))
        return ["if s.strays:", *indented(statements)] if lasting else []


def indented(lines: Iterable[str]) -> list[str]:
    """Statements one level deeper."""
    return ["    " + line for line in lines]
