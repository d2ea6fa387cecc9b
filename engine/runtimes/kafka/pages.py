"""Web pages for whoever watches over a process: a worker, or what runs beside the workers.

/healthz  200 while it moves: what starts processes again looks at this
/readyz   200 once it does its share
/metrics  figures for Prometheus
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import faust
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector


def add_pages(
    app: faust.App,
    figures: Sequence[Collector],
    *,
    illness: Callable[[], list[str]],
    unready: Callable[[], list[str]],
) -> None:
    """Have the app serve them; `illness` and `unready` say why it is not healthy or not ready, in words."""

    @app.page("/healthz")
    async def healthz(self: Any, _request: Any) -> Any:
        ill = illness()
        return self.json({"healthy": not ill, "why": ill}, status=503 if ill else 200)

    @app.page("/readyz")
    async def readyz(self: Any, _request: Any) -> Any:
        missing = unready()
        return self.json({"ready": not missing, "why": missing}, status=503 if missing else 200)

    @app.page("/metrics")
    async def metrics(self: Any, _request: Any) -> Any:
        page = await asyncio.to_thread(rendered, figures)
        return self.bytes(page, content_type="text/plain")


def rendered(figures: Sequence[Collector]) -> bytes:
    """The page that Prometheus reads."""
    registry = CollectorRegistry(auto_describe=False)
    for each in figures:
        registry.register(each)
    return generate_latest(registry)
