"""The activations in a partition's log: which rulebook is active where."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from engine.compiled import Compiled
from engine.ports import Log
from engine.rulebook.rulebook import Rulebook
from events.codec import Activation, activation_of, encode_activation, read_record
from triggers.decisions import MARK, Position

OFFSETS = "activations"
"""The log's meta key of the offsets at which activations stand, written with each of them."""

_decode_offsets = msgspec.msgpack.Decoder(list[int]).decode

Load = Callable[[bytes], Rulebook]
Compile = Callable[[Rulebook], Compiled]


def activation_offsets(log: Log) -> list[int]:
    """Where the partition's activations stand, in order."""
    data = log.meta(OFFSETS)
    return [] if data is None else _decode_offsets(data)


def append_activation(log: Log, activation: Activation, appended_at_ms: int) -> int:
    """Append an activation, durably, and note its place in the same write; returns its offset."""
    offset = log.end()
    places = msgspec.msgpack.encode([*activation_offsets(log), offset])
    return log.append([encode_activation(activation, appended_at_ms)], {OFFSETS: places})


class Activations:
    """Reads, unpacks and compiles the rulebooks of a log; each hash is compiled once."""

    def __init__(self, log: Log, load: Load, compile_rulebook: Compile) -> None:
        self.log, self.load, self.compile = log, load, compile_rulebook
        self._rulebooks: dict[str, Rulebook] = {}
        self._compiled: dict[str, Compiled] = {}

    def offsets(self) -> list[int]:
        """Where activations stand."""
        return activation_offsets(self.log)

    def at(self, offset: int) -> Activation:
        """The activation that stands at an offset."""
        return activation_of(read_record(self.log.get(offset))[0])

    def active_at(self, position: Position) -> int | None:
        """The offset of the last activation wholly at or before a position."""
        whole = [offset for offset in self.offsets() if (offset, MARK, "") <= position]
        return whole[-1] if whole else None

    def rulebook(self, offset: int) -> Rulebook:
        """The rulebook activated at an offset."""
        activation = self.at(offset)
        if activation.hash not in self._rulebooks:
            self._rulebooks[activation.hash] = self.load(activation.rulebook)
        return self._rulebooks[activation.hash]

    def compiled(self, offset: int) -> Compiled:
        """The same, ready to run."""
        rulebook = self.rulebook(offset)
        if rulebook.hash not in self._compiled:
            self._compiled[rulebook.hash] = self.compile(rulebook)
        return self._compiled[rulebook.hash]

    def triggers_through(self, offset: int) -> frozenset[str]:
        """The names of all triggers that activations at or before an offset contained."""
        places = (each for each in self.offsets() if each <= offset)
        return frozenset(name for each in places for name in self.rulebook(each).rules.triggers)
