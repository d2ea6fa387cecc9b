"""Which worker gets which partition: as many each, and each partition to who has copied most of it.

Members say what they have when they join; the group's leader decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

Copied = Mapping[int, int]
"""Partition -> the offset up to which a member has a copy."""

_decode = msgspec.msgpack.Decoder(dict[int, int]).decode


def share(partitions: Iterable[int], members: Mapping[str, Copied]) -> dict[str, list[int]]:
    """Each member's partitions: the numbers differ by one at most, and who is furthest comes first."""
    left = sorted(partitions)
    least, over = divmod(len(left), len(members))
    given: dict[str, list[int]] = {member: [] for member in sorted(members)}
    bids = sorted(
        (-offset, partition, member)
        for member, copied in members.items()
        for partition, offset in copied.items()
        if partition in left
    )
    for _, partition, member in bids:
        has = len(given[member])
        larger = sum(len(each) > least for each in given.values())
        if partition in left and (has < least or (has == least and larger < over)):
            given[member].append(partition)
            left.remove(partition)
    for partition in left:
        poorest = min(given, key=lambda member: (len(given[member]), member))
        given[poorest].append(partition)
    return {member: sorted(partitions) for member, partitions in given.items()}


class FurthestFirst(AbstractPartitionAssignor):  # type: ignore[misc]  # aiokafka ships no annotations
    """An assignor of one worker: `copied` says what it has. The client calls methods only, so an instance will do."""

    name = "strand-furthest-first"

    def __init__(self, copied: Callable[[], Copied]) -> None:
        self._copied = copied

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """What this member tells the leader."""
        return ConsumerProtocolMemberMetadata(0, list(topics), msgspec.msgpack.encode(dict(self._copied())))

    def assign(
        self, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """The leader's decision; all members subscribe to the same one topic."""
        topics = sorted({topic for member in members.values() for topic in member.subscription})
        copied = {member: _read(said.user_data) for member, said in members.items()}
        given: dict[str, list[tuple[str, list[int]]]] = {member: [] for member in members}
        for topic in topics:
            for member, partitions in share(cluster.partitions_for_topic(topic) or (), copied).items():
                given[member].append((topic, partitions))
        return {member: ConsumerProtocolMemberAssignment(0, parts, b"") for member, parts in given.items()}

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Nothing to remember."""


def _read(said: bytes | None) -> Copied:
    """What a member has; nothing where it speaks otherwise: it only costs copying."""
    try:
        return _decode(said or b"\x80")
    except msgspec.MsgspecError:
        return {}
