"""Sources and features by number, and the constants that generated functions look entities up in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from events.numbers import MICRO
from projections.analysis import Analysis, Feature, Questions
from projections.definitions import SegmentDef
from projections.expressions.values import Num
from projections.sources import Source
from projections.thresholds import Entry, Group, SourceIndex, Thresholds
from projections.traits.collections import ValueSet, WindowedSet
from projections.traits.windowed import Windowed

FEATURE_SCALE = Fraction(2 * MICRO)
"""Features are compared by floor plus ceiling of their millionths."""


@dataclass(slots=True)
class Indexed:
    """One source with what is generated about it: `entry` and `age` are what entities outside of groups ask."""

    number: int
    source: Source
    entry: Entry
    age: Entry
    evidence: bool  # whether some entity is made of it
    exact_exits: bool  # whether every exit of its window may matter to entities outside of groups, or move to another
    grouped: bool  # whether entities in groups ask it
    grouped_age: bool

    @property
    def matters(self) -> bool:
        """Whether a change can affect an entity directly."""
        return bool(self.entry or self.age or self.grouped or self.grouped_age)

    @property
    def changes(self) -> str | None:
        """The local list of elements that came or went, for sets."""
        code = getattr(self.source, "code", None)
        return code.changes if isinstance(code, ValueSet) else None

    @property
    def kept(self) -> bool:
        """Whether a snapshot is taken before a change, to be compared or shown after it."""
        return self.changes is None and (self.matters or self.evidence)

    @property
    def window(self) -> Windowed | WindowedSet | None:
        """The code of a trait from which time alone takes something away."""
        code = getattr(self.source, "code", None)
        return code if isinstance(code, Windowed | WindowedSet) else None

    @property
    def scale(self) -> Fraction:
        """How many of its units make one."""
        read = self.source.read()
        return Fraction(read.scale) if isinstance(read, Num) else Fraction(1)


@dataclass(slots=True)
class Indexing:
    """Numbers what conditions ask and puts its indexes among the constants."""

    analysis: Analysis
    constants: dict[str, Any]
    indexed: dict[str, Indexed] = field(default_factory=dict)
    features: list[Feature] = field(default_factory=list)

    def prepare(self) -> None:
        """Number sources and features and put the indexes of entities outside of groups among the constants."""
        a = self.analysis
        plain = a.groups[None]
        groups = [questions for value, questions in a.groups.items() if value is not None]
        made_of = {name for reads in a.reads for name in reads}
        self.features = list(a.features.values())
        for number, (name, src) in enumerate(sorted(a.sources.items())):
            ix = self.indexed[name] = Indexed(
                number,
                src,
                entry=plain.entries.get(name, Entry()),
                age=plain.ages.get(name, Entry()),
                evidence=name in made_of,
                exact_exits=self.exact(plain, name) or name == a.selector,
                grouped=any(name in group.entries or self.in_features(group, name) for group in groups),
                grouped_age=any(name in group.ages for group in groups),
            )
            self.constants[f"IX{number}"] = index = ix.entry.thresholds(ix.scale)
            self.constants[f"CUTS{number}"] = index.cuts
            self.constants[f"EQ{number}"] = ix.entry.equals().get
            self.constants[f"ANY{number}"] = tuple(sorted(ix.entry.any_change))
            self.constants[f"AGE{number}"] = ages = ix.age.thresholds(Fraction(1), a.certain)
            self.constants[f"AGED{number}"] = ages.at.get
        for feature in self.features:
            entry = plain.features.get(feature.number, Entry())
            self.constants[f"FX{feature.number}"] = entry.thresholds(FEATURE_SCALE)

    def in_features(self, questions: Questions, name: str) -> bool:
        """Whether a group compares an expression that is made of the source."""
        return any(name in feature.sources for feature in self.features if feature.number in questions.features)

    def exact(self, questions: Questions, name: str) -> bool:
        """Whether every exit from a source's window may matter to a group."""
        entry = questions.entries.get(name, Entry())
        return bool(entry.any_change or entry.nullness or entry.equal) or self.in_features(questions, name)

    def group(self, movers: Mapping[int, bool]) -> None:
        """Put the groups' indexes among the constants, by the value of the selector that they look for."""
        a = self.analysis
        found: dict[str, Group] = {}
        for value, questions in a.groups.items():
            if value is not None:
                found[value] = Group(
                    entities=tuple(number for number, of in enumerate(a.group_of) if of == value),
                    lasting=tuple(number for number, of in enumerate(a.group_of) if of == value and self.lasts(number)),
                    sources=[self.source_index(questions, ix) for ix in self.indexed.values()],
                    ages=[self.age_index(questions, ix) for ix in self.indexed.values()],
                    features=[
                        questions.features[feature.number].thresholds(FEATURE_SCALE)
                        if feature.number in questions.features
                        else None
                        for feature in self.features
                    ],
                    moving=self.moving(movers, value),
                )
        self.constants["GROUP"] = found.get

    def lasts(self, number: int) -> bool:
        """Whether a member stays in whatever the selector's value."""
        definition = self.analysis.entities[number]
        return isinstance(definition, SegmentDef) and definition.leaves_when is not None

    def source_index(self, questions: Questions, ix: Indexed) -> SourceIndex | None:
        """What a group asks of a source; None for nothing. The selector's own changes ask the whole group."""
        name = ix.source.name
        if name == self.analysis.selector:
            return None
        entry = questions.entries.get(name, Entry())
        exact = self.exact(questions, name)
        if not (entry or exact):
            return None
        return SourceIndex(
            any_change=tuple(sorted(entry.any_change)),
            numbers=entry.thresholds(ix.scale),
            equal=entry.equals(),
            exact=exact,
        )

    def age_index(self, questions: Questions, ix: Indexed) -> Thresholds | None:
        """What a group asks of a source's age; None for nothing."""
        age = questions.ages.get(ix.source.name)
        return age.thresholds(Fraction(1), self.analysis.certain) if age else None

    def moving(self, movers: Mapping[int, bool], group: str | None) -> tuple[int, ...]:
        """The entities of a group whose crossings no index of ages finds."""
        return tuple(number for number, aged in movers.items() if not aged and self.analysis.group_of[number] == group)
