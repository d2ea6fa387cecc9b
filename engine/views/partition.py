"""One partition as a reader sees it, and all of a workspace's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from heapq import merge
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from engine.activations import Activations
from engine.compiled import Compiled
from engine.meta import Meta, check_within, live_meta
from engine.outputs import frontier, kept
from engine.ports import DerivedStore
from engine.rulebook.rulebook import Rulebook
from engine.runtimes.embedded.rulebooks import Rulebooks
from engine.workspace.missing import no_events
from engine.world import World
from events.codec import Activation
from events.partitioning import partition_of
from triggers.decisions import Output, Position
from triggers.occasion import IN, OUT

if TYPE_CHECKING:
    from engine.adapters.rocksdb_facts import RocksFacts
    from engine.workspace.workspace import Workspace

Row = dict[str, Any]


class PartitionView:
    """A partition's facts beside its live world, as the owner last flushed it.

    `meta` and `store` are None while there is no live world. Raises FactsDamaged if the facts hold less than it does.
    """

    def __init__(self, facts: RocksFacts, store: DerivedStore | None, activations: Activations) -> None:
        self.facts, self.store, self.activations = facts, store, activations
        self.partition = facts.partition
        self.log, self.stream = facts.log, facts.decisions
        self.meta: Meta | None = None if store is None else live_meta(store, self.partition)
        if self.meta is not None:
            check_within(self.meta, self.stream, self.partition)

    @cached_property
    def world(self) -> World | None:
        """The live world, to look at only: it is never flushed."""
        if self.store is None or self.meta is None:
            return None
        return World(self.activations.compiled(self.meta.activation_offset), self.store, self.log, self.meta)

    @cached_property
    def rulebook(self) -> Rulebook | None:
        """The rulebook that the live world is of, which is quicker to have than the world; None without one."""
        if self.meta is None or self.meta.applied < 0:
            return None
        return self.activations.rulebook(self.meta.activation_offset)

    @cached_property
    def frontier(self) -> Position:
        """The last durable position."""
        return frontier(self.stream)

    @property
    def applied(self) -> int:
        """The last offset that the live world contains, -1 for none."""
        return -1 if self.meta is None else self.meta.applied

    @property
    def journey_ms(self) -> int | None:
        """The partition's journey time as of the applied offset; None before any."""
        return None if self.meta is None or self.meta.applied < 0 else self.meta.journey_ms

    def outputs(self) -> Iterator[Output]:
        """The recorded outputs that have decisions, in order."""
        return (output for output in kept(self.stream.read()) if output.decisions)


class Views:
    """Every partition of an open workspace, as a reader sees it now."""

    def __init__(self, workspace: Workspace) -> None:
        if not workspace.has_facts():
            raise no_events(workspace.folder)
        self.workspace = workspace
        # The live world first: the facts, opened or caught up after it, hold all that it was made of.
        stores = [workspace.open_live(partition) for partition in range(workspace.settings.partitions)]
        self.rulebooks = Rulebooks()
        self.partitions = [
            PartitionView(facts, store, self.rulebooks.of(facts.log))
            for facts, store in zip(workspace.facts_now(), stores, strict=True)
        ]

    def of(self, customer: str) -> PartitionView:
        """The partition that a customer's events live in."""
        return self.partitions[partition_of(customer, len(self.partitions))]

    @property
    def as_of_ms(self) -> int | None:
        """The largest journey time of the live world; None before any."""
        return max((view.journey_ms for view in self.partitions if view.journey_ms is not None), default=None)

    @property
    def shows(self) -> str:
        """Which offsets the live world reaches, for people: `p0 to 41, p1 to 38 of 40`."""
        parts = []
        for view in self.partitions:
            end = view.log.end() - 1
            behind = f" of {end}" if view.applied < end else ""
            reached = f"to {view.applied}{behind}" if view.applied >= 0 else "empty"
            parts.append(f"p{view.partition} {reached}")
        return ", ".join(parts)

    def active(self) -> Activation | None:
        """The activation that the live world is of; None before any."""
        for view in self.partitions:
            if view.meta is not None and view.meta.applied >= 0:
                return view.activations.at(view.meta.activation_offset)
        return None

    @cached_property
    def rulebook(self) -> Rulebook | None:
        """The rulebook that the live world is of; None before any."""
        return next((view.rulebook for view in self.partitions if view.rulebook is not None), None)

    @property
    def compiled(self) -> Compiled | None:
        """The same, ready to run."""
        return None if self.rulebook is None else self.rulebooks.compile(self.rulebook)

    @property
    def names(self) -> list[str]:
        """The segments and dimensions that there are."""
        return (
            [] if self.rulebook is None else sorted({**self.rulebook.world.segments, **self.rulebook.world.dimensions})
        )

    def values(self, name: str | None) -> list[str] | None:
        """Where a change of a segment or dimension can lead, or of any of them; None where a trait says so."""
        if self.rulebook is None:
            return None
        world = self.rulebook.world
        choices = [each.values for each in world.dimensions.values() if name in (None, each.name)]
        if any(values is None for values in choices):
            return None
        segments = [IN, OUT] if name is None or name in world.segments else []
        return sorted({*segments, *(value for values in choices for value in values or ())})

    def rows(self, *streams: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """Several partitions' rows in order of time."""
        return merge(*streams, key=itemgetter("at_ms"))
