"""A rulebook made ready to run: program, rules and renderer, in one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import msgspec

from engine.rulebook.rulebook import Rulebook
from engine.shown import Shown
from events.schema import Fields
from projections.compiler import compile_world
from projections.program import Program
from templates.context import LINK_FIELDS, SENDER_FIELDS, fixed_group
from templates.plain import Group, rounded
from templates.render import Letter, Renderer
from triggers.definitions import OnKind
from triggers.rules import Rules, conditions_of, if_key

ENTERS, LEAVES, MOVES = 1, 2, 4
Read = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Message:
    """A letter, and what has to be made of a customer for it."""

    letter: Letter
    shown: Shown
    reads_event: bool
    reads_offer: bool


@dataclass(slots=False)
class Compiled:
    """What a shard runs under."""

    rulebook: Rulebook
    program: Program
    rules: Rules
    renderer: Renderer

    @cached_property
    def watched(self) -> list[int]:
        """For each entity, which of its changes may match or cancel: a sum of ENTERS, LEAVES and MOVES."""
        rules = self.rules
        enters = {*rules.by_enters, *rules.cancel_by_enters}
        leaves = {*rules.by_leaves, *rules.cancel_by_leaves}
        moves = rules.watched_dimensions
        return [
            ENTERS * (name in enters) + LEAVES * (name in leaves) + MOVES * (name in moves)
            for name in self.program.names
        ]

    @cached_property
    def moves(self) -> dict[int, list[tuple[str | None, str | None]]]:
        """For each dimension, the moves (from, to) that may match or cancel; None is any value."""
        rules, number_of = self.rules, self.program.number_of
        return {
            number_of[name]: [
                (on.from_value, on.to_value)
                for on, _ in (*rules.by_moves.get(name, ()), *rules.cancel_by_moves.get(name, ()))
            ]
            for name in rules.watched_dimensions
            if name in number_of
        }

    @cached_property
    def watched_while_pending(self) -> list[int]:
        """The same for a customer with pending matches, which end where the customer leaves what made them."""
        rules, program = self.rules, self.program
        made_by = [rule.definition.on for rule in rules.rules.values() if not rule.definition.even_if_left]
        leaves = {on.name for on in made_by if on.kind is OnKind.ENTERS}
        moves = {on.name for on in made_by if on.kind is OnKind.MOVES}
        return [
            flags | LEAVES * (name in leaves or name in moves)
            for name, flags in zip(program.names, self.watched, strict=True)
        ]

    @cached_property
    def watched_types(self) -> frozenset[str]:
        """Event types that may match or cancel."""
        return frozenset(self.rules.watched_types)

    @cached_property
    def evidence_of(self) -> dict[str, list[tuple[str, Read, Read]]]:
        """Trigger -> the traits that its segment or dimension and its condition use: (name, snapshot, how it is
        shown)."""
        program = self.program
        found = {}
        for trigger, rule in self.rules.rules.items():
            names = set(program.condition_reads.get(if_key(trigger), ()))
            entity = program.number_of.get(rule.definition.on.name)
            if entity is not None:
                names.update(program.reads[entity])
            found[trigger] = [
                (name, program.raw[name], program.show[name]) for name in sorted(names & program.raw.keys())
            ]
        return found

    @cached_property
    def fingerprint(self) -> str:
        """The states' slots and their types, hashed: states written under another one are not read, and a rulebook with
        an equal one and an equal world takes them over."""
        fields = msgspec.structs.fields(type(self.program.new_state()))
        return sha256("\n".join(f"{each.name}: {each.type}" for each in fields).encode()).hexdigest()

    @cached_property
    def links(self) -> Group:
        """The policy's links as templates see them."""
        return fixed_group(LINK_FIELDS, self.rules.policy.links)

    @cached_property
    def sender(self) -> Group:
        """The policy's sender as templates see it."""
        return fixed_group(SENDER_FIELDS, self.rules.policy.sender)

    @cached_property
    def shown(self) -> Shown:
        """Every profile field and trait, as people read them."""
        return Shown(self.program)

    @cached_property
    def _messages(self) -> dict[Letter, Message]:
        return {}

    def message(self, template: str, channel: str, language: str | None) -> Message:
        """The message for customers of the language."""
        letter = self.renderer.letter(template, channel, language)
        message = self._messages.get(letter)
        if message is None:
            reads = letter.reads
            shown = Shown(self.program, reads.of("customer"), reads.of("traits"), rounded)
            caused = not reads.fields.keys().isdisjoint(("event", "items"))
            message = self._messages[letter] = Message(letter, shown, caused, "offer" in reads.fields)
        return message

    @property
    def declared(self) -> Mapping[str, Fields]:
        """The event types that the rulebook declares."""
        return self.rulebook.declared


def compile_rulebook(rulebook: Rulebook, *, plain: bool = False) -> Compiled:
    """Compile everything that the step needs; nothing is read or loaded after this."""
    program = compile_world(rulebook.world, conditions_of(rulebook.rules), plain=plain)
    return Compiled(rulebook, program, Rules(rulebook.rules, program.conditions), Renderer(rulebook.templates))
