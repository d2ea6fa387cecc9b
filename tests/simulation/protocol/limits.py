"""The engine's limits made tiny, so that a history of a hundred records meets every one: flushes in the midst of a
fold, states that leave memory, chunks of outputs, timers that are fetched again, ids that age."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from types import ModuleType
from typing import Any

import engine.deciding
import engine.shard
import engine.states
import engine.world
from engine.seen import Seen
from engine.timers import Timers
from engine.world import World

CONSTANTS: tuple[tuple[ModuleType, str, tuple[int, ...]], ...] = (
    (engine.states, "FLUSH_EVENTS", (3, 10)),
    (engine.shard, "FOLD_BATCH", (1, 4)),
    (engine.states, "STATES_AT_ONCE", (1, 3)),
    (engine.states, "STATES_PREPARED", (1, 2)),
    (engine.world, "AHEAD", (1, 3)),
    (engine.shard, "PACK_STEPS", (1, 3)),
    (engine.deciding, "CHUNK_OUTPUTS", (1, 2)),
)
DEFAULTS: tuple[tuple[Callable[..., None], str, tuple[int, ...]], ...] = (
    (World.__init__, "cache", (2, 4)),
    (Timers.__init__, "near", (1, 3)),
    (Seen.__init__, "young", (2, 8)),
)


@contextmanager
def tight_limits(rng: Random) -> Iterator[None]:
    """Some of the limits tiny while the context is open."""
    with ExitStack() as stack:
        for module, name, tiny in CONSTANTS:
            choose(vars(module), name, tiny, rng, stack)
        for function, name, tiny in DEFAULTS:
            defaults = function.__kwdefaults__
            assert defaults is not None
            choose(defaults, name, tiny, rng, stack)
        yield


def choose(place: dict[str, Any], name: str, tiny: tuple[int, ...], rng: Random, stack: ExitStack) -> None:
    usual = place[name]
    place[name] = rng.choice([usual, *tiny])
    stack.callback(place.__setitem__, name, usual)
