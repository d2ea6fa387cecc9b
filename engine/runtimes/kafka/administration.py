"""Asks a cluster what only its administration tells; one broker that is away is no reason not to answer.

The admin client chooses a broker at random, of those it heard of, and gives up where that one is away.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from events.errors import OperatorError

if TYPE_CHECKING:
    from engine.runtimes.kafka.connection import Connection

CONNECT_MS = 10_000
PATIENCE_S = 30.0
"""For the others to notice that a broker is away, and to lead its partitions."""

AGAIN_S = 0.2
ACTION = "check that the brokers run, that the log url names them, and the [kafka] table of strand.toml"

T = TypeVar("T")


class NoAnswer(OperatorError):
    """The cluster refuses or does not answer."""


def administer(
    connection: Connection, work: Callable[[KafkaAdminClient], T], *, patience_s: float = PATIENCE_S
) -> T:  # fmt: skip
    """What `work` returns, which may be called again: after what passes, with a new client.

    Raises NoAnswer at once where no broker answers or the cluster refuses, else once the patience has ended.
    """
    brokers = connection.bootstrap.split(",")
    until = time.monotonic() + patience_s
    while True:
        try:
            admin = KafkaAdminClient(bootstrap_servers=brokers, bootstrap_timeout_ms=CONNECT_MS, **connection.admin)
        except KafkaError as error:
            raise no_answer(connection, repr(error)) from error
        with admin:
            try:
                return work(admin)
            except KafkaError as error:
                if not error.retriable or time.monotonic() > until:
                    raise no_answer(connection, str(error)) from error
        time.sleep(AGAIN_S)


def no_answer(connection: Connection, why: str) -> NoAnswer:
    """What a person is told whose cluster refuses or is away."""
    return NoAnswer(f"the cluster at {connection.bootstrap} refuses or does not answer: {why}", ACTION)
