"""Long work in stages, each with a progress bar of its own."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from engine.cli.output import Advance, progress


class Stages:
    """One bar at a time: `begin` ends the one before; use as a context manager."""

    def __init__(self) -> None:
        self._bar = ExitStack()
        self._advance: Advance = lambda _: None

    def begin(self, label: str, total: int | None = None) -> None:
        """Begin a stage of so many units."""
        self._bar.close()
        self._advance = self._bar.enter_context(progress(label, total))

    def advance(self, done: int) -> None:
        """So many more units of the stage are done."""
        self._advance(done)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
