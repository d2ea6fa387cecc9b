"""The events of some files, judged and in the order of a log, and what was refused of them."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray

from engine.importing.pile import Pile
from engine.importing.readers import Found
from engine.runtimes.embedded.intake import names_in
from engine.self_closing import SelfClosing
from events.admission import MAX_EVENT_BYTES, Admitted, admit_json, admit_value
from events.codec import encode_record
from events.dead_letters import Door, dead_letter, encode_dead_letter
from events.errors import InputRefused
from events.partitioning import partition_of
from events.schema import Fields


class Judged(SelfClosing):
    """Records by number in the order they were found; `order` sorts them by `appended_at`, stably.

    An event without `appended_at` has its occurred_at for one. `letters` are the refused, each with its partition.
    """

    def __init__(self, folder: Path, partitions: int, declared: Mapping[str, Fields] | None, now_ms: int) -> None:
        self.partitions = partitions
        self._declared = declared
        self._now_ms = now_ms
        self._records = Pile(folder)
        self._letters = Pile(folder)
        self._letter_partitions = array("H")
        self._refused_hash = 0  # of the refused as they came: their letters hold the time of day
        self._partitions = array("H")
        self._times_ms = array("q")

    def __len__(self) -> int:
        return len(self._records)

    @property
    def refused(self) -> int:
        """How many were refused."""
        return len(self._letters)

    def take(self, found: Found) -> None:
        """Judge one and keep its record or its dead letter."""
        try:
            if found.fault is not None:
                raise found.fault
            admitted = self._judge(found)
        except InputRefused as refusal:
            self._refuse(found, refusal)
            return
        event = admitted.event
        at_ms = event.occurred_at_ms if admitted.appended_at_ms is None else admitted.appended_at_ms
        self._records.append(encode_record(event, at_ms))
        self._times_ms.append(at_ms)
        self._partitions.append(partition_of(event.customer_id, self.partitions))

    def _judge(self, found: Found) -> Admitted:
        if found.line is not None:
            return admit_json(found.line, now_ms=self._now_ms, declared=self._declared)
        return admit_value(found.value, now_ms=self._now_ms, declared=self._declared)

    def _refuse(self, found: Found, refusal: InputRefused) -> None:
        raw = found.line if found.line is not None else _packed(found.value)
        raw = raw[: MAX_EVENT_BYTES + 1]
        customer = names_in(raw)[1]
        partition = 0 if customer is None else partition_of(customer, self.partitions)
        letter = dead_letter(refusal, raw, door=Door.IMPORT, at_ms=self._now_ms, partition=partition)
        self._letters.append(encode_dead_letter(letter))
        self._letter_partitions.append(partition)
        self._refused_hash = (self._refused_hash + int.from_bytes(hashlib.sha256(raw).digest())) % (1 << 256)

    # ------------------------------------------------------------ in order
    @cached_property
    def order(self) -> NDArray[np.int64]:
        """The records' numbers in the order of the log."""
        return np.argsort(np.frombuffer(self._times_ms, dtype=np.int64), kind="stable") if len(self) else np.arange(0)

    @cached_property
    def times_ms(self) -> NDArray[np.int64]:
        """Each row's time, rows being in the order of the log."""
        return np.array(self._times_ms, dtype=np.int64)[self.order]

    @cached_property
    def partition_of_row(self) -> NDArray[np.int64]:
        """Each row's partition."""
        return np.array(self._partitions, dtype=np.int64)[self.order]

    @cached_property
    def identity(self) -> str:
        """What the same input has again: a hash of the rows in order and of the refused."""
        digest = hashlib.sha256()
        for number in self.order.tolist():
            digest.update(self._records.get(number))
        digest.update(self._refused_hash.to_bytes(32, "big"))
        return digest.hexdigest()

    def row(self, row: int) -> bytes:
        """The record of a row."""
        return self._records.get(int(self.order[row]))

    def letters(self) -> list[tuple[int, bytes]]:
        """(partition, dead letter) of each one refused."""
        return [(self._letter_partitions[number], self._letters.get(number)) for number in range(len(self._letters))]

    def close(self) -> None:
        """Give the temporary files up."""
        self._records.close()
        self._letters.close()


def _packed(value: Any) -> bytes:
    """A refused value's bytes, for its letter."""
    try:
        packed: bytes = msgpack.packb(value, default=str, datetime=False, unicode_errors="surrogatepass")
    except (ValueError, TypeError, OverflowError, RecursionError):
        return repr(value)[:MAX_EVENT_BYTES].encode(errors="backslashreplace")
    return packed
