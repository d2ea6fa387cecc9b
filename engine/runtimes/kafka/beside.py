"""What runs beside the hot path, again and again: the outbox, the audit.

These are services of Faust's and not its agents: an agent's events are acknowledged though their handler failed, and
those in a queue are dropped when partitions change hands. A round goes on from a place of its own.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import faust
from aiokafka.errors import KafkaError
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

    from engine.runtimes.kafka.connection import Connection

AGAIN_S = 2.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Where `pages.py` is served, and the figures that stand there beside those of the rounds."""

    connection: Connection
    host: str
    port: int
    figures: Collector


class Rounds(faust.Service):
    """Calls `once` again and again, `pause_s` after one that returned 0; brokers that are away are waited for.

    `failed` is done, with the error, once it cannot go on. `done` counts rounds, `refused` those that the brokers cut
    short; `refusal` says why the last one was, and is empty when it was not.
    """

    def __init__(self, once: Callable[[], Awaitable[int]], *, pause_s: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pause_s = pause_s
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.done = self.refused = 0
        self.refusal = ""
        self._ended_s = 0.0
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
                busy = await self._once()
                self.done, self.refusal, self._ended_s = self.done + 1, "", time.time()
                if not busy:
                    await asyncio.sleep(self.pause_s)
            except KafkaError as error:
                log.warning("the brokers refuse or do not answer, and are asked again: %r", error)
                self.refused, self.refusal = self.refused + 1, repr(error)
                await asyncio.sleep(AGAIN_S)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not self.failed.done():
            self.failed.set_exception(error)

    # ------------------------------------------------------------ for who watches
    def illness(self) -> list[str]:
        """What is wrong, and a start from new would mend."""
        return ["it has failed and ends"] if self.failed.done() else []

    def unready(self) -> list[str]:
        """Why what it writes or says is not of now."""
        if self.refusal:
            return [f"the brokers refuse or do not answer: {self.refusal}"]
        return [] if self.done else ["the first round goes on"]

    def collect(self) -> Iterator[Metric]:
        """The figures of any rounds, for Prometheus."""
        yield CounterMetricFamily("strand_rounds", "Rounds that were made", self.done)
        yield CounterMetricFamily("strand_rounds_refused", "Rounds that the brokers cut short", self.refused)
        yield GaugeMetricFamily("strand_last_round_seconds", "When a round ended, Unix time; 0 before", self._ended_s)


async def run_until_told(once: Callable[[], Awaitable[int]], *, pause_s: float, pages: Pages | None = None) -> None:
    """Go round until SIGTERM or SIGINT; raises what ended it before."""
    told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.cancel)
    rounds = Rounds(once, pause_s=pause_s)
    async with nullcontext() if pages is None else served(pages, rounds):
        await rounds.start()
        try:
            await asyncio.wait([told, rounds.failed], return_when=asyncio.FIRST_COMPLETED)
            if rounds.failed.done():
                rounds.failed.result()
        finally:
            rounds.failed.cancel()
            await rounds.stop()


@asynccontextmanager
async def served(pages: Pages, rounds: Rounds) -> AsyncIterator[None]:
    """Serve the pages while the body runs."""
    from engine.runtimes.kafka.app import make_app  # noqa: PLC0415 -- half a second, for who asks for pages only
    from engine.runtimes.kafka.pages import add_pages  # noqa: PLC0415 -- likewise

    with TemporaryDirectory() as folder:
        app = make_app(pages.connection, data=Path(folder), web_host=pages.host, web_port=pages.port)
        add_pages(app, [rounds, pages.figures], illness=rounds.illness, unready=rounds.unready)
        try:
            await app.start()
            yield
        finally:
            await app.stop()
