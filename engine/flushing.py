"""A flush in the making: everything as it was when it was begun, encoded bit by bit, each state before it changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.ports import Flush
from engine.timers import Timers
from projections.expressions.runtime import NEVER
from projections.program import Program


class Flushing:
    """A flush of so many records.

    `waiting` are states yet to be encoded; `filed` the timers that the store holds of customers whose timer changed;
    `early` those whose timer may fire before anything is due.
    """

    def __init__(
        self,
        flush: Flush,
        program: Program,
        timers: Timers,
        *,
        records: int,
        waiting: dict[str, Any],
        filed: dict[str, int],
        early: set[str],
    ) -> None:
        self.flush, self.program, self.timers = flush, program, timers
        self.records, self.waiting, self.filed, self.early = records, waiting, filed, early

    def encode(self, customers: Iterable[str], now_ms: int) -> None:
        """Encode states of those that wait, at a journey time up to which all that was due has happened to them."""
        program, pop = self.program, self.waiting.pop
        encode = program.codec.encode
        for customer in customers:
            state = pop(customer)
            if customer in self.early:
                postpone(customer, state, now_ms, program=program, timers=self.timers, filed=self.filed)
            self.take(customer, encode(state), state.queued)

    def take(self, customer: str, data: bytes, due_ms: int) -> None:
        """Have a state's bytes written, and its timer if that changed."""
        flush = self.flush
        flush.states[customer] = data
        before_ms = self.filed.get(customer, due_ms)
        if due_ms != before_ms:
            if due_ms < NEVER:
                flush.timers_put.append((due_ms, customer))
            if before_ms < NEVER:
                flush.timers_delete.append((before_ms, customer))


def postpone(
    customer: str, state: Any, now_ms: int, *, program: Program, timers: Timers, filed: dict[str, int]
) -> None:
    """Have a customer's timer fire when something is due and not before, unless it fires by now: a state that leaves
    memory would be read again for nothing."""
    before_ms = state.queued
    if before_ms > now_ms and (due_ms := program.bound(state, now_ms)) > before_ms:
        timers.move(before_ms, due_ms, customer)
        filed.setdefault(customer, before_ms)
        state.queued = due_ms
