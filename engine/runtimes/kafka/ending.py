"""How clients end: in order where brokers answer, and in time where none does.

A client sends what it still holds before it ends, which takes as long as its brokers are away.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiokafka.errors import KafkaError

PATIENCE_S = 3.0

log = logging.getLogger(__name__)


async def ended(client: Any, what: str, patience_s: float = PATIENCE_S) -> bool:
    """End a client, or leave it to its event loop's end once it takes too long; whether it ended.

    What it still holds is then appended or not, and whoever waits for it hears nothing: nobody may.
    """
    ending = asyncio.ensure_future(client.stop())
    done, _ = await asyncio.wait([ending], timeout=patience_s)
    if done:
        error = None if ending.cancelled() else ending.exception()
        if error is not None and not isinstance(error, KafkaError):
            raise error
        return True
    log.warning("%s is left as it is: the brokers do not answer", what)
    ending.cancel()
    return False
