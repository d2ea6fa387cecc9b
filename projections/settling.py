"""Memberships: evaluates the entities a step can have changed, each once, after those it reads."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any

import msgspec

from projections.analysis import Analysis
from projections.dependencies import ranks
from projections.expressions.runtime import NEVER
from projections.thresholds import NextChange

Change = tuple[int, Any, Any]
Evaluate = Callable[[Any, int], Any]
Plan = tuple[Evaluate, NextChange | None, int, int, Change, Change]
"""(function, next change, place among bytes or dimensions, bit (0 for a dimension), entered, left)."""


class Settling:
    """The memberships of one Program.

    `settle(state, t_ms, candidates, bound_ms)` writes what changed into the state and returns (changes ordered by name
    or None, the bound lowered to the next change by time of any candidate).
    """

    def __init__(
        self,
        analysis: Analysis,
        functions: list[Evaluate],
        next_changes: list[NextChange | None],
        segments: int,
        struct: type[msgspec.Struct],
        *,
        plain: bool,
    ) -> None:
        self.functions, self.next_changes, self.segments, self.struct = functions, next_changes, segments, struct
        self.plans = [self._plan(number) for number in range(len(functions))]
        self.names = [definition.name for definition in analysis.entities]
        self.rank = ranks(analysis.parents)
        self.ranked = sorted(range(len(functions)), key=self.rank.__getitem__)
        self.children: list[list[int]] = [[] for _ in functions]
        for child, parents in enumerate(analysis.parents):
            for parent in parents:
                self.children[parent].append(child)
        self.flat = not any(self.children)
        self.all = tuple(self.ranked)
        self.settle = self._plain_settle if plain else (self._settle_flat if self.flat else self._settle_ranked)
        self.blank_mem = bytes((segments + 7) // 8)
        self.pristine_mem, self.pristine_dims = self._pristine()
        self.settle_first = self._plain_first if plain else self._first

    def _plan(self, number: int) -> Plan:
        """What evaluating an entity takes, at hand at once."""
        evaluate, later = self.functions[number], self.next_changes[number]
        if number >= self.segments:
            return evaluate, later, number - self.segments, 0, (number, None, None), (number, None, None)
        return evaluate, later, number >> 3, 1 << (number & 7), (number, False, True), (number, True, False)

    def new_state(self) -> Any:
        """The state of a customer before any record."""
        state: Any = self.struct()
        state.mem = bytearray(self.blank_mem)
        state.dims = [None] * (len(self.functions) - self.segments)
        return state

    def _pristine(self) -> tuple[bytes, list[Any]]:
        """What every entity would be without any event: of what an event does not touch, a first step need not ask."""
        state = self.new_state()
        for number in self.ranked:
            self._assign(state, number, self.functions[number](state, 0))
        return bytes(state.mem), list(state.dims)

    def _assign(self, state: Any, number: int, value: Any) -> None:
        if number >= self.segments:
            state.dims[number - self.segments] = value
        elif value:
            state.mem[number >> 3] |= 1 << (number & 7)
        else:
            state.mem[number >> 3] &= ~(1 << (number & 7))

    # ------------------------------------------------------------ the usual step
    def _settle_flat(self, state: Any, t: int, candidates: list[int], bound: int) -> tuple[list[Change] | None, int]:
        out: list[Change] = []
        plans, mem = self.plans, state.mem
        for number in candidates:
            evaluate, later, byte, bit, entered, left = plans[number]
            value = evaluate(state, t)
            if bit:
                if value:
                    if not mem[byte] & bit:
                        mem[byte] |= bit
                        out.append(entered)
                elif mem[byte] & bit:
                    mem[byte] ^= bit
                    out.append(left)
            elif value != state.dims[byte]:
                before, state.dims[byte] = state.dims[byte], value
                out.append((number, before, value))
            if later is not None:
                instant = later(state, t)
                if instant < bound:  # noqa: PLR1730  # the hot path: min() is a call
                    bound = instant
        if len(out) > 1:
            out.sort(key=self._name)
        return out or None, bound

    def _settle_ranked(self, state: Any, t: int, candidates: list[int], bound: int) -> tuple[list[Change] | None, int]:
        if not candidates:
            return None, bound
        out: list[Change] = []
        rank, ranked = self.rank, self.ranked
        heap = [rank[number] for number in set(candidates)]
        heapify(heap)
        waiting = set(heap)
        while heap:
            number = ranked[heappop(heap)]
            change, bound = self._settle_flat(state, t, [number], bound)
            if change is not None:
                out += change
                for child in self.children[number]:
                    if rank[child] not in waiting:
                        waiting.add(rank[child])
                        heappush(heap, rank[child])
        out.sort(key=self._name)
        return out or None, bound

    def _name(self, change: Change) -> str:
        return self.names[change[0]]

    # ------------------------------------------------------------ a customer's first step
    def _first(self, state: Any, t: int, candidates: list[int], bound: int) -> tuple[list[Change] | None, int]:
        """From outside every segment: what the event did not touch is as it would be without any event."""
        state.mem[:] = self.pristine_mem
        state.dims[:] = self.pristine_dims
        rank, ranked = self.rank, self.ranked
        heap = [rank[number] for number in set(candidates)]
        heapify(heap)
        waiting = set(heap)
        while heap:
            number = ranked[heappop(heap)]
            before = self._value(state, number)
            if number < self.segments:
                state.mem[number >> 3] &= ~(1 << (number & 7))
            value = self.functions[number](state, t)
            self._assign(state, number, value)
            later = self.next_changes[number]
            if later is not None:
                bound = min(bound, later(state, t))
            if value != before:
                for child in self.children[number]:
                    if rank[child] not in waiting:
                        waiting.add(rank[child])
                        heappush(heap, rank[child])
        return self._all_entered(state), bound

    def _value(self, state: Any, number: int) -> Any:
        if number < self.segments:
            return bool(state.mem[number >> 3] & 1 << (number & 7))
        return state.dims[number - self.segments]

    def _all_entered(self, state: Any) -> list[Change] | None:
        out: list[Change] = []
        members = int.from_bytes(state.mem, "little")
        while members:
            lowest = members & -members
            out.append((lowest.bit_length() - 1, False, True))
            members ^= lowest
        out += [(self.segments + place, None, value) for place, value in enumerate(state.dims) if value is not None]
        out.sort(key=self._name)
        return out or None

    # ------------------------------------------------------------ without any index
    def _plain_settle(self, state: Any, t: int, candidates: list[int], bound: int) -> tuple[list[Change] | None, int]:
        out: list[Change] = []
        for number in self.all:
            change, bound = self._settle_flat(state, t, [number], bound)
            if change is not None:
                out += change
        out.sort(key=self._name)
        return out or None, min(bound, state.exit_at)

    def _plain_first(self, state: Any, t: int, candidates: list[int], bound: int) -> tuple[list[Change] | None, int]:
        _, bound = self._plain_settle(state, t, candidates, bound)
        return self._all_entered(state), bound

    def plain_bound(self, indexed: Callable[[Any, int], int]) -> Callable[[Any, int], int]:
        """The next change of any entity or window, asked one by one."""

        def bound(state: Any, t: int) -> int:
            instants = [later(state, t) for later in self.next_changes if later is not None]
            earliest: int = min([state.ask_at, state.exit_at, *instants, NEVER])
            return earliest

        return bound
