"""A rulebook's triggers bound to their compiled conditions, and indexed by what can match or cancel them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from projections.expressions.tree import Node, Ref, Root
from triggers.definitions import On, OnKind, RulesDef, TriggerDef
from triggers.occasion import IN, OUT, Transition

# (state, t_ms, event, cause) -> whether it holds.
Condition: TypeAlias = Callable[[object, int, object, object], bool]

T = TypeVar("T")


def if_key(trigger: str) -> str:
    """The key of a trigger's `if:`."""
    return f"{trigger}:if"


def on_key(trigger: str) -> str:
    """The key of the `where:` of a trigger's `on:`."""
    return f"{trigger}:on"


def cancel_key(trigger: str, index: int) -> str:
    """The key of the `where:` of a trigger's index-th `cancel_when:`."""
    return f"{trigger}:cancel:{index}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionDef:
    """An expression to compile. `event_types` and `cause_types` are the types its `event.*` and `cause.*` may be of:
    None for any type and for no event at all, empty where there never is one."""

    node: Node
    event_types: frozenset[str] | None
    cause_types: frozenset[str] | None


def conditions_of(rules_def: RulesDef) -> dict[str, ConditionDef]:
    """Every expression that deciding asks, under the key that `Rules` looks it up by."""
    nowhere: frozenset[str] = frozenset()
    found: dict[str, ConditionDef] = {}
    for name, trigger in rules_def.triggers.items():
        caused_by = _event_types(trigger.on)
        if trigger.condition is not None:
            found[if_key(name)] = ConditionDef(node=trigger.condition, event_types=caused_by, cause_types=nowhere)
        if trigger.on.where is not None:
            found[on_key(name)] = ConditionDef(node=trigger.on.where, event_types=caused_by, cause_types=nowhere)
        for index, on in enumerate(trigger.cancel_when):
            if on.where is not None:
                found[cancel_key(name, index)] = ConditionDef(
                    node=on.where, event_types=_event_types(on), cause_types=caused_by
                )
    return found


def _event_types(on: On) -> frozenset[str] | None:
    return frozenset({on.name}) if on.kind is OnKind.EVENT else None


@dataclass(slots=True)
class OnIndex(Generic[T]):
    """Things found by the occasion they wait for."""

    enters: dict[str, list[T]] = field(default_factory=dict)
    leaves: dict[str, list[T]] = field(default_factory=dict)
    moves: dict[str, list[tuple[On, T]]] = field(default_factory=dict)
    event: dict[str, list[T]] = field(default_factory=dict)

    @classmethod
    def of(cls, things: Iterable[tuple[On, T]]) -> OnIndex[T]:
        """Index each thing under its occasion, keeping the order given."""
        index: OnIndex[T] = cls()
        for on, thing in things:
            match on.kind:
                case OnKind.ENTERS:
                    index.enters.setdefault(on.name, []).append(thing)
                case OnKind.LEAVES:
                    index.leaves.setdefault(on.name, []).append(thing)
                case OnKind.MOVES:
                    index.moves.setdefault(on.name, []).append((on, thing))
                case OnKind.EVENT:
                    index.event.setdefault(on.name, []).append(thing)
        return index

    def met(self, transitions: Sequence[Transition], event_type: str | None) -> list[T]:
        """What waits for one of these transitions or this event; `where:` is not asked."""
        found: list[T] = []
        for name, before, after in transitions:
            if after == IN:
                found += self.enters.get(name, ())
            if after == OUT:
                found += self.leaves.get(name, ())
            for on, thing in self.moves.get(name, ()):
                if on.from_value in (None, before) and on.to_value in (None, after):
                    found.append(thing)
        if event_type is not None:
            found += self.event.get(event_type, ())
        return found


@dataclass(frozen=True, slots=True)
class Cancel:
    """One `cancel_when:` of a trigger, with its compiled `where:`; `reads_cause` where that asks `cause.*`."""

    trigger: str
    index: int
    on: On
    where: Condition | None
    reads_cause: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """A trigger with its compiled conditions; `reads_event` where the `if:` asks `event.*`."""

    name: str
    definition: TriggerDef
    condition: Condition | None
    where: Condition | None
    cancels: tuple[Cancel, ...]
    reads_event: bool = False


class Rules:
    """All that deciding depends on beyond the derived world, ready to be asked.

    `by_enters`, `by_leaves`, `by_moves`, `by_event` give the rules that a segment's, dimension's or event type's
    name may match, `cancel_by_...` the cancels; `watched_...` are the names in any of them: a step that touches none,
    of a customer with nothing pending, decides nothing.
    """

    def __init__(self, rules_def: RulesDef, conditions: Mapping[str, Condition]) -> None:
        self.policy = rules_def.policy
        self.rules = {name: _bind(rules_def.triggers[name], conditions) for name in sorted(rules_def.triggers)}
        self.longest_cap_ms = max((cap.per_ms for cap in self.policy.caps), default=0)

        self.on = OnIndex.of((rule.definition.on, rule) for rule in self.rules.values())
        self.by_enters, self.by_leaves = self.on.enters, self.on.leaves
        self.by_moves, self.by_event = self.on.moves, self.on.event
        self.existing = tuple(
            rule
            for rule in self.rules.values()
            if rule.definition.include_existing and rule.definition.on.kind is OnKind.ENTERS
        )

        self.cancels = OnIndex.of((cancel.on, cancel) for rule in self.rules.values() for cancel in rule.cancels)
        self.cancel_by_enters, self.cancel_by_leaves = self.cancels.enters, self.cancels.leaves
        self.cancel_by_moves, self.cancel_by_event = self.cancels.moves, self.cancels.event

        self.watched_segments = frozenset(
            {*self.by_enters, *self.by_leaves, *self.cancel_by_enters, *self.cancel_by_leaves}
        )
        self.watched_dimensions = frozenset({*self.by_moves, *self.cancel_by_moves})
        self.watched_types = frozenset({*self.by_event, *self.cancel_by_event})


def _bind(trigger: TriggerDef, conditions: Mapping[str, Condition]) -> Rule:
    name = trigger.name
    return Rule(
        name=name,
        definition=trigger,
        condition=None if trigger.condition is None else conditions[if_key(name)],
        where=None if trigger.on.where is None else conditions[on_key(name)],
        cancels=tuple(
            Cancel(
                trigger=name,
                index=index,
                on=on,
                where=None if on.where is None else conditions[cancel_key(name, index)],
                reads_cause=_reads(on.where, Root.CAUSE),
            )
            for index, on in enumerate(trigger.cancel_when)
        ),
        reads_event=_reads(trigger.condition, Root.EVENT),
    )


def _reads(node: Node | None, root: Root) -> bool:
    return node is not None and any(isinstance(below, Ref) and below.root is root for below in node.walk())
