"""Merges two summaries: what is kept of events A and of events B, into what would be kept of both.

Every stored kind is such a summary, whatever the split: of one customer's events known in two places, of two customers
who turn out to be one. What is no function of a set of events is not merged: memberships are evaluated anew (with
`leaves_when` they depend on the path), and what was decided stays with whom it was decided for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ldexp
from typing import Any

from projections.expressions.runtime import NEVER
from projections.profile import Entry, own_zone
from projections.program import Program
from projections.sources import builtin, trait_code
from projections.traits.collections import Recent, Top, ValueSet, WindowedSet, WindowedTop
from projections.traits.kinds import Count, Edge, EdgeAt, Extreme, Mean, MeanGap, Slot, Sum, TraitCode, slot_name
from projections.traits.windowed import Windowed, WindowedCount, WindowedExtreme, WindowedMean, WindowedSum
from projections.traits.windows import Sums, insert_extreme, top_of, top_of_window

Merge = Callable[[Any, "Part", "Part", int], dict[str, Any]]


class Part:
    """One state's slots of one trait, by their suffix."""

    def __init__(self, code: TraitCode, state: Any) -> None:
        self.code, self.state = code, state

    def __getitem__(self, suffix: str) -> Any:
        return getattr(self.state, self.code.slot(suffix, None).name)


def merge(program: Program, a: Any, b: Any, t_ms: int) -> Any:
    """The state of the events of `a` and those of `b` as of t, in a new state; both are left as they are.

    No event may be in both. Memberships, ledger and timers are those of a new state: settle it as a first step.
    """
    merged = program.new_state()
    for code in stored(program):
        for slot, value in merge_trait(code, a, b, t_ms).items():
            setattr(merged, slot, value)
        if isinstance(code, Windowed | WindowedSet):
            merged.exit_at = min(merged.exit_at, first_exit(code, Part(code, merged)))
    merge_person(merged, a, b)
    for name in program.raw:
        if name.startswith("profile."):
            field = name.removeprefix("profile.")
            setattr(merged, slot_name(name), merged.profile.get(field, (None,))[0])
    return merged


def stored(program: Program) -> Iterator[TraitCode]:
    """The code of every trait the program's states keep, built-in ones too."""
    for name in program.raw:
        if name in program.world.traits:
            yield trait_code(program.world.traits[name])
        elif not name.startswith(("profile.", "consent.")):
            yield trait_code(builtin(name, program.world.types))


def merge_trait(code: TraitCode, a: Any, b: Any, t_ms: int) -> dict[str, Any]:
    """The merged slots of one trait, by name; of a window only what is in it at t."""
    values = MERGES[type(code)](code, Part(code, a), Part(code, b), t_ms)
    slots: list[Slot] = code.slots
    assert len(values) == len(slots)
    return {slot.name: values[slot.name.rpartition("__")[2]] for slot in slots}


# ---------------------------------------------------------------- over all events
def _count(_: Count, a: Part, b: Part, __: int) -> dict[str, Any]:
    return {"n": a["n"] + b["n"]}


def _sum(_: Sum, a: Part, b: Part, __: int) -> dict[str, Any]:
    return {"sum": a["sum"] + b["sum"]}


def _mean(_: Mean, a: Part, b: Part, __: int) -> dict[str, Any]:
    return {"sum": a["sum"] + b["sum"], "n": a["n"] + b["n"]}


def _extreme(code: Extreme, a: Part, b: Part, _: int) -> dict[str, Any]:
    return {"v": _chosen(code, a["v"], b["v"])}


def _edge(code: Edge, a: Part, b: Part, _: int) -> dict[str, Any]:
    known = [(part["at"], part["order"], part["v"]) for part in (a, b) if part["at"] is not None]
    choose = min if code.definition.kind == "first" else max
    at, order, value = choose(known, key=lambda each: each[:2], default=(None, 0, None))
    return {"v": value, "at": at, "order": order}


def _edge_at(code: EdgeAt, a: Part, b: Part, _: int) -> dict[str, Any]:
    return {"at": _chosen(code, a["at"], b["at"])}


def _chosen(code: TraitCode, *values: int | None) -> int | None:
    known = [value for value in values if value is not None]
    return (min if code.definition.kind in ("min", "first_at") else max)(known, default=None)


def _mean_gap(_: MeanGap, a: Part, b: Part, __: int) -> dict[str, Any]:
    ends = [(part["first"], part["last"]) for part in (a, b) if part["n"]]
    return {
        "first": min((first for first, _ in ends), default=None),
        "last": max((last for _, last in ends), default=None),
        "n": a["n"] + b["n"],
    }


def _set(code: ValueSet, a: Part, b: Part, _: int) -> dict[str, Any]:
    latest: dict[Any, tuple[int, int]] = dict(a["v"])
    for value, when in b["v"].items():
        latest[value] = max(when, latest.get(value, when))
    newest = sorted(latest, key=latest.__getitem__)[-code.limit :]
    return {"v": {value: latest[value] for value in newest}}


def _recent(code: Recent, a: Part, b: Part, _: int) -> dict[str, Any]:
    entries = [entry for part in (a, b) for entry in zip(part["at"], part["order"], part["v"], strict=True)]
    kept = sorted(entries, key=lambda entry: entry[:2])[-(code.definition.limit or 0) :]
    return {"v": [v for _, _, v in kept], "at": [o for o, _, _ in kept], "order": [k for _, k, _ in kept]}


def _top(_: Top, a: Part, b: Part, __: int) -> dict[str, Any]:
    sums: Sums = dict(a["sums"])
    for value, (total, size, unit) in b["sums"].items():
        own_total, own_size, own_unit = sums.get(value, (0.0, 0.0, unit))
        common = max(unit, own_unit)
        own, other = ldexp(1.0, own_unit - common), ldexp(1.0, unit - common)
        sums[value] = (own_total * own + total * other, own_size * own + size * other, common)
    return {"top": top_of(sums), "sums": sums}


# ---------------------------------------------------------------- over a window
def _windowed_set(code: WindowedSet, a: Part, b: Part, t_ms: int) -> dict[str, Any]:
    latest = _set(code, a, b, t_ms)["v"]
    inside = {value: when for value, when in latest.items() if when[0] > t_ms - code.within}
    oldest = min((o for o, _ in inside.values()), default=NEVER)
    return {"v": inside, "exit": min(oldest + code.within, NEVER)}


def _windowed_count(code: WindowedCount, a: Part, b: Part, t_ms: int) -> dict[str, Any]:
    instants = [o for part in (a, b) for o in part["w"][part["head"] :] if o > t_ms - code.within]
    return {"w": sorted(instants), "head": 0}


def _windowed_sum(code: WindowedSum, a: Part, b: Part, t_ms: int) -> dict[str, Any]:
    pairs = _pairs(code, a, b, t_ms)
    return {"w": [each for pair in pairs for each in pair], "head": 0, "sum": sum(x for _, x in pairs)}


def _windowed_extreme(code: WindowedExtreme, a: Part, b: Part, t_ms: int) -> dict[str, Any]:
    window: list[int] = []
    for o, x in _pairs(code, a, b, t_ms):
        insert_extreme(window, 0, o, x)
    return {"w": window, "head": 0}


def _windowed_top(code: WindowedTop, a: Part, b: Part, t_ms: int) -> dict[str, Any]:
    entries = [tuple(entry) for part in (a, b) for entry in part["w"] if entry[0] > t_ms - code.within]
    entries.sort(key=lambda entry: entry[:2])
    return {"top": top_of_window(entries, code.definition.half_life_ms), "w": entries}


def _pairs(code: Windowed, a: Part, b: Part, t_ms: int) -> list[tuple[int, int]]:
    """What is in either window at t, by instant; those of one instant need no order."""
    found: list[tuple[int, int]] = []
    for part in (a, b):
        live = part["w"][part["head"] :]
        found += [(o, x) for o, x in zip(live[::2], live[1::2], strict=True) if o > t_ms - code.within]
    return sorted(found)


def first_exit(code: Windowed | WindowedSet, part: Part) -> int:
    """The instant at which something leaves the window first, NEVER for none."""
    if isinstance(code, WindowedSet):
        return int(part["exit"])
    first = next(iter(part["w"]), None)
    if first is None:
        return NEVER
    return int((first[0] if isinstance(code, WindowedTop) else first) + code.within)


MERGES: dict[type[TraitCode], Merge] = {
    Count: _count,
    Sum: _sum,
    Mean: _mean,
    Extreme: _extreme,
    Edge: _edge,
    EdgeAt: _edge_at,
    MeanGap: _mean_gap,
    ValueSet: _set,
    Recent: _recent,
    Top: _top,
    WindowedSet: _windowed_set,
    WindowedCount: _windowed_count,
    WindowedSum: _windowed_sum,
    WindowedMean: _windowed_sum,
    WindowedExtreme: _windowed_extreme,
    WindowedTop: _windowed_top,
}


# ---------------------------------------------------------------- profile, consents, addresses
def merge_person(merged: Any, a: Any, b: Any) -> None:
    """Put the latest of each profile field and consent into `merged`, superseded addresses and all marks too."""
    for field in sorted({*a.profile, *b.profile}):
        entries: list[Entry] = [part.profile[field] for part in (a, b) if field in part.profile]
        merged.profile[field] = max(entries, key=_when)
        past = [entry for part in (a, b) for entry in part.past.get(field, ())]
        past += [entry for entry in entries if entry is not merged.profile[field] and isinstance(entry[0], str | None)]
        if past:
            merged.past[field] = sorted(past, key=_when)
    for key in sorted({*a.consent, *b.consent}):
        merged.consent[key] = max((part.consent[key] for part in (a, b) if key in part.consent), key=_when)
    merged.marks = sorted((tuple(mark) for mark in (*a.marks, *b.marks)), key=lambda mark: mark[2:])
    merged.zone = own_zone(merged.profile)


def _when(entry: Entry) -> tuple[int, int]:
    return entry[1:]
