"""What is done about topics that have another number of partitions than the settings say: a pure judgement.

A customer's events are where murmur2 of the customer, by the number of partitions, puts them. So a log's number can
never change. Kafka adds partitions on demand and takes none away: of topics that hold records and differ, those with
more were raised. Only a topic in which nothing ever stood may be deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass

RAISED = (
    "stop publishers and workers, and neither raise nor delete anything: a log's number of partitions can never "
    "change, and partitions that were added cannot be taken away; bring the facts into new topics as 'Partitions were "
    "added' in docs/operations.md says, or restore all topics from a backup"
)
HARMLESS = "nothing need be done: the partitions that were added stay empty, and cannot be taken away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The numbers of partitions that the settings want and that topics have, by the cluster's names.

    `log` is the topic of events, which the others follow; `single` the one that needs one partition only; `holding`
    are those in which something stands, or stood. `delete` makes the command that deletes a topic.
    """

    log: str
    single: str
    wanted: int
    found: Mapping[str, int]
    holding: Set[str]
    delete: Callable[[str], str]
    create: str

    def harmless(self, topic: str) -> bool:
        """Whether a topic has the partitions that are used of it, and perhaps some that are not."""
        return topic != self.log and self.found[topic] >= (1 if topic == self.single else self._needed)

    def mend(self, topic: str) -> str:
        """What a person does about the number of a topic's partitions, which is not the one wanted."""
        empty = topic not in self.holding
        remake = f"nothing is in it: {self.delete(topic)}, then {self.create}"
        if topic == self.single:
            return remake if empty else HARMLESS
        if not self.holding and not self._all_alike:
            return remake
        if self._was_raised:
            return HARMLESS if self.found[topic] > self._needed else RAISED
        if empty and not (topic in self._made_alike and self._all_alike):
            return remake if self._needed == self.wanted else f"{self._write}; then, as {remake}"
        if topic not in self._made_alike:
            return HARMLESS
        if self._needed < self.wanted or self.log not in self.holding:
            return self._write
        return (
            f"if the topics were made with {self._needed} partitions, only the setting is wrong: {self._write}; "
            f"if they were made with {self.wanted} and raised: {RAISED}"
        )

    @property
    def _needed(self) -> int:
        return self.found.get(self.log, self.wanted)

    @property
    def _write(self) -> str:
        return f"write `partitions = {self._needed}` into strand.toml (where STRAND_PARTITIONS is set, it wins)"

    @property
    def _made_alike(self) -> set[str]:
        """The log and those with as many partitions."""
        return {name for name, count in self.found.items() if name != self.single and count == self._needed}

    @property
    def _all_alike(self) -> bool:
        return self._made_alike == self.found.keys() - {self.single}

    @property
    def _was_raised(self) -> bool:
        """Whether the log has more partitions than a topic that was used beside it."""
        others = self.found.keys() - {self.log, self.single}
        return any(self.found[name] < self._needed for name in others & self.holding)
