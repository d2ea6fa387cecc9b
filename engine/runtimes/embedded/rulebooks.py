"""Rulebooks as the log and the folder have them, read and compiled once for all partitions."""

from __future__ import annotations

from pathlib import Path

from engine.activations import Activations
from engine.compiled import Compiled, compile_rulebook
from engine.ports import Log
from engine.rulebook.rulebook import Rulebook, unpack
from templates.catalogue import stock


def load_rulebook(folder: Path) -> Rulebook:
    """The rulebook in a folder, with the stock templates that it uses; raises RulebookInvalid."""
    from engine.rulebook.folder import load_folder  # noqa: PLC0415 -- a worker starts without what reads YAML

    return load_folder(folder, stock=stock())


class Rulebooks:
    """Remembers what was read and compiled."""

    def __init__(self) -> None:
        self._loaded: dict[bytes, Rulebook] = {}
        self._compiled: dict[str, Compiled] = {}

    def load(self, packed: bytes) -> Rulebook:
        """The rulebook of an activation's bytes."""
        if packed not in self._loaded:
            self._loaded[packed] = unpack(packed)
        return self._loaded[packed]

    def compile(self, rulebook: Rulebook) -> Compiled:
        """The same, ready to run."""
        if rulebook.hash not in self._compiled:
            self._compiled[rulebook.hash] = compile_rulebook(rulebook)
        return self._compiled[rulebook.hash]

    def of(self, log: Log) -> Activations:
        """The activations in a log."""
        return Activations(log, self.load, self.compile)

    def newest(self, log: Log) -> Rulebook | None:
        """The rulebook that was activated last in a log, None if none was."""
        activations = self.of(log)
        offsets = activations.offsets()
        return activations.rulebook(offsets[-1]) if offsets else None

    def by_hash(self, log: Log, rulebook_hash: str) -> Rulebook | None:
        """The rulebook with this hash among those that a log's activations hold."""
        known = (each for each in self._loaded.values() if each.hash == rulebook_hash)
        found = next(known, None)
        if found is None:
            activations = self.of(log)
            read = (activations.rulebook(offset) for offset in reversed(activations.offsets()))
            found = next((each for each in read if each.hash == rulebook_hash), None)
        return found
