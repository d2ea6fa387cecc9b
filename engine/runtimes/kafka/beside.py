"""What runs beside the hot path, again and again: the outbox, the audit.

These are services of Faust's and not its agents: an agent's events are acknowledged though their handler failed, and
those in a queue are dropped when partitions change hands. A round goes on from a place of its own.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import faust
from aiokafka.errors import KafkaError

AGAIN_S = 2.0

log = logging.getLogger(__name__)


class Rounds(faust.Service):
    """Calls `once` again and again, `pause_s` after one that returned 0; brokers that are away are waited for.

    `failed` is done, with the error, once it cannot go on.
    """

    def __init__(self, once: Callable[[], Awaitable[int]], *, pause_s: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pause_s = pause_s
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._once = once
        self._running: asyncio.Task[None] | None = None

    async def on_start(self) -> None:
        """Begin."""
        self._running = asyncio.get_running_loop().create_task(self._run())
        self._running.add_done_callback(self._ended)

    async def on_stop(self) -> None:
        """End between two steps of a round: what it has not noted is done again."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                if not await self._once():
                    await asyncio.sleep(self.pause_s)
            except KafkaError as error:
                log.warning("the brokers refuse or do not answer, and are asked again: %r", error)
                await asyncio.sleep(AGAIN_S)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not self.failed.done():
            self.failed.set_exception(error)


async def run_until_told(once: Callable[[], Awaitable[int]], *, pause_s: float) -> None:
    """Go round until SIGTERM or SIGINT; raises what ended it before."""
    told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.cancel)
    rounds = Rounds(once, pause_s=pause_s)
    await rounds.start()
    try:
        await asyncio.wait([told, rounds.failed], return_when=asyncio.FIRST_COMPLETED)
        if rounds.failed.done():
            rounds.failed.result()
    finally:
        rounds.failed.cancel()
        await rounds.stop()
