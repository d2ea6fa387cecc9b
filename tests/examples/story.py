"""A history lived through in memory by the engine's shards, and what was decided, as people would say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.activations import append_activation
from engine.adapters.memory_generations import MemoryGenerations
from engine.compiled import compile_rulebook
from engine.outputs import kept
from engine.rulebook.rulebook import Rulebook, unpack
from engine.shard import Shard
from events.admission import admit
from events.codec import Activation, encode_record, encode_tick
from events.partitioning import partition_of
from tests.memory_facts import MemoryFacts
from triggers.decisions import Decision


@dataclass(frozen=True)
class Said:
    """One decided step of a match, `at` in the customer's local time to the minute."""

    customer: str
    trigger: str
    what: str  # schedule, hold, send; cancel and suppress with their reason
    at: str
    channel: str = ""


@dataclass
class Story:
    """The shards after all records."""

    shards: list[Shard] = field(default_factory=list)

    def decisions(self) -> list[tuple[str, Decision]]:
        """Every decided step with its customer, partition by partition."""
        return [
            (output.position[2], decision)
            for shard in self.shards
            for output in kept(shard.stream.read())
            for decision in output.decisions
        ]

    def said(self, zones: Mapping[str, str], otherwise: str) -> list[Said]:
        """What was decided, in order of time; `zones` of the customers who do not live in `otherwise`."""
        found = sorted(self.decisions(), key=lambda pair: (pair[1].at_ms, pair[0]))
        return [said(customer, decision, zones.get(customer, otherwise)) for customer, decision in found]


def said(customer: str, decision: Decision, zone: str) -> Said:
    what = f"{decision.kind}: {decision.reason}" if decision.reason else decision.kind
    at = datetime.fromtimestamp(decision.at_ms / 1000, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    return Said(customer, decision.trigger, what, at, decision.channel if decision.kind == "send" else "")


def live_through(
    rulebook: Rulebook,
    history: Iterable[bytes | Mapping[str, Any]],
    *,
    live_from: datetime,
    partitions: int = 1,
    batch: int = 1_000,
) -> Story:
    """Append the history, with the rulebook activated at `live_from`, and process all of it.

    At the end every partition's clock is put to that of the last record.
    """
    facts = [MemoryFacts(partition) for partition in range(partitions)]
    live_ms = int(live_from.timestamp() * 1000)
    activation = Activation(id="first", at_ms=live_ms, hash=rulebook.hash, rulebook=rulebook.packed())
    live, at_ms = False, 0
    for raw in history:
        admitted = admit(raw, now_ms=None, declared=rulebook.declared)
        event = admitted.event
        at_ms = event.occurred_at_ms if admitted.appended_at_ms is None else admitted.appended_at_ms
        if at_ms >= live_ms and not live:
            live = True
            for each in facts:
                append_activation(each.log, activation, live_ms)
        facts[partition_of(event.customer_id, partitions)].log.append([encode_record(event, at_ms)])
    story = Story()
    for each in facts:
        each.log.append([encode_tick(at_ms)])
        shard = Shard(each.log, each.decisions, MemoryGenerations(), unpack, compile_rulebook, partition=each.partition)
        shard.open()
        while shard.process(batch):
            pass
        shard.flush()
        story.shards.append(shard)
    return story
