"""What a run did, and what there is now: the object that `run --until-idle --json` prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.hashes import MODULUS, as_text, decisions_hash, state_hash
from engine.outputs import kept
from engine.shard import Shard
from triggers.decisions import Output

Counts = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """`events` counts all records but the engine's own, `dead_letters` those of the fold, `unknown_types` is type ->
    count, `decisions` decision -> reason -> count ('' where a decision needs no reason); all of the whole log, for the
    active rulebook.

    `processed` counts what this run took from the log, in `seconds`.
    """

    events: int
    duplicates: int
    dead_letters: int
    unknown_types: dict[str, int]
    customers: int
    transitions: int
    decisions: Counts = field(default_factory=dict)
    messages: int
    state_hash: str
    decisions_hash: str
    as_of_ms: int
    processed: int
    seconds: float
    events_per_second: float


def report_of(shards: Sequence[Shard], *, as_of_ms: int, processed: int, seconds: float) -> RunReport:
    """The report over some partitions, whose journey time is `as_of_ms`."""
    worlds = [shard.world for shard in shards if shard.world is not None]
    metas = [world.meta for world in worlds]
    counts: Counts = {}
    decided = sum(decisions_hash(_counted(kept(shard.stream.read()), counts)) for shard in shards)
    state = sum(state_hash(world, as_of_ms) for world in worlds)
    return RunReport(
        events=sum(meta.events for meta in metas),
        duplicates=sum(meta.duplicates for meta in metas),
        dead_letters=sum(meta.dead_letters for meta in metas),
        unknown_types=added_up(meta.unknown_types for meta in metas),
        customers=sum(meta.customers for meta in metas),
        transitions=sum(meta.transitions for meta in metas),
        decisions={kind: dict(sorted(reasons.items())) for kind, reasons in sorted(counts.items())},
        messages=sum(counts.get("send", {}).values()),
        state_hash=as_text(state % MODULUS),
        decisions_hash=as_text(decided % MODULUS),
        as_of_ms=as_of_ms,
        processed=processed,
        seconds=round(seconds, 3),
        events_per_second=round(processed / seconds, 1) if seconds > 0 else 0.0,
    )


def added_up(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sums by name, the largest first."""
    total: dict[str, int] = {}
    for each in counts:
        for name, number in each.items():
            total[name] = total.get(name, 0) + number
    return dict(sorted(total.items(), key=lambda entry: (-entry[1], entry[0])))


def _counted(outputs: Iterable[Output], counts: Counts) -> Iterator[Output]:
    for output in outputs:
        for decision in output.decisions:
            reasons = counts.setdefault(decision.kind, {})
            reasons[decision.reason] = reasons.get(decision.reason, 0) + 1
        yield output
