"""Rulebooks of a number of segments, tuned so that an event makes two transitions."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.bench.stand import BATCH, Stand, apart, groups
from engine.bench.workload import BROAD, GAP_DAYS, USUAL_GAP_DAYS, Workload, cities_for, write_rulebook

TARGET_TRANSITIONS = 2.0
TOLERANCE = 0.2
NO_KNOB_DAYS = 100_000.0
MANY_BROAD = 100
NEARLY = 1.8
CUSTOMERS, EVENTS = 4_000, 40_000
"""What a rulebook is tuned over, at any scale: with fewer it would not hold for more."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """A rulebook ready for a process to unpack, and how far apart a customer's events are; `load_s` is what reading its
    YAML took."""

    segments: int
    packed: bytes
    load_s: float
    gap_days: float = GAP_DAYS

    def records(self, customers: int, events: int) -> Iterator[bytes]:
        """The records of a shop of such customers, in order."""
        workload = Workload(customers=customers, events=events, gap_days=self.gap_days)
        return workload.records(cities_for(self.segments))


@cache
def tuned(segments: int) -> Tuned:
    """A rulebook of so many segments at two transitions an event, as far as its knob goes.

    Most come from broad segments, as many as bring them near; the rest from the knob segment: a customer's events are
    an exponential gap apart, so one of an age is entered and left at exp(-age / gap) of them. Where that is not within
    the tolerance, its share is set right once by what was measured.
    """
    broad = _broad(segments)
    without = apart(_transitions, _knobbed(segments, NO_KNOB_DAYS, broad).packed, segments)
    missing = max(TARGET_TRANSITIONS - without, 0.02)
    made = _knobbed(segments, _age_days(missing), broad)
    found = apart(_transitions, made.packed, segments)
    if abs(found - TARGET_TRANSITIONS) > TOLERANCE / 2 and found > without:
        made = _knobbed(segments, _age_days(missing * missing / (found - without)), broad)
    return made


@cache
def usual(segments: int) -> Tuned:
    """A rulebook of so many segments as it comes, over a shop that is visited more often."""
    return replace(untuned(segments), gap_days=USUAL_GAP_DAYS)


@cache
def untuned(segments: int) -> Tuned:
    """A rulebook of so many segments as it comes, for runs that measure nothing."""
    return _knobbed(segments, NO_KNOB_DAYS, BROAD)


def _broad(segments: int) -> int:
    """Up to which number segments are broad, for a little less than the transitions wanted."""
    few = apart(_transitions, _knobbed(segments, NO_KNOB_DAYS, BROAD).packed, segments)
    more = min(segments, MANY_BROAD)
    if more <= BROAD:
        return BROAD
    many = apart(_transitions, _knobbed(segments, NO_KNOB_DAYS, more).packed, segments)
    if many <= NEARLY:
        return more
    return BROAD + round((more - BROAD) * max(NEARLY - few, 0.0) / (many - few))


def _age_days(transitions: float) -> float:
    return -GAP_DAYS * math.log(min(transitions / 2, 0.999))


def _knobbed(segments: int, knob_days: float, broad: int) -> Tuned:
    return apart(_loaded, segments, knob_days, broad)


def _loaded(segments: int, knob_days: float, broad: int) -> Tuned:
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        rulebook = write_rulebook(Path(folder), segments, knob_days=knob_days, broad=broad)
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
