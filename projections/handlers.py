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
from projections.decoding import attribute
from projections.definitions import FieldKinds, TraitDef, TraitKind
from projections.expressions import values as source
from projections.expressions.emit import Emitter
from projections.expressions.tree import Kind, Node, Ref, Root
from projections.expressions.values import Num, Temporaries, Val
from projections.sources import ConsentSource, ProfileSource, Source, TraitSource
from projections.thresholds import Entry
from projections.traits.collections import ValueSet, WindowedSet, WindowedTop
from projections.traits.windowed import Windowed

READ_FIELD = {
    Kind.NUMBER: "quantise({})",
    Kind.TEXT: "{}",
    Kind.FLAG: "{}",
    Kind.TIME: "instant_of({})",
    Kind.DATE: "day_of({})",
}
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
            *self.folding(type_name, touched),
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

    def folding(self, type_name: str, touched: list[Indexed]) -> list[str]:
        """Statements that update the slots; traits that walk the same list share its loop."""
        lines: list[str] = []
        loops: dict[tuple[str, ...], list[str]] = {}
        prepare: list[str] = []
        finish: list[str] = []
        for ix in touched:
            if not isinstance(ix.source, TraitSource):
                continue
            code, definition = ix.source.code, ix.source.code.definition
            body = [f"# {definition.name} {definition.source}".rstrip(), *self.update(definition, type_name)]
            if definition.list_depth:
                loops.setdefault(definition.path[: definition.list_depth], []).extend(body)
            else:
                lines += body
            prepare += code.prepare()
            finish += code.finish()
        for path, body in loops.items():
            code_path, guard = self.plain_path("d", path)
            opening = (
                f"for it in {code_path} or ():"
                if guard is None
                else f"for it in ({code_path} if {guard} else ()) or ():"
            )
            lines += ["k = offset << 20", opening, *("    " + line for line in body), "    k += 1"]
        return prepare + lines + finish + self.person(type_name)

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

    def update(self, definition: TraitDef, type_name: str) -> list[str]:
        """Statements for one trait and one event (or item)."""
        emitter = self.fold_emitter(type_name, definition)
        tests: list[str] = []
        assign: list[str] = []
        if definition.path:
            rest = definition.path[definition.list_depth :]
            code, guard = self.plain_path("it" if definition.list_depth else "d", rest)
            tests += [part for part in (guard, f"(x := {code}) is not None") if part]
            kind = definition.element or (definition.value if definition.kind is not TraitKind.MEAN else Kind.NUMBER)
            read = READ_FIELD[kind].format("x")
            assign += [] if read == "x" else [f"x = {read}"]
        if definition.where is not None:
            tests.append(emitter.condition(definition.where))
        if definition.kind is TraitKind.TOP:
            assign += self.weight(definition.weight, emitter)
        found = trait_statements(self.indexed[definition.name].source)
        body = [*assign, *found]
        return [f"if {' and '.join(tests)}:", *("    " + line for line in body)] if tests else body

    def weight(self, weight: Node | None, emitter: Emitter) -> list[str]:
        """`weight` as a double; null is 0."""
        if weight is None:
            return ["weight = 1.0"]
        number = emitter.number(weight)
        divisor = source.times(str(number.scale), 1, number.denominator)
        code = number.numerator if divisor == "1" else f"{number.numerator} / ({divisor})"
        return [f"weight = float({code})" + (f" if {number.guard} else 0.0" if number.guard else "")]

    def plain_path(self, root: str, path: tuple[str, ...]) -> tuple[str, str | None]:
        """Source of a field, and the guard that what lies on the way is there."""
        code, guards = root, []
        for name in path[:-1]:
            code = f"{code}.{attribute(name)}"
            guards.append(f"{code} is not None")
        return f"{code}.{attribute(path[-1])}", " and ".join(guards) or None

    def fold_emitter(self, type_name: str, definition: TraitDef) -> Emitter:
        """Emits a trait's `where` and `weight`: fields of the event and the item at hand."""

        def resolve(ref: Ref, names: Temporaries) -> Num | Val:
            path = ref.path
            if ref.root is Root.ITEM:
                return field_value(ref, f"field_of_item(it, {attributes(path)})", names)
            if not has_field(self.types[type_name], path):
                return field_value(ref, "None", names)
            code = f"field_of(ev, {attributes(path)})"
            if len(path) == 1:
                code = f"d.{attribute(path[0])}"
            return field_value(ref, code, names)

        return Emitter(resolve, self.constants)

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


def trait_statements(src: Source) -> list[str]:
    """The update statements of a trait's kind."""
    assert isinstance(src, TraitSource)
    return src.code.update()


def attributes(path: tuple[str, ...]) -> str:
    """A path as a tuple of attribute names, in source form."""
    return repr(tuple(attribute(name) for name in path))


def has_field(kinds: FieldKinds, path: tuple[str, ...]) -> bool:
    """Whether a type has a field."""
    inner = kinds.fields.get(path[0])
    if isinstance(inner, FieldKinds):
        return len(path) == 1 or has_field(inner, path[1:])
    return inner is not None and len(path) == 1


def field_value(ref: Ref, code: str, names: Temporaries) -> Num | Val:
    """How an event's field reads: null where absent, numbers quantised."""
    name = names.new()
    guard = f"({name} := {code}) is not None"
    if ref.kind is Kind.NUMBER:
        return Num(f"quantise({name})", MICRO, guard=guard)
    if ref.kind is Kind.LIST:
        return Val(f"numbers({name})" if ref.element is Kind.NUMBER else name, guard)
    return Val(READ_FIELD[ref.kind or Kind.TEXT].format(name), guard)
