"""What the fold refused in a partition, page by page: a letter may be a megabyte, and there may be any number."""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from engine.ports import DerivedStore
from engine.runtimes.kafka.lane import Lane
from engine.runtimes.kafka.live_state import NotHere, followed_store
from engine.runtimes.kafka.turn import Turn

PAGE_BYTES = 4 << 20


class LetterPage(msgspec.Struct, frozen=True):
    """Some letters in order of offset, and the offset from which the next page goes on; None after the last."""

    letters: list[bytes]
    next: int | None


async def letter_page(lane: Lane | None, start: int, newest: int | None) -> LetterPage:
    """The letters of a lane's live world from an offset on, as of its last flush; only of the `newest` so many.

    Raises NotHere.
    """
    if lane is None or lane.shard is None:
        raise NotHere
    place, partition = lane.place, lane.partition

    def read() -> LetterPage:
        with followed_store(place, partition) as store:
            if store is None:
                return LetterPage([], None)
            first = start if newest is None else max(start, _newest(store, newest, place.bridge.turn))
            return read_page(store, first, place.bridge.turn)

    return await asyncio.to_thread(read)


def read_page(store: DerivedStore, start: int, turn: Turn, most_bytes: int = PAGE_BYTES) -> LetterPage:
    """One letter at least, and no more once they are so many bytes; lanes have their turns in between."""
    letters: list[bytes] = []
    size = 0
    for offset, letter in store.letters(start):
        if letters and size + len(letter) > most_bytes:
            return LetterPage(letters, offset)
        letters.append(letter)
        size += len(letter)
        turn.pass_on()
    return LetterPage(letters, None)


def _newest(store: DerivedStore, count: int, turn: Turn) -> int:
    """The offset of the first of the newest so many letters."""
    offsets: deque[int] = deque(maxlen=max(count, 1))
    for offset, _ in store.letters():
        offsets.append(offset)
        turn.pass_on()
    return offsets[0] if offsets else 0
