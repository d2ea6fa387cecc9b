"""The source of what an event type, and the passing of time, do to a state.

A handler folds one event and appends to `cand` the numbers of the entities it can have changed; it returns a bound of
the next instant at which what it touched can change something by time alone, and snapshots of the sources before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from events.numbers import MICRO
from projections.analysis import Analysis, Feature
from projections.definitions import FieldKinds
from projections.expressions import values as source
from projections.expressions.emit import Emitter
from projections.expressions.values import Num
from projections.folding import Folding
from projections.sources import ConsentSource, ProfileSource, Source, TraitSource
from projections.thresholds import Entry
from projections.traits.collections import ValueSet, WindowedSet, WindowedTop
from projections.traits.windowed import Windowed

TRACKED = (Windowed, WindowedSet)


@dataclass(slots=True)
class Indexed:
    """One source with what is generated about it."""

    number: int
    source: Source
    entry: Entry
    age: Entry | None
    evidence: bool  # whether some entity is made of it
    exact_exits: bool  # whether every exit of its window may matter

    @property
    def matters(self) -> bool:
        """Whether a change can affect an entity directly."""
        e = self.entry
        return bool(e.comparisons or e.equal or e.any_change or e.nullness or (self.age and self.age.comparisons))

    @property
    def changes(self) -> str | None:
        """The local list of elements that came or went, for sets."""
        code = getattr(self.source, "code", None)
        return code.changes if isinstance(code, ValueSet) else None


@dataclass(slots=True)
class Handlers:
    """Writes the functions of all event types and of time."""

    analysis: Analysis
    emit_state: Callable[[], Emitter]
    constants: dict[str, Any]
    types: Mapping[str, FieldKinds]
    indexed: dict[str, Indexed] = field(default_factory=dict)
    features: list[Feature] = field(default_factory=list)

    def prepare(self) -> None:
        """Number sources and features and put their indexes among the constants."""
        a = self.analysis
        made_of = {name for reads in a.reads for name in reads}
        self.features = list(a.features.values())
        in_feature = {name for feature in self.features for name in feature.sources}
        for number, (name, src) in enumerate(sorted(a.sources.items())):
            entry, age = a.entries.get(name, Entry()), a.ages.get(name)
            exact = bool(entry.any_change or entry.nullness) or name in in_feature
            ix = self.indexed[name] = Indexed(number, src, entry, age, name in made_of, exact)
            read = src.read()
            scale = Fraction(read.scale) if isinstance(read, Num) else Fraction(1)
            self.constants[f"IX{number}"] = index = entry.thresholds(scale)
            self.constants[f"AT{number}"] = index.at.get
            self.constants[f"CUTS{number}"] = index.cuts
            self.constants[f"EQ{number}"] = entry.equals().get
            self.constants[f"ANY{number}"] = tuple(sorted(entry.any_change))
            if ix.age is not None:
                self.constants[f"AGE{number}"] = ages = ix.age.thresholds(Fraction(1))
                self.constants[f"AGED{number}"] = ages.at.get
        for number, feature in enumerate(self.features):
            self.constants[f"FX{number}"] = feature.entry.thresholds(Fraction(MICRO))

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
            *(line for ix in touched for line in self.crossing(ix)),
            *(line for n, feature in features for line in self.feature_crossing(n)),
            *(line for ix in touched for line in self.new_bound(ix)),
            f"return L, {self.before(touched)}",
        ]
        return [f"def on_{type_name}(s, ev, t, offset, cand):", *("    " + line for line in body)]

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
        """Source of the feature's whole millionths, None for null."""
        number = self.emit_state().number(feature.node)
        divisor = source.times(str(number.scale), 1, number.denominator)
        code = number.numerator if divisor == str(MICRO) else f"({number.numerator} * {MICRO}) // ({divisor})"
        return source.bound(code, number.guard)

    def feature_crossing(self, number: int) -> list[str]:
        """Statements that find the entities a change of a feature can affect."""
        feature = self.features[number]
        return [
            f"g = {self.feature_key(feature)}",
            f"if g != f{number}: cand += affected(FX{number}, f{number}, g)",
        ]

    def crossing(self, ix: Indexed) -> list[str]:
        """Statements that find the entities a change of a source can affect."""
        n, entry = ix.number, ix.entry
        if not ix.matters:
            return []
        if ix.changes is not None:
            return [f"if {ix.changes}:", f"    cand += ANY{n}", f"    for x in {ix.changes}: cand += EQ{n}(x, ())"]
        found: list[str] = []
        if entry.any_change:
            found.append(f"cand += ANY{n}")
        if entry.comparisons or entry.nullness:
            found.append(f"cand += affected(IX{n}, b{n}, a)")
        if entry.equal:
            found.append(f"cand += EQ{n}(b{n}, ()); cand += EQ{n}(a, ())")
        if ix.age is not None and ix.age.comparisons:
            found.append(f"cand += affected_age(AGE{n}, b{n}, a, t)")
        return [f"a = {ix.source.raw}", f"if a != b{n}:", *("    " + line for line in found)]

    def new_bound(self, ix: Indexed) -> list[str]:
        """Statements that bound the next change by time of what an event touched."""
        lines = []
        if ix.age is not None and ix.age.comparisons:
            first = self.constants[f"AGE{ix.number}"].cuts[0]
            lines += [f"a = {ix.source.raw}"]
            lines += [f"if a is not None and a != b{ix.number} and (a + {first} < s.queued or a + {first} <= t):"]
            lines += [f"    e = next_cut(AGE{ix.number}, NEXT, s, a, t)", "    if e < L: L = e"]
        return lines + self.exit_bound(ix)

    def exit_bound(self, ix: Indexed) -> list[str]:
        """Statements that bound the next exit that matters."""
        code = getattr(ix.source, "code", None)
        if not isinstance(code, TRACKED) or not (ix.matters or ix.exact_exits):
            return []
        cuts = None if ix.exact_exits or ix.entry.equal else f"CUTS{ix.number}"
        return [f"e = {code.next_exit(cuts)}", "if e < L: L = e"]

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
            *(line for ix in windows for line in self.crossing(ix)),
            *(line for n, feature in features for line in self.feature_crossing(n)),
            f"return ({''.join((ix.changes or 'None') + ', ' for ix in windows if ix.evidence)})",
        ]
        return ["def expire(s, t, cand):", *("    " + line for line in body)]

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
        for ix in self.indexed.values():
            if ix.age is not None and ix.age.comparisons:
                lines += [f"x = {ix.source.raw}", f"if x is not None: cand += AGED{ix.number}(t - x, ())"]
        lines += ["cand += MOVING", "return before"]
        return ["def due(s, t, cand):", *("    " + line for line in lines)]

    def bound(self) -> list[str]:
        """The function that bounds the next instant at which time alone changes something: early at worst."""
        lines = ["L = s.ask_at"]
        for ix in self.indexed.values():
            if ix.age is not None and ix.age.comparisons:
                lines += [
                    f"x = {ix.source.raw}",
                    "if x is not None:",
                    f"    e = next_cut(AGE{ix.number}, NEXT, s, x, t)",
                    "    if e < L: L = e",
                ]
            lines += self.exit_bound(ix)
        lines += ["for i in MOVING:", "    e = NEXT[i](s, t)", "    if e < L: L = e", "return L"]
        return ["def bound(s, t):", *("    " + line for line in lines)]
