"""The fold version and the zones that belong to it."""

from __future__ import annotations

from events.fold_version import FOLD_VERSION, TZDATA_OF_FOLD_VERSION
from events.zones import TZDATA_VERSION


def test_other_zones_need_another_fold_version() -> None:
    assert TZDATA_OF_FOLD_VERSION[FOLD_VERSION] == TZDATA_VERSION, (
        "the installed tzdata differs from that of the fold version: "
        "add a line with the next version to TZDATA_OF_FOLD_VERSION"
    )


def test_versions_count_from_1() -> None:
    assert list(TZDATA_OF_FOLD_VERSION) == list(range(1, FOLD_VERSION + 1))
