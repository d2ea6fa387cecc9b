"""Binds a generated module to a Program: runs it beside what it calls, and hands out what it defines.

Functions are found by what they are called: `on_<type>`, and by number `entity_`, `next_`, `value_` and `condition_`.
"""

from __future__ import annotations

import linecache
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from events.calendar import parse_date
from events.numbers import quantise, shown, shown_text
from events.times import parse_instant
from projections import profile as person
from projections import thresholds
from projections.analysis import Analysis
from projections.decoding import attribute, event_checks, event_decoder, event_structs
from projections.entities import value_text
from projections.expressions import runtime
from projections.expressions.tree import Node
from projections.handlers import Handlers
from projections.names import value_names
from projections.program import Program
from projections.settling import Settling
from projections.sources import ProfileSource, Source, TraitSource, sources_of
from projections.state import StateCodec, state_struct
from projections.traits import windowed, windows
from projections.traits.collections import ValueSet

_serial = count(1)


@dataclass(slots=True, kw_only=True)
class Binding:
    """What a Program is made of beside the generated source."""

    analysis: Analysis
    handlers: Handlers
    conditions: Mapping[str, Node]  # compiled beside the world
    moving: tuple[int, ...]  # entities in no group whose crossings no index of ages finds
    plain: bool

    def program(self, text: str) -> Program:
        """The Program whose generated module is `text`."""
        world, sources, entities = self.analysis.world, self.analysis.sources, self.analysis.entities
        space = self._run(text)
        structs = event_structs(world)
        functions = [space[f"entity_{number}"] for number in range(len(entities))]
        space["NEXT"][:] = [space.get(f"next_{number}") for number in range(len(entities))]
        struct = state_struct([slot for src in sources.values() for slot in _slots(src)])
        segments = len(world.segments)
        settling = Settling(self.analysis, functions, space["NEXT"], segments, struct, plain=self.plain)
        return Program(
            world=world,
            source=text,
            codec=StateCodec(struct),
            new_state=settling.new_state,
            decode_event=event_decoder(structs),
            event_types=structs,
            handlers={structs[name]: space[f"on_{name}"] for name in structs},
            due=space["due"],
            expire=space["expire"],
            bound=space["bound"] if not self.plain else settling.plain_bound(space["bound"]),
            settle=settling.settle,
            settle_first=settling.settle_first,
            names=tuple(definition.name for definition in entities),
            segments=segments,
            number_of=self.analysis.number_of,
            reads=tuple(self.analysis.reads),
            tested=tuple(self.analysis.members_tested),
            raw={name: eval(f"lambda s: {src.raw}", space) for name, src in sources.items()},  # noqa: S307  # as below
            show={name: src.shower() for name, src in sources.items()},
            set_sources=frozenset(name for name, src in sources.items() if _is_set(src)),
            evidence_order={name: self.handlers.evidence_order(name) for name in (None, *structs)},
            trait_value={name: space[f"value_{number}"] for number, name in enumerate(value_names(world))},
            conditions={key: space[f"condition_{number}"] for number, key in enumerate(sorted(self.conditions))},
            zone=world.time_zone,
            plain=self.plain,
            snapshot_of=lambda entity: self._snapshot(entity, space),
            checks=event_checks(world, structs),
            condition_reads={key: tuple(sorted(sources_of(node, world))) for key, node in self.conditions.items()},
        )

    def _run(self, text: str) -> dict[str, Any]:
        """The namespace of the module, after it ran; tracebacks find its lines."""
        space = self._namespace()
        file = f"<rulebook program {next(_serial)}>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        exec(compile(text, file, "exec"), space)  # noqa: S102  # our own source, made from checked trees
        return space

    def _namespace(self) -> dict[str, Any]:
        """What generated code calls and reads by name."""
        world = self.analysis.world
        readers = {attribute(name): (name, person.READERS[kind]) for name, kind in sorted(world.profile.items())}
        space: dict[str, Any] = {
            "NEVER": runtime.NEVER,
            "ZONE": world.time_zone,
            "NEXT": [],
            "MOVING": self.moving,
            "NOTHING": (None, 0, 0),
            "PROFILE_READERS": readers,
            "bisect_right": bisect_right,
            "quantise": quantise,
            "parse_instant": parse_instant,
            "parse_date": parse_date,
            "shown_text": shown_text,
            "shown": shown,
            "value_text": value_text,
            "lowest": runtime.lowest,
        }
        for module in (runtime, windows, windowed, person, thresholds):
            space |= {
                name: value for name, value in vars(module).items() if callable(value) and not name.startswith("_")
            }
        return space | self.handlers.indexing.constants

    def _snapshot(self, entity: int, space: dict[str, Any]) -> Callable[[Any], tuple[Any, ...]]:
        """The function that takes snapshots of the sources an entity is made of; of a set, the elements looked for."""
        parts = []
        for name in self.analysis.reads[entity]:
            src = self.analysis.sources[name]
            looked_for = self.analysis.members_tested[entity].get(name, ())
            parts.append(f"[x for x in {looked_for!r} if x in {src.raw}]" if _is_set(src) else src.raw)
        code = "lambda s: (" + "".join(f"{part}, " for part in parts) + ")"
        function: Callable[[Any], tuple[Any, ...]] = eval(code, space)  # noqa: S307  # our own source
        return function


def _is_set(src: Source) -> bool:
    return isinstance(src, TraitSource) and isinstance(src.code, ValueSet)


def _slots(src: Source) -> list[Any]:
    if isinstance(src, TraitSource):
        return src.code.slots
    return [src.slot] if isinstance(src, ProfileSource) else []
