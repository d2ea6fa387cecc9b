"""What a command writes for every partition: activations and ticks."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping

from kafka import TopicPartition
from kafka.admin import OffsetSpec

from engine.rulebook.rulebook import Rulebook
from engine.runtimes.clock import Clock, wall_clock_ms
from engine.runtimes.kafka.administration import administer
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import ACTIVATIONS, INTERACTIONS, Connection, look
from engine.runtimes.kafka.numbered import numbered, read_announced
from events.admission import FUTURE_MS
from events.codec import Activation, encode_activation, encode_tick
from events.errors import CalledWrongly
from events.times import instant_text


def latest_by_partition(connection: Connection, partitions: int) -> dict[int, int]:
    """The largest timestamp in each partition of the log, milliseconds; 0 where nothing is."""
    topic = connection.topic(INTERACTIONS)
    asked = {TopicPartition(topic, partition): OffsetSpec.MAX_TIMESTAMP for partition in range(partitions)}
    found = administer(connection, lambda admin: admin.list_partition_offsets(asked))
    return {place.partition: max(each.timestamp, 0) for place, each in found.items()}


async def apply_rulebook(
    connection: Connection, rulebook: Rulebook, at_ms: int | None = None, *, clock: Clock = wall_clock_ms
) -> Activation:
    """Activate a rulebook in every partition, also one that is active; durable on return.

    Its time is the wall clock, or the largest time in the log if that is later; raises CalledWrongly for an `at_ms`
    before that or after the clock. What an earlier one has left out is appended first.
    """
    activation = await _apply(connection, rulebook, at_ms, clock, again=True)
    assert activation is not None
    return activation


async def apply_unless_active(
    connection: Connection, rulebook: Rulebook, at_ms: int | None = None, *, clock: Clock = wall_clock_ms
) -> Activation | None:
    """As `apply_rulebook`; None if the rulebook is active already: then only what was left out of that is appended."""
    return await _apply(connection, rulebook, at_ms, clock, again=False)


async def _apply(
    connection: Connection, rulebook: Rulebook, at_ms: int | None, clock: Clock, *, again: bool
) -> Activation | None:
    found = await asyncio.to_thread(look, connection)
    latest = await asyncio.to_thread(latest_by_partition, connection, found.partitions)
    clients = Clients(connection)
    await clients.start()
    try:
        earlier = await announced(clients)
        if not again and earlier and earlier[-1].hash == rulebook.hash:
            await append_everywhere(clients, earlier[-1], latest)
            return None
        from_ms = _checked(at_ms, max(latest.values()), clock())
        for activation in earlier[-1:]:
            await append_everywhere(clients, activation, latest)
        name = hashlib.sha256(f"{rulebook.hash}\n{from_ms}\n{len(earlier)}".encode()).hexdigest()[:16]
        activation = await announce(
            clients, Activation(id=name, at_ms=from_ms, hash=rulebook.hash, rulebook=rulebook.packed())
        )
        await append_everywhere(clients, activation, latest)
    finally:
        await clients.stop()
    return activation


def _checked(at_ms: int | None, latest_ms: int, now_ms: int) -> int:
    """The instant of an activation; raises CalledWrongly for one before the log's end or after the clock."""
    if at_ms is None:
        return max(now_ms, latest_ms)
    if at_ms < latest_ms:
        why = f"events up to {instant_text(latest_ms)} are in the log already"
        raise CalledWrongly(f"a rulebook cannot be activated at {instant_text(at_ms)}: {why}")
    if at_ms > now_ms + FUTURE_MS:
        raise CalledWrongly(f"a rulebook cannot be activated at {instant_text(at_ms)}: that is in the future")
    return at_ms


async def announced(clients: Clients) -> list[Activation]:
    """Every activation in order, each with its number; raises FactsDamaged for a record that is none."""
    topic = clients.connection.topic(ACTIVATIONS)
    end = (await clients.ends(topic, [0]))[0]
    return [
        read_announced(topic, record.offset, record.value)
        async for chunk in clients.read(topic, 0, 0, end)
        for record in chunk
    ]


async def announce(clients: Clients, activation: Activation) -> Activation:
    """Give an activation its number: from here on every partition will have it, whoever completes it."""
    topic = clients.connection.topic(ACTIVATIONS)
    number = await clients.append(topic, 0, encode_activation(activation, activation.at_ms), at_ms=activation.at_ms)
    return numbered(activation, number)


async def append_everywhere(clients: Clients, activation: Activation, latest: Mapping[int, int]) -> None:
    """Append a numbered activation to each partition, at its own time or the partition's, if that is later."""
    topic = clients.connection.topic(INTERACTIONS)
    for partition, latest_ms in latest.items():
        at_ms = max(activation.at_ms, latest_ms)
        await clients.append(topic, partition, encode_activation(activation, at_ms), at_ms=at_ms)


async def tick(connection: Connection, as_of_ms: int | None = None, *, clock: Clock = wall_clock_ms) -> int:
    """Let time pass in every partition that is behind: to the largest time in the log, or later; returns it.

    Raises CalledWrongly for an earlier time, or one after the wall clock.
    """
    found = await asyncio.to_thread(look, connection)
    latest = await asyncio.to_thread(latest_by_partition, connection, found.partitions)
    latest_ms = max(latest.values())
    if as_of_ms is None:
        as_of_ms = latest_ms
    elif as_of_ms < latest_ms:
        there = f"the log holds records up to {instant_text(latest_ms)}"
        raise CalledWrongly(f"time cannot pass to {instant_text(as_of_ms)}: {there}")
    elif as_of_ms > clock():
        raise CalledWrongly(f"time cannot pass to {instant_text(as_of_ms)}: that is in the future")
    clients = Clients(connection)
    await clients.start()
    try:
        for partition, at_ms in latest.items():
            if at_ms < as_of_ms:
                topic = connection.topic(INTERACTIONS)
                await clients.append(topic, partition, encode_tick(as_of_ms), at_ms=as_of_ms)
    finally:
        await clients.stop()
    return as_of_ms
