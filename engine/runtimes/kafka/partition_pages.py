"""A worker's web pages about its partitions, for commands: MessagePack, or 404 where a partition is not open here.

/partitions                                      the partitions that are open here
/state?partition=3[&slot=0&of=64&each=1]         `LiveState`: of all customers, or a sample's
/letters?partition=3[&from=9&newest=40]          `LetterPage`: what the fold refused, under the rulebook that is active
/rebuild?partition=3[&accept=1]                  (POST) folds it anew beside, and goes on from that: `RebuiltPartition`
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import faust
import msgspec
from faust.web.views import View

from engine.runtimes.kafka.lane import Lane
from engine.runtimes.kafka.letter_pages import letter_page
from engine.runtimes.kafka.live_state import NotHere, live_state
from engine.runtimes.kafka.rebuilding import Rebuilds
from engine.runtimes.kafka.sampling import Sample
from engine.runtimes.kafka.worker import Worker
from events.errors import OperatorError

_encode = msgspec.msgpack.encode
TYPE = "application/msgpack"


def add_partition_pages(app: faust.App, worker: Worker) -> None:
    """Have the app serve them."""

    @app.page("/partitions")
    async def partitions(self: Any, _request: Any) -> Any:
        opened = sorted(lane.partition for lane in worker.lanes.values() if lane.shard is not None)
        return self.bytes(_encode(opened), content_type=TYPE)

    @app.page("/state")
    async def state(self: Any, request: Any) -> Any:
        query = request.query

        async def found(lane: Lane | None) -> Any:
            sample = Sample(int(query.get("slot", 0)), int(query.get("of", 1)))
            return await live_state(lane, sample, each="each" in query)

        return await answered(self, worker, request, found)

    rebuilds = Rebuilds(worker)

    @app.page("/rebuild")
    class Rebuild(View):
        """Only by POST: it changes something."""

        async def post(self, request: Any) -> Any:
            accept = "accept" in request.query
            return await answered(self, worker, request, lambda lane: rebuilds.rebuild(lane, accept=accept))

    @app.page("/letters")
    async def letters(self: Any, request: Any) -> Any:
        query = request.query

        async def found(lane: Lane | None) -> Any:
            newest = int(query["newest"]) if "newest" in query else None
            return await letter_page(lane, int(query.get("from", 0)), newest)

        return await answered(self, worker, request, found)


async def answered(view: Any, worker: Worker, request: Any, find: Callable[[Lane | None], Awaitable[Any]]) -> Any:
    """What is found out about the partition that a request names, as a response."""
    try:
        lane = worker.lanes.get(int(request.query["partition"]))
        return view.bytes(_encode(await find(lane)), content_type=TYPE)
    except NotHere:
        return view.bytes(b"", content_type=TYPE, status=404)
    except (ValueError, KeyError) as error:
        return view.text(f"wrong query: {error!r}", status=400)
    except OperatorError as error:
        return view.text(str(error), status=500)
