"""Clients whose brokers are away when they start."""

from __future__ import annotations

import asyncio

import pytest

from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import Connection
from events.errors import OperatorError


def test_no_broker_at_the_start_is_told_as_what_a_person_must_mend() -> None:
    """A worker whose only broker ended between its first question and this one ended with the client's traceback."""

    async def starting() -> None:
        await Clients(Connection(bootstrap="127.0.0.1:1")).start()

    with pytest.raises(OperatorError, match=r"127.0.0.1:1 refuses or does not answer.*\nOperator action: check that"):
        asyncio.run(starting())
