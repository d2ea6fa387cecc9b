"""What a benchmark found: a ratio, what it must be, and where the time went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure; `unit` is x for a ratio, `value` None for what was not measured. `stages` are microseconds an event;
    `note` says what was measured, or why it was not."""

    bench: str
    name: str
    value: float | None
    unit: str = "x"
    threshold: float | None = None
    aim: float | None = None
    at_least: bool = False
    note: str = ""
    stages: Mapping[str, float] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """Passed or missed, and whether the aim was reached; nothing where nothing is asked."""
        if self.value is None:
            return "not measured"
        if self.threshold is None:
            return "" if self.aim is None else "aim reached" if self._reaches(self.aim) else "aim missed"
        if not self._reaches(self.threshold):
            return "missed"
        return "passed, aim reached" if self.aim is not None and self._reaches(self.aim) else "passed"

    @property
    def missed(self) -> bool:
        """Whether it is not what it must be, or nobody knows."""
        return self.threshold is not None and not self._reaches(self.threshold)

    @property
    def measured(self) -> str:
        """The value with its unit, for people."""
        return "nothing" if self.value is None else f"{self.value:.3g} {self.unit}"

    def row(self) -> dict[str, object]:
        """As a row of the table."""
        sign = "at least " if self.at_least else "at most "
        return {
            "bench": self.bench,
            "figure": self.name,
            "measured": self.measured,
            "must be": "" if self.threshold is None else f"{sign}{self.threshold:g}",
            "aim": "" if self.aim is None else f"{self.aim:g}",
            "verdict": self.verdict,
            "note": self.note,
        }

    def json(self) -> dict[str, object]:
        """As a JSON object."""
        return {
            "bench": self.bench,
            "figure": self.name,
            "value": self.value,
            "unit": self.unit,
            "threshold": self.threshold,
            "aim": self.aim,
            "at_least": self.at_least,
            "verdict": self.verdict,
            "note": self.note,
            "stages_us": dict(self.stages),
        }

    def _reaches(self, bound: float) -> bool:
        if self.value is None:
            return False
        return self.value >= bound if self.at_least else self.value <= bound


COLUMNS = ("bench", "figure", "measured", "must be", "aim", "verdict", "note")
