"""Where an import goes: an embedded workspace, which this process owns meanwhile, or a Kafka cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from engine.importing.judged import Judged
from engine.importing.report import ImportReport
from engine.rulebook.rulebook import Rulebook
from events.codec import Activation
from events.schema import Fields


class Row(NamedTuple):
    """A record to append: its row in the input's order, its bytes, its time."""

    row: int
    record: bytes
    at_ms: int


class Progress(NamedTuple):
    """Whether this input was begun before, and for each partition the first row that may not be there."""

    begun: bool
    next: list[int]


class Destination(Protocol):
    """A log that takes history: `journey_ms` has each partition's journey time, 0 before its first record."""

    journey_ms: list[int]

    @property
    def declared(self) -> Mapping[str, Fields] | None:
        """The event types of the active rulebook, None without one."""
        ...

    def first_active_ms(self) -> int | None:
        """Since when a rulebook is active, None if none is."""
        ...

    def known(self, files: str, began: float) -> ImportReport | None:
        """The report of files with this hash, if they were wholly imported and that was noted."""
        ...

    def remember(self, files: str, report: ImportReport) -> None:
        """Note that files were imported."""
        ...

    def progress(self, judged: Judged) -> Progress:
        """How far this input was imported before; asked once, before anything is kept or appended."""
        ...

    def keep(self, letters: Sequence[tuple[int, bytes]]) -> None:
        """Keep the refused, (partition, dead letter) each, and note that the input is begun."""
        ...

    def append(self, rows: Mapping[int, Sequence[Row]], end: int) -> None:
        """Append each partition's rows, all of them below row `end`; durable on return."""
        ...

    def activate(self, rulebook: Rulebook, at_ms: int) -> Activation:
        """Activate a rulebook in every partition."""
        ...

    def complete_activation(self) -> None:
        """Append the newest activation to the partitions that lack it."""
        ...

    def finish(self, total: int) -> None:
        """Note that nothing is left of `total` rows."""
        ...

    def close(self) -> None:
        """Let go of the log."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
