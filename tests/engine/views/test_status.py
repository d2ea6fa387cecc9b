from __future__ import annotations

from engine.views.status import position_text
from triggers.decisions import MARK, OWN


def test_positions_are_told_as_people_read_them() -> None:
    assert position_text((12, MARK, "")) == "12"
    assert position_text((12, OWN, "ann")) == "12 own step of ann"
    assert position_text((12, 1_735_689_600_000, "ann")) == "12 due 1735689600000 of ann"
