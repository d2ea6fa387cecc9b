"""Whether brokers answer: a worker without records to take would not notice that all are away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection

from aiokafka.errors import KafkaError

from engine.runtimes.kafka.clients import Clients

EVERY_S = 5.0
ANSWER_S = 10.0
SILENT_S = 30.0
"""For another broker to lead what one led that went away: shorter is not told of."""


class Hearing:
    """Asks where the ends of a topic's partitions are, again and again; `partitions` says which are ours."""

    def __init__(self, clients: Clients, topic: str, partitions: Callable[[], Collection[int]]) -> None:
        self._clients, self._topic, self._partitions = clients, topic, partitions
        self._heard_s = time.monotonic()
        self._why = ""
        self._missing = False

    async def run(self) -> None:
        """For ever."""
        while True:
            await self.ask()
            await asyncio.sleep(EVERY_S)

    async def ask(self) -> None:
        """Ask once."""
        try:
            async with asyncio.timeout(ANSWER_S):
                there = await self._clients.has(self._topic)
                mine = sorted(self._partitions())
                if there and mine:
                    await self._clients.ends(self._topic, mine)  # each is told by the broker that leads it
        except (KafkaError, TimeoutError) as error:
            self._why = repr(error)
        else:
            self._why, self._missing = "", not there
            self._heard_s = time.monotonic()

    @property
    def away(self) -> bool:
        """Whether no broker answers, or not those that lead our partitions, or none can acknowledge an append."""
        return bool(self._why) or self._clients.waits_s() > SILENT_S

    def silent_s(self) -> float:
        """For how long brokers have left a question or an append unanswered; 0 while they answer."""
        asked_s = time.monotonic() - self._heard_s if self._why else 0.0
        return max(asked_s, self._clients.waits_s())

    def wrong(self) -> list[str]:
        """What keeps a worker from its share, in words."""
        silent_s = self.silent_s()
        if silent_s > SILENT_S:
            said = self._why or "an append is not acknowledged"
            return [f"the brokers have not answered for {silent_s:.0f} s: {said}"]
        return [f"the cluster has no topic {self._topic}"] if self._missing else []
