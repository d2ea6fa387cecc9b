"""What stands between a partition's copy and its open shard.

The copy reaches the log's end -> what applying left out is appended -> claim -> frontier -> the copy reaches that too
-> the shard opens.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.runtimes.kafka.announcing import Announcer
from engine.runtimes.kafka.claims import Claim
from engine.runtimes.kafka.clients import PartitionTopic
from engine.runtimes.kafka.connection import ACTIVATIONS, DECISIONS, EVIDENCE, INTERACTIONS, NOTHING, TRANSITIONS
from engine.runtimes.kafka.decisions import KafkaDecisions
from engine.runtimes.kafka.local import LocalPartition
from engine.runtimes.kafka.log import KafkaLog
from engine.runtimes.kafka.numbered import read_announced
from engine.runtimes.kafka.shard import ClaimedShard
from engine.runtimes.kafka.standstill import open_shard
from engine.runtimes.kafka.topic_ends import check_begin, check_end
from engine.runtimes.kafka.workplace import Workplace
from events.codec import encode_activation
from triggers.decisions import MARK

lines = logging.getLogger(__name__)


@dataclass(slots=True)
class Opening:
    """A partition's way to an open shard; `anew` as `ClaimedShard` has it. `events` is its part of the log."""

    place: Workplace
    local: LocalPartition
    log: KafkaLog
    partition: int
    anew: bool
    events: PartitionTopic = field(init=False)

    def __post_init__(self) -> None:
        self.events = self._topic(INTERACTIONS)

    def checked_end(self) -> int:
        """The log's end; raises FactsDamaged if the topic has lost its beginning, or ends before what was copied."""
        place = self._named(INTERACTIONS)
        check_begin(place, self.events.begin())
        end = self.events.end()
        check_end(place, end, self.log.end())
        return end

    def complete_activations(self) -> None:
        """Append the activations that are not in this partition: whoever applied them was cut off, or is at it."""
        log, topic = self.log, self._topic(ACTIVATIONS)
        end = topic.end()
        topic_name = self.place.connection.topic(ACTIVATIONS)
        check_end(topic_name, end, log.newest_activation + 1)
        known = self.place.announced
        known.update(topic.read(max(known, default=-1) + 1, end))
        for number, value in sorted(known.items()):
            if number > log.newest_activation:
                activation = read_announced(topic_name, number, value)
                at_ms = max(activation.at_ms, log.journey_ms)
                self.events.append(encode_activation(activation, at_ms), at_ms=at_ms)

    def shard(self, copy_to: Callable[[int], None]) -> ClaimedShard:
        """Claim the decisions and open the shard; `copy_to` has the copy reach an offset."""
        place, log = self.place, self.log
        topic = self._topic(DECISIONS)
        decisions = KafkaDecisions(topic, self.local.copy, named=self._named(DECISIONS))
        shard = ClaimedShard(
            log,
            decisions,
            self.local.shard_generations,
            place.rulebooks.load,
            place.rulebooks.compile,
            partition=self.partition,
            anew=self.anew,
            announcer=self._announcer(),
        )
        check_begin(self._named(DECISIONS), topic.begin())
        end = topic.end()
        check_end(self._named(DECISIONS), end, decisions.count())
        decisions.catch_up(end)
        for offset in shard.activations.offsets():  # one that cannot compile them does not claim
            if (offset, MARK, "") > decisions.highest or offset == shard.activations.active_at(decisions.highest):
                shard.activations.compiled(offset)
        decisions.open(Claim(release=place.release, fold_version=shard.fold_version, worker=place.name, anew=self.anew))
        said = {"partition": self.partition, "claim": decisions.claim}
        lines.info("partition %d is claimed", self.partition, extra=said)
        decided = decisions.highest[0] + 1  # by the owner before, of what came while we copied
        if decided > log.end():
            check_end(self._named(INTERACTIONS), self.events.end(), decided)
            copy_to(decided)
        open_shard(shard)
        applied = -1 if shard.world is None else shard.world.meta.applied
        lines.info("partition %d is open", self.partition, extra={**said, "applied": applied})
        if shard.world is None:
            lines.warning("partition %d has no rulebook: `strand apply` activates one", self.partition, extra=said)
        return shard

    def _topic(self, name: str) -> PartitionTopic:
        place = self.place
        partition = 0 if name == ACTIVATIONS else self.partition
        return PartitionTopic(place.clients, place.bridge, place.connection.topic(name), partition)

    def _named(self, topic: str) -> str:
        return f"partition {self.partition} of {self.place.connection.topic(topic)}"

    def _announcer(self) -> Announcer | None:
        wanted = self.place.connection.transitions
        return None if wanted == NOTHING else Announcer(self._topic(TRANSITIONS), evidence=wanted == EVIDENCE)
