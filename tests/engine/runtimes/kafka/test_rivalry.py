"""Who loses its place in the group again and again has a rival; who loses it now and then has not."""

from __future__ import annotations

from collections.abc import Iterable

from engine.runtimes.kafka.rivalry import APART, LOSSES, PATIENCE, WAYS, Rivalry


def losses_borne(gaps_s: Iterable[float]) -> int | None:
    """After how many losses, so long apart, a worker with sessions of 6 s ends; None if it goes on."""
    now_s = [100.0]
    rivalry = Rivalry("one", 6.0, lambda: now_s[0])
    rivalry.joined("m0")
    for number, gap_s in enumerate(gaps_s, 1):
        now_s[0] += gap_s
        rivalry.joined(f"m{number}")
        rivalry.joined(f"m{number}")  # the group changed and we kept the id
        if rivalry.lost:
            assert "another worker uses the instance 'one'" in str(rivalry.error())
            return number
    return None


def test_a_newcomer_that_loses_its_place_with_every_heartbeat_ends() -> None:
    borne = losses_borne([1.0] * 100)
    assert borne in {LOSSES + APART * each for each in range(WAYS)}


def test_who_had_its_place_before_bears_more() -> None:
    borne = losses_borne([3600.0] + [1.0] * 100)
    assert borne is not None
    assert borne > LOSSES + APART * (WAYS - 1)
    assert borne >= LOSSES + PATIENCE


def test_who_is_frozen_again_and_again_goes_on() -> None:
    assert losses_borne([6.1] * 1000) is None


def test_who_returns_a_few_times_quickly_goes_on() -> None:
    assert losses_borne(([1.0] * (LOSSES - 2) + [10.0]) * 100) is None
