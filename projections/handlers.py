"""The source of what an event type, and the passing of time, do to a state.

A handler folds one event and appends to `cand` the numbers of the entities it can have changed; it returns a bound of
the next instant at which what it touched can change something by time alone, and snapshots of the sources before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from events.numbers import MICRO
from projections.analysis import Feature
from projections.definitions import FieldKinds
from projections.expressions import values as source
from projections.expressions.emit import Emitter
from projections.expressions.values import Num
from projections.folding import Folding
from projections.indexing import Indexed, Indexing
from projections.sources import ConsentSource, ProfileSource, Source, TraitSource
from projections.traits.collections import WindowedSet, WindowedTop
from projections.traits.windowed import Windowed

TRACKED = (Windowed, WindowedSet)


@dataclass(slots=True, kw_only=True)
class Handlers(Indexing):
    """Writes the functions of all event types and of time."""

    emit_state: Callable[[], Emitter]
    types: Mapping[str, FieldKinds]

    @property
    def select(self) -> list[str]:
        """The statement that finds the customer's group, where entities are in groups."""
        name = self.analysis.selector
        return [] if name is None else [f"mine = GROUP({self.indexed[name].source.raw})"]

    # ------------------------------------------------------------ event types
    def handler(self, type_name: str) -> list[str]:
        """The function that folds one event of a type."""
        touched = [ix for ix in self.indexed.values() if type_name in self.touching(ix.source)]
        names = {ix.source.name for ix in touched}
        features = [(n, f) for n, f in enumerate(self.features) if f.sources & names]
        body = [
            "d = ev.data; o = ev.occurred_at_ms",
            "if o > t: o = t",
            "k = offset << 20; L = NEVER",
            "if s.exit_at <= t: expire(s, t, cand)",
            *(f"{ix.changes} = []" for ix in touched if ix.changes),
            *(f"b{ix.number} = {ix.source.raw}" for ix in touched if self.snapshot(ix)),
            *(f"f{n} = {self.feature_key(feature)}" for n, feature in features),
            *Folding(type_name, self.types[type_name], self.constants).statements([ix.source for ix in touched]),
            *self.person(type_name),
            *self.select,
            *(line for ix in touched for line in self.crossing(ix)),
            *(line for n, feature in features for line in self.feature_crossing(n)),
            *(line for ix in touched for line in self.new_bound(ix)),
            *self.regrouped(touched),
            *self.astray("cand += s.strays", "if s.exit_at < L: L = s.exit_at"),
            f"return L, {self.before(touched)}",
        ]
        return [f"def on_{type_name}(s, ev, t, offset, cand):", *indented(body)]

    def touching(self, src: Source) -> Iterable[str]:
        """The event types that can change a source."""
        match src:
            case TraitSource():
                return src.code.definition.types
            case ProfileSource():
                return ("profile_updated",)
            case ConsentSource():
                return ("consent_changed", "unsubscribed")
        return ()

    def snapshot(self, ix: Indexed) -> bool:
        """Whether a handler compares the source before and after."""
        return ix.changes is None and (ix.matters or ix.evidence)

    def before(self, touched: list[Indexed]) -> str:
        """The snapshots, in the order of `evidence_order`; for sets the elements that changed."""
        return "(" + "".join(f"{ix.changes or f'b{ix.number}'}, " for ix in touched if ix.evidence) + ")"

    def evidence_order(self, type_name: str | None) -> tuple[str, ...]:
        """The names of the sources in a handler's snapshots; None is for time."""
        return tuple(
            name
            for name, ix in self.indexed.items()
            if ix.evidence and (type_name in self.touching(ix.source) if type_name else self.windowed(ix))
        )

    def windowed(self, ix: Indexed) -> bool:
        """Whether time alone takes something away from the source."""
        return isinstance(getattr(ix.source, "code", None), TRACKED)

    def person(self, type_name: str) -> list[str]:
        """Statements of the types that change profile, consents and addresses."""
        match type_name:
            case "profile_updated":
                slots = [ix.source for ix in self.indexed.values() if isinstance(ix.source, ProfileSource)]
                copies = [f"s.{each.slot.name} = (s.profile.get({each.field!r}) or NOTHING)[0]" for each in slots]
                return ["update_profile(s, d, PROFILE_READERS, o, offset << 20)", *copies]
            case "consent_changed":
                return ["update_consent(s, d.channel, d.purpose, granted=d.granted, when=(o, offset << 20))"]
            case "unsubscribed":
                return ["unsubscribe(s, d.channel, d.purpose, o, offset << 20)"]
            case "message_bounced" | "message_complained":
                test = "if d.kind == 'hard': " if type_name == "message_bounced" else ""
                return [f"{test}mark_address(s, d.channel, d.address, o, offset << 20)"]
        return []

    # ------------------------------------------------------------ what a change affects
    def feature_key(self, feature: Feature) -> str:
        """Source of the feature's place among the millionths, None for null: floor plus ceiling, so that a value on a
        millionth and one right beside it differ."""
        number = self.emit_state().number(feature.node)
        divisor = source.times(str(number.scale), 1, number.denominator)
        exact = divisor == str(MICRO)
        scaled = number.numerator if exact else f"({number.numerator} * {MICRO})"
        code = f"2 * {scaled}" if exact else f"{scaled} // ({divisor}) - -{scaled} // ({divisor})"
        return source.bound(code, number.guard)

    def feature_crossing(self, number: int) -> list[str]:
        """Statements that find the entities a change of a feature can affect."""
        feature = self.features[number]
        lines = [f"g = {self.feature_key(feature)}", f"if g != f{number}:"]
        lines.append(f"    cand += affected(FX{number}, f{number}, g)")
        if self.analysis.selector is not None:
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
        if ix.source.name == self.analysis.selector:
            found.append(f"left = GROUP(b{n})")
            found.append("if left is not None: cand += left.entities")
            found.append("if mine is not None: cand += mine.entities")
            found.append("s.strays = strays(s, left, mine)")
        return [f"a = {ix.source.raw}", f"if a != b{n}:", *indented(found or ["pass"])]

    def first_age(self, ix: Indexed) -> int:
        """The smallest age that entities outside of groups compare with."""
        first: int = self.constants[f"AGE{ix.number}"].first
        return first

    def aged(self, number: int, first: str) -> str:
        """Whether an instant was old enough for any comparison before it changed, or is now."""
        return f"b{number} is None or a is None or t - b{number} >= {first} or t - a >= {first}"

    def in_group(self, number: int, *statements: str, when: bool, of: str = "sources") -> list[str]:
        """Statements about `x`, what the customer's group asks of a source or of its age."""
        if not when:
            return []
        return [f"if mine is not None and (x := mine.{of}[{number}]) is not None:", *indented(statements)]

    def astray(self, *statements: str) -> list[str]:
        """Statements for customers in entities of another group than theirs, where there can be any."""
        lasting = any(of is not None and self.lasts(number) for number, of in enumerate(self.analysis.group_of))
        return ["if s.strays:", *indented(statements)] if lasting else []

    def new_bound(self, ix: Indexed) -> list[str]:
        """Statements that bound the next change by time of what an event touched."""
        lines = []
        n = ix.number
        if ix.age or ix.grouped_age:
            lines += [f"a = {ix.source.raw}", f"if a is not None and a != b{n}:"]
        if ix.age:
            first = self.first_age(ix)
            lines += [f"    if a + {first} < s.queued or a + {first} <= t:"]
            lines += [f"        e = next_cut(AGE{n}, NEXT, s, a, t)", "        if e < L: L = e"]
        found = ["if a + x.first < s.queued or a + x.first <= t:"]
        found += ["    e = next_cut(x, NEXT, s, a, t)", "    if e < L: L = e"]
        lines += indented(self.in_group(n, *found, when=ix.grouped_age, of="ages"))
        return lines + self.exit_bound(ix)

    def regrouped(self, touched: list[Indexed]) -> list[str]:
        """Statements for a customer who came to another group, to which exits matter that were not waited for."""
        if not any(ix.grouped and self.windowed(ix) for ix in self.indexed.values()):
            return []
        return [
            f"if {ix.source.raw} != b{ix.number} and s.exit_at < L: L = s.exit_at"
            for ix in touched
            if ix.source.name == self.analysis.selector
        ]

    def exit_bound(self, ix: Indexed) -> list[str]:
        """Statements that bound the next exit that matters."""
        code = getattr(ix.source, "code", None)
        if not isinstance(code, TRACKED):
            return []
        lines = []
        if ix.entry or ix.exact_exits:
            cuts = None if ix.exact_exits else f"CUTS{ix.number}"
            lines += [f"e = {code.next_exit(cuts)}", "if e < L: L = e"]
        choice = f"if not x.exact: e = {code.next_exit('x.numbers.cuts')}"
        lines += self.in_group(ix.number, f"e = {code.next_exit(None)}", choice, "if e < L: L = e", when=ix.grouped)
        return ["if s.exit_at < L:", *indented(lines)] if lines else []

    # ------------------------------------------------------------ time
    def expire(self) -> list[str]:
        """The function that drops what has left the windows by t."""
        windows = [ix for ix in self.indexed.values() if self.windowed(ix)]
        names = {ix.source.name for ix in windows}
        features = [(n, f) for n, f in enumerate(self.features) if f.sources & names]
        body = [
            "e = NEVER",
            *(f"{ix.changes} = []" for ix in windows if ix.changes),
            *(f"b{ix.number} = {ix.source.raw}" for ix in windows if self.snapshot(ix)),
            *(f"f{n} = {self.feature_key(feature)}" for n, feature in features),
            *(line for ix in windows for line in self.window_code(ix).expire()),
            "s.exit_at = e",
            *self.select,
            *(line for ix in windows for line in self.crossing(ix)),
            *(line for n, feature in features for line in self.feature_crossing(n)),
            f"return ({''.join((ix.changes or 'None') + ', ' for ix in windows if ix.evidence)})",
        ]
        return ["def expire(s, t, cand):", *indented(body)]

    def window_code(self, ix: Indexed) -> Windowed | WindowedSet | WindowedTop:
        """The trait code of a windowed source."""
        assert isinstance(ix.source, TraitSource)
        assert isinstance(ix.source.code, TRACKED)
        return ix.source.code

    def due(self) -> list[str]:
        """The function of a due instant: what leaves and what crosses a cut on the ms t."""
        windows = [ix for ix in self.indexed.values() if self.windowed(ix) and ix.evidence]
        snapshots = "".join("None, " if ix.changes else f"{ix.source.raw}, " for ix in windows)
        lines = [
            "if s.exit_at < t: expire(s, t - 1, cand)",
            f"before = ({snapshots})",
            "if s.exit_at <= t:",
            "    gone = expire(s, t, cand)",
            "    before = tuple([b if g is None else g for b, g in zip(before, gone)])",
        ]
        lines += self.select
        for ix in self.indexed.values():
            n = ix.number
            if ix.age or ix.grouped_age:
                lines += [f"a = {ix.source.raw}", "if a is not None:", f"    cand += AGED{n}(t - a, ())"]
            lines += indented(self.in_group(n, "cand += x.at.get(t - a, ())", when=ix.grouped_age, of="ages"))
        lines += ["cand += MOVING", *self.of_group("cand += mine.moving"), *self.astray("cand += s.strays")]
        lines += ["return before"]
        return ["def due(s, t, cand):", *indented(lines)]

    def of_group(self, statement: str) -> list[str]:
        """A statement about the customer's group, where entities are in groups."""
        return [] if self.analysis.selector is None else [f"if mine is not None: {statement}"]

    def bound(self) -> list[str]:
        """The function that bounds the next instant at which time alone changes something: early at worst."""
        lines = ["L = s.ask_at", *self.select]
        for ix in self.indexed.values():
            n = ix.number
            if ix.age or ix.grouped_age:
                lines += [f"a = {ix.source.raw}", "if a is not None:"]
                lines += [f"    e = next_cut(AGE{n}, NEXT, s, a, t)", "    if e < L: L = e"]
            found = ["e = next_cut(x, NEXT, s, a, t)", "if e < L: L = e"]
            lines += indented(self.in_group(n, *found, when=ix.grouped_age, of="ages"))
            lines += self.exit_bound(ix)
        lines += ["for i in MOVING: L = min(L, NEXT[i](s, t))"]
        lines += self.of_group("L = min([L, *[NEXT[i](s, t) for i in mine.moving]])")
        lines += self.astray("L = min([L, s.exit_at, *[NEXT[i](s, t) for i in s.strays if NEXT[i] is not None]])")
        return ["def bound(s, t):", *indented([*lines, "return L"])]


def indented(lines: Iterable[str]) -> list[str]:
    """Statements one level deeper."""
    return ["    " + line for line in lines]
