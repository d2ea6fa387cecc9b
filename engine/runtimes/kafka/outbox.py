"""The messages decided on Kafka as files: each leaves the topic of decisions once, whatever ends whichever process.

chunk of a partition -> what readers keep of it -> a file for each message, on the disk -> how far it came, on the disk

A cursor of ours says how far it came: the offset, and the claim and highest position by which the next batch is kept or
dropped. The group's committed offset would say neither, and an agent's is moved on though its handler failed.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from engine.delivery.message_files import MessageFiles
from engine.kill_points import reach
from engine.outputs import decode_batch
from engine.rulebook.rulebook import Rulebook, unpack
from engine.runtimes.kafka.applying import announced
from engine.runtimes.kafka.claims import Rule
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import DECISIONS, Found
from engine.workspace.durable_files import refused, replace_durably
from engine.workspace.lock import OwnerLock
from events.errors import FactsDamaged, OperatorError
from triggers.decisions import START, Position
from triggers.reasons import Kind

CURSOR = ".kafka-cursor"
CURSOR_VERSION = 1


class Place(msgspec.Struct, array_like=True):
    """How far a partition was read: the next offset, the newest claim before it, the highest position kept."""

    offset: int = 0
    claim: int = -1
    highest: Position = START


class _Cursor(msgspec.Struct):
    version: int
    cluster: str
    topic: str  # its id
    places: dict[int, Place]


_decode = msgspec.json.Decoder(_Cursor).decode


class KafkaOutbox:
    """A folder of messages that this process owns until `close`; a second one raises WorkspaceBusy.

    Raises OperatorError for a cursor that cannot be read, or is of other topics: to write everything anew is for a
    person to say, since files may have been taken away and sent. `written` counts this process's messages.
    """

    def __init__(self, clients: Clients, found: Found, folder: Path) -> None:
        self.folder, self.partitions = folder, found.partitions
        self.written = 0
        self._clients, self._topic = clients, clients.connection.topic(DECISIONS)
        self._cluster, self._topic_id = found.cluster, found.ids[DECISIONS]
        self._rulebooks: dict[str, Rulebook] = {}
        self._files = MessageFiles(folder, self._rulebooks.get)
        self._files.make_folder()
        self._lock = OwnerLock(folder, what="outbox", beside="one process writes all messages")
        try:
            self._places = self._read_cursor()
        except BaseException:
            self._lock.release()
            raise

    async def round(self) -> int:
        """Write the messages that were decided since the last time, and return how many."""
        ends = await self._clients.ends(self._topic, range(self.partitions))
        before = self.written
        for partition, end in ends.items():
            place = self._places.setdefault(partition, Place())
            if end < place.offset:
                what = f"partition {partition} of {self._topic} ends before offset {end}, {place.offset} were read"
                raise FactsDamaged(what, "restore the topic: the brokers lost records that they had acknowledged")
            async for chunk in self._clients.read(self._topic, partition, place.offset, end):
                await self._take(partition, chunk)
        return self.written - before

    async def _take(self, partition: int, chunk: Iterable[Any]) -> None:
        place = self._places[partition]
        rule = Rule(place.claim, place.highest)
        offset = place.offset
        for record in chunk:
            highest, offset = rule.highest, record.offset + 1
            kept = rule.take(record.offset, record.value or b"")
            if isinstance(kept, bytes):
                await self._write(kept, highest)
        self._files.name()
        self._files.sync()
        self._places[partition] = Place(offset, rule.claim, rule.highest)
        reach("before-outbox-place")
        self._keep_places()
        reach("after-outbox-place")

    async def _write(self, batch: bytes, after: Position) -> None:
        """Write the messages of a batch beyond a position."""
        for output in decode_batch(batch):
            for decision in output.decisions:
                if output.position > after and decision.kind == Kind.SEND:
                    if decision.rulebook not in self._rulebooks:
                        await self._learn_rulebooks()
                    self._files.write(output.position[2], decision)
                    self.written += 1

    async def _learn_rulebooks(self) -> None:
        for activation in await announced(self._clients):
            if activation.hash not in self._rulebooks:
                self._rulebooks[activation.hash] = unpack(activation.rulebook)

    # ------------------------------------------------------------ the cursor
    def _read_cursor(self) -> dict[int, Place]:
        path = self.folder / CURSOR
        action = f"to have every message written once more, remove {path}; else restore it"
        with refused(path):
            written = path.read_bytes() if path.exists() else b""
        if not written:
            return {}
        try:
            cursor = _decode(written)
        except (msgspec.MsgspecError, ValueError) as error:
            raise OperatorError(f"{path}, which says what was written, cannot be read: {error}", action) from None
        if cursor.version != CURSOR_VERSION:
            raise OperatorError(f"{path} is of version {cursor.version}; this release reads {CURSOR_VERSION}", action)
        if (cursor.cluster, cursor.topic) != (self._cluster, self._topic_id):
            raise OperatorError(f"the messages in {self.folder} are of another topic than {self._topic}", action)
        return cursor.places

    def _keep_places(self) -> None:
        cursor = _Cursor(CURSOR_VERSION, self._cluster, self._topic_id, self._places)
        replace_durably(self.folder / CURSOR, msgspec.json.encode(cursor) + b"\n")

    def close(self) -> None:
        """Let another process own the folder."""
        self._lock.release()
