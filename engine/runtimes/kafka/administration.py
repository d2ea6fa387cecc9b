"""Asks a cluster what only its administration tells; one broker that is away is no reason not to answer.

The admin client chooses a broker at random, of those it heard of, and gives up where that one is away.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from engine.workspace.kafka_settings import SECRETS
from events.errors import OperatorError

if TYPE_CHECKING:
    from engine.runtimes.kafka.connection import Connection

CONNECT_MS = 10_000
PATIENCE_S = 30.0
"""For the others to notice that a broker is away, and to lead its partitions."""

AGAIN_S = 0.2
ASKING_MS = 3_000
ACTION = "check that the brokers run, that the log url names them, and the [kafka] table of strand.toml"

USER_ACTION = f"check kafka.sasl_username and sasl_mechanism in strand.toml, and {SECRETS['sasl_password']}"

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


def no_answer(connection: Connection, why: str, action: str = ACTION) -> NoAnswer:
    """What a person is told whose cluster refuses or is away."""
    said = f"the cluster at {connection.bootstrap} refuses or does not answer: {why}"
    return refused_user(connection, USER_ACTION) or NoAnswer(said, action)


def refused_user(connection: Connection, action: str) -> NoAnswer | None:
    """What a person is told whose name or password a broker refuses; None where none does.

    Clients do not tell, since they go on to the next broker, and so on: asks anew, with a connection of its own.
    """
    if "sasl_mechanism" not in connection.security:
        return None
    with ThreadPoolExecutor(1) as own:  # the caller may be in an event loop
        refused = own.submit(asyncio.run, _refuses_user(connection)).result()
    what = f"the brokers at {connection.bootstrap} refused the user's name or password"
    return NoAnswer(what, action) if refused else None


async def _refuses_user(connection: Connection) -> bool:
    from aiokafka.conn import create_conn  # noqa: PLC0415 -- not before something went wrong
    from aiokafka.errors import AuthenticationFailedError, SaslAuthenticationFailed  # noqa: PLC0415 -- as above
    from aiokafka.errors import KafkaError as Refused  # noqa: PLC0415 -- as above

    closing: list[asyncio.Future[None]] = []
    asking = {"request_timeout_ms": ASKING_MS, "on_close": lambda conn, _: closing.append(conn.close())}
    refuses = False
    for address in connection.bootstrap.split(","):
        host, _, port = address.rpartition(":")
        try:
            conn = await create_conn(host, int(port), **asking, **connection.security)
        except (AuthenticationFailedError, SaslAuthenticationFailed):
            refuses = True
        except (Refused, OSError, TimeoutError):
            continue
        else:
            conn.close()
        break
    if closing:  # TLS takes its leave, and a loop that ended before would leave the socket open
        await asyncio.wait(closing, timeout=ASKING_MS / 1000)
    return refuses
