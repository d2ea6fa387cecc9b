"""An embedded workspace as an import's destination: how far it came is written with each batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.importing.destination import Progress, Row
from engine.importing.judged import Judged
from engine.importing.known import Known
from engine.importing.report import ImportReport
from engine.rulebook.rulebook import Rulebook
from engine.runtimes.clock import Clock
from engine.runtimes.embedded.intake import Intake
from engine.runtimes.embedded.rulebooks import Rulebooks
from engine.self_closing import SelfClosing, closed_on_failure
from engine.workspace.workspace import Workspace
from events.codec import Activation
from events.schema import Fields

META = "import/"


class EmbeddedDestination(SelfClosing):
    """A `Destination`; raises WorkspaceBusy where the workspace has another owner."""

    def __init__(self, folder: Path, *, clock: Clock) -> None:
        self._workspace = Workspace.open(folder, owner=True)
        with closed_on_failure(self.close):
            self._intake = Intake(self._workspace.facts, Rulebooks(), clock=clock)
        self.journey_ms = self._intake.journey_ms
        self._key = ""
        self._begun = False
        self._next: list[int] = []

    @property
    def declared(self) -> Mapping[str, Fields] | None:
        return self._intake.declared

    def first_active_ms(self) -> int | None:
        activations = self._intake.rulebooks.of(self._intake.facts[0].log)
        there = activations.offsets()
        return activations.at(there[0]).at_ms if there else None

    def known(self, files: str, began: float) -> ImportReport | None:
        return Known(self._intake.facts[0].log, files).report(began)

    def remember(self, files: str, report: ImportReport) -> None:
        Known(self._intake.facts[0].log, files).remember(report)

    def progress(self, judged: Judged) -> Progress:
        self._key = META + judged.identity
        written = [facts.log.meta(self._key) for facts in self._intake.facts]
        self._begun = any(each is not None for each in written)
        self._next = [0 if each is None else int(each) for each in written]
        return Progress(self._begun, list(self._next))

    def keep(self, letters: Sequence[tuple[int, bytes]]) -> None:
        by_partition: dict[int, list[bytes]] = {}
        for partition, letter in letters:
            by_partition.setdefault(partition, []).append(letter)
        for partition, each in by_partition.items():
            self._intake.facts[partition].dead_letters.put(each)
        self._intake.facts[0].log.append([], {self._key: b"0"})

    def append(self, rows: Mapping[int, Sequence[Row]], end: int) -> None:
        for partition, each in rows.items():
            self._intake.append(partition, [row.record for row in each], {self._key: b"%d" % end})
            self._next[partition] = end

    def activate(self, rulebook: Rulebook, at_ms: int) -> Activation:
        return self._intake.activate(rulebook, at_ms)

    def complete_activation(self) -> None:
        """Done when the workspace is opened."""

    def finish(self, total: int) -> None:
        for partition, facts in enumerate(self._intake.facts):
            if self._next[partition] < total or not self._begun:
                facts.log.append([], {self._key: b"%d" % total})

    def close(self) -> None:
        self._workspace.close()
