"""Messages as files in a folder: a rendering of the decisions to send, not a delivery.

A file is named after its message's id and is a function of the decision and its rulebook, so writing it again changes
nothing. `.cursor` says up to where each partition's decisions were written. It never gets ahead of the files, not even
when the power fails: a file is on the disk before it gets its name, and the names are before the cursor is replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from engine.delivery.mail import email_bytes, text_bytes
from engine.kill_points import reach
from engine.outputs import decode_batch
from engine.ports import DecisionStream
from engine.rulebook.rulebook import Rulebook
from engine.workspace.durable_files import refused, replace_durably, sync_files, sync_folder
from triggers.decisions import START, Decision, Position
from triggers.definitions import Policy

CURSOR = ".cursor"
CURSOR_VERSION = 1
SEND = "send"
EMAIL = "email"
GROUP_FILES = 1_000
"""Files that are made durable together."""


class Place(msgspec.Struct, array_like=True):
    """How many batches of a partition were read, and the position of the last output among them."""

    batches: int = 0
    position: Position = START


class _Cursor(msgspec.Struct):
    version: int
    places: dict[int, Place]


class Outbox:
    """The folder of a workspace's messages; `rulebook_of` finds a recorded rulebook by its hash."""

    def __init__(self, folder: Path, rulebook_of: Callable[[str], Rulebook | None]) -> None:
        self.folder = folder
        self._rulebook_of = rulebook_of
        self._policies: dict[str, Policy] = {}
        self._places = _read_cursor(folder / CURSOR)
        self._kept = dict(self._places)
        self._made = False
        self._nameless: dict[Path, None] = {}  # none twice: what has its name has no other to give up
        self._unsynced_names = False

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
                        self._write(output.position[2], decision)
                        written += 1
        self._name()
        if batches:
            self._places[partition] = Place(batches, position)
        return written

    def keep_place(self) -> None:
        """Write down up to where messages were written; without it a later run writes the same files again."""
        if self._places == self._kept:
            return
        self._make_folder()
        if self._unsynced_names:
            with refused(self.folder):
                sync_folder(self.folder)
            self._unsynced_names = False
        content = msgspec.json.encode(_Cursor(CURSOR_VERSION, self._places))
        replace_durably(self.folder / CURSOR, content + b"\n")
        self._kept = dict(self._places)

    def _write(self, customer: str, decision: Decision) -> None:
        self._make_folder()
        mail = decision.channel == EMAIL
        content = (
            email_bytes(customer, decision, self._policy(decision.rulebook)) if mail else text_bytes(customer, decision)
        )
        path = self.folder / f"{decision.message_id}.{'eml' if mail else 'txt'}.new"
        with refused(path):
            path.write_bytes(content)
        self._nameless[path] = None
        if len(self._nameless) >= GROUP_FILES:
            self._name()

    def _name(self) -> None:
        """Make what was written durable, then give each file its name."""
        written, self._nameless = list(self._nameless), {}
        with refused(self.folder):
            sync_files(written)
            for path in written:
                reach("before-outbox-rename")
                path.replace(path.with_suffix(""))
                self._unsynced_names = True
                reach("after-outbox-rename")

    def _policy(self, rulebook_hash: str) -> Policy:
        """Who sends, and where one unsubscribes, under the rulebook that decided."""
        if rulebook_hash not in self._policies:
            rulebook = self._rulebook_of(rulebook_hash)
            self._policies[rulebook_hash] = rulebook.rules.policy if rulebook is not None else Policy()
        return self._policies[rulebook_hash]

    def _make_folder(self) -> None:
        if not self._made:
            with refused(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
            self._made = True


def _read_cursor(path: Path) -> dict[int, Place]:
    """The places kept; none where they cannot be read, since then everything is written again, to the same effect."""
    try:
        cursor = msgspec.json.decode(path.read_bytes(), type=_Cursor)
    except (OSError, ValueError):
        return {}
    return cursor.places if cursor.version == CURSOR_VERSION else {}
