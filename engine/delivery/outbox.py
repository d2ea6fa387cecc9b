"""Messages as files in a folder: a rendering of the decisions to send, not a delivery.

Writing a file again changes nothing (`message_files.py`). `.cursor` says up to where each partition's decisions were
written. It never gets ahead of the files, not even when the power fails: a file is on the disk before it gets its name,
and the names are before the cursor is replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from engine.delivery.message_files import MessageFiles
from engine.outputs import decode_batch
from engine.ports import DecisionStream
from engine.rulebook.rulebook import Rulebook
from engine.workspace.durable_files import replace_durably
from triggers.decisions import START, Position

CURSOR = ".cursor"
CURSOR_VERSION = 1
SEND = "send"


class Place(msgspec.Struct, array_like=True):
    """How many batches of a partition were read, and the position of the last output among them."""

    batches: int = 0
    position: Position = START


class _Cursor(msgspec.Struct):
    version: int
    places: dict[int, Place]


_decode = msgspec.json.Decoder(_Cursor).decode


class Outbox:
    """The folder of a workspace's messages; `rulebook_of` finds a recorded rulebook by its hash."""

    def __init__(self, folder: Path, rulebook_of: Callable[[str], Rulebook | None]) -> None:
        self.folder = folder
        self._files = MessageFiles(folder, rulebook_of)
        self._places = _read_cursor(folder / CURSOR)
        self._kept = dict(self._places)

    def deliver(self, partition: int, stream: DecisionStream) -> int:
        """Write the messages of a partition's decisions since the last time; returns how many.

        They have their names on return; `keep_place` makes these durable.
        """
        place = self._places.get(partition, Place())
        if place.batches > stream.count():
            place = Place()  # facts/ is an older copy: write everything again
        written, batches, position = 0, place.batches, place.position
        for data in stream.read(batches):
            batches += 1
            for output in decode_batch(data):
                if output.position <= position:
                    continue
                position = output.position
                for decision in output.decisions:
                    if decision.kind == SEND:
                        self._files.write(output.position[2], decision)
                        written += 1
        self._files.name()
        if batches:
            self._places[partition] = Place(batches, position)
        return written

    def keep_place(self) -> None:
        """Write down up to where messages were written; without it a later run writes the same files again."""
        if self._places == self._kept:
            return
        self._files.make_folder()
        self._files.sync()
        content = msgspec.json.encode(_Cursor(CURSOR_VERSION, self._places))
        replace_durably(self.folder / CURSOR, content + b"\n")
        self._kept = dict(self._places)


def _read_cursor(path: Path) -> dict[int, Place]:
    """The places kept; none where they cannot be read, since then everything is written again, to the same effect."""
    try:
        cursor = _decode(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return cursor.places if cursor.version == CURSOR_VERSION else {}
