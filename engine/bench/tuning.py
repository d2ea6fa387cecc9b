"""Rulebooks of a number of segments, tuned so that an event makes two transitions."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.bench.stand import BATCH, Stand, apart, groups
from engine.bench.workload import GAP_DAYS, Workload, cities_for, write_rulebook

TARGET_TRANSITIONS = 2.0
TOLERANCE = 0.2
NO_KNOB_DAYS = 100_000.0
CUSTOMERS, EVENTS = 4_000, 40_000
"""What a rulebook is tuned over, at any scale: with fewer it would not hold for more."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """A rulebook ready for a process to unpack; `load_s` is what reading its YAML took."""

    segments: int
    packed: bytes
    load_s: float


@cache
def tuned(segments: int) -> Tuned:
    """A rulebook of so many segments at two transitions an event, as far as its knob goes.

    A customer's events are an exponential gap apart, so the knob segment, of an age, is entered and left at
    exp(-age / gap) of them. Where that is not within the tolerance, its share is set right once by what was measured.
    """
    without = apart(_transitions, _knobbed(segments, NO_KNOB_DAYS).packed, segments)
    missing = max(TARGET_TRANSITIONS - without, 0.02)
    made = _knobbed(segments, _age_days(missing))
    found = apart(_transitions, made.packed, segments)
    if abs(found - TARGET_TRANSITIONS) > TOLERANCE / 2 and found > without:
        made = _knobbed(segments, _age_days(missing * missing / (found - without)))
    return made


def _age_days(transitions: float) -> float:
    return -GAP_DAYS * math.log(min(transitions / 2, 0.999))


def _knobbed(segments: int, knob_days: float) -> Tuned:
    return apart(_loaded, segments, knob_days)


def _loaded(segments: int, knob_days: float) -> Tuned:
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        rulebook = write_rulebook(Path(folder), segments, knob_days=knob_days)
        return Tuned(segments, rulebook.packed(), time.perf_counter() - began)


def _transitions(packed: bytes, segments: int) -> float:
    """Transitions an event in the second half of a run in memory."""
    shard = Stand(Path(), packed).in_memory()
    assert shard.world is not None
    at_half = 0
    records = Workload(customers=CUSTOMERS, events=EVENTS).records(cities_for(segments))
    for number, group in enumerate(groups(records)):
        if number * BATCH == EVENTS // 2:
            at_half = shard.world.meta.transitions
        shard.log.append(group)
        shard.process(BATCH)
    return (shard.world.meta.transitions - at_half) / (EVENTS - EVENTS // 2)
